"""The form behind POST machines/ and PUT machines/ID/: validation with MAAS's texts, then the change."""

from __future__ import annotations

import re
from typing import Any

from sandbox.maas import data_files
from sandbox.maas.answers import refuse_form
from sandbox.maas.context import Context
from sandbox.maas.machine import NEW, Machine
from sandbox.maas.request import Form

PREFIX = "power_parameters_"
NAMES = ("able", "bold", "calm", "deft", "eager", "fair", "keen", "nearby", "swift")
PETS = ("badger", "crane", "falcon", "gecko", "heron", "marten", "otter", "shrew", "stoat")


class MachineForm:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world
        self._errors: dict[str, list[str] | str] = {}

    def create(self, form: Form) -> Machine:
        """A new machine.

        Raises:
            Refusal: 400 with all faults of the form.
        """
        world = self._world
        hostname = self._hostname(form.text("hostname"), None)
        architecture = self._architecture(form.text("architecture"))
        macs = self._macs([m for value in form.all("mac_addresses") for m in re.split(r"[,\s]+", value)])
        power_type = form.text("power_type")
        parameters = self._power_parameters(form)
        self._power_type(power_type)
        if "mac_addresses" in self._errors and power_type == "manual" and not world.old and macs:
            self._errors["power_type"] = "Can't set power type to manual without network interfaces"
        if power_type == "ipmi" and not parameters.get("power_address"):
            self._errors["power_parameters"] = "This field is required."
        if self._errors:
            raise refuse_form(self._errors)
        if power_type == "ipmi":
            parameters = {**world.ipmi_parameters(""), "power_pass": "", "power_user": "", **parameters}
        machine = world.add_machine(
            hostname or f"{world.rng.choice(NAMES)}-{world.rng.choice(PETS)}",
            macs=macs,
            architecture=architecture,
            power_type=power_type,
            power_parameters=parameters,
            power_state="unknown",
            status=NEW,
            description=form.text("description"),
        )
        self._place(machine, form)
        return machine

    def update(self, machine: Machine, form: Form) -> None:
        """Changes the machine; unknown fields are ignored, as MAAS ignores them.

        Raises:
            Refusal: 400 with all faults of the form.
        """
        world = self._world
        hostname = self._hostname(form.text("hostname"), machine) if "hostname" in form else machine.hostname
        architecture = machine.architecture
        if "architecture" in form:
            architecture = self._architecture(form["architecture"])
        power_type = form.get("power_type", machine.power_type)
        self._power_type(power_type)
        parameters = self._power_parameters(form)
        self._check_place(form)
        if self._errors:
            raise refuse_form(self._errors)
        if "zone" in form or "pool" in form:
            self._place(machine, form)
        machine.hostname = hostname or machine.hostname
        machine.architecture = architecture
        machine.description = form.get("description", machine.description)
        if power_type != machine.power_type:
            base = world.ipmi_parameters("") if power_type == "ipmi" else {}
            machine.power_type, machine.power_parameters = power_type, {**base, **parameters}
            machine.power_state = "unknown"
        else:
            machine.power_parameters = {**machine.power_parameters, **parameters}

    def _hostname(self, name: str, machine: Machine | None) -> str:
        if not name:
            return ""
        if "_" in name:
            self._errors["hostname"] = f"Host label cannot contain underscore: '{name}'."
        elif not re.fullmatch(r"[A-Za-z0-9-]+", name):
            self._errors["hostname"] = f"Label contains disallowed characters: '{name}'."
        elif any(m.hostname == name and m is not machine for m in self._world.machines.values()):
            self._errors["hostname"] = "Node with this Hostname already exists."
        return name

    def _architecture(self, name: str) -> str:
        if not name:
            self._errors["architecture"] = "This field is required."
        full = name if "/" in name else f"{name}/generic"
        known = sorted(
            {f"{r.architecture.split('/')[0]}/generic" for r in self._world.images.resources.values()}
            or {"amd64/generic"}
        )
        if name and full not in known:
            choices = ", ".join(f"'{a}'" for a in known)
            self._errors["architecture"] = f"'{name}' is not a valid architecture.  It should be one of: {choices}."
        return full

    def _macs(self, given: list[str]) -> list[str]:
        macs = [m.lower() for m in given if m]
        if not macs:
            self._errors["mac_addresses"] = "This field is required."
        for mac in macs:
            owner = next((m for m in self._world.machines.values() if mac in m.macs), None)
            if not re.fullmatch(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", mac):
                self._errors["mac_addresses"] = f"'{mac}' is not a valid MAC address."
            elif owner is not None:
                self._errors["mac_addresses"] = f"MAC address {mac} already in use on {owner.hostname}."
        return macs

    def _power_type(self, name: str) -> None:
        known = {t["name"] for t in data_files.load(self._world.version, "power_types")} | {"manual"}
        if name and (name not in known or name in self._world.refused_power_types):
            self._errors["power_type"] = f"Select a valid choice. {name} is not one of the available choices."

    def _power_parameters(self, form: Form) -> dict[str, Any]:
        """Parameters of which several values may be chosen come as a list, however many there are."""
        types = data_files.load(self._world.version, "power_types")
        several = {f["name"] for t in types for f in t["fields"] if f["field_type"] == "multiple_choice"}
        names = dict.fromkeys(key.removeprefix(PREFIX) for key, _ in form.pairs if key.startswith(PREFIX))
        return {name: form.all(PREFIX + name) if name in several else form[PREFIX + name] for name in names}

    def _check_place(self, form: Form) -> None:
        no_choice = "Select a valid choice. That choice is not one of the available choices."
        if (pool := form.get("pool")) and pool not in {p.name for p in self._world.pools.values()}:
            self._errors["pool"] = no_choice
        if (zone := form.get("zone")) and zone not in self._world.zones:
            self._errors["zone"] = no_choice

    def _place(self, machine: Machine, form: Form) -> None:
        pools = {p.name: p.id for p in self._world.pools.values()}
        if form.get("pool") in pools:
            machine.pool = pools[form["pool"]]
        if form.get("zone") in self._world.zones:
            machine.zone = form["zone"]
