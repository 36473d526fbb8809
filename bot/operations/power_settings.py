"""Setting the way to a machine's power. What is set is secret: an operation keeps it sealed until MAAS has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from pydantic import SecretStr

from bot.maas.errors import MaasError, NotFound
from bot.maas.models import Event, Machine
from bot.maas.power_calls import Hidden, PowerType, hidden, shown
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.changing import locked
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.operations.power_check import power_truth
from bot.policy import Risk

#: The name under which the form hands over what was typed, and under which an operation keeps it sealed.
SETTINGS = "power_settings"


class SettingsMissingError(Exception):
    """A parameter is missing that MAAS wants. Says which, in a sentence."""


def written(power_type: str, given: Mapping[str, Hidden]) -> SecretStr:
    """What was typed into the form, as one secret."""
    return SecretStr(json.dumps({"type": power_type, "given": {name: shown(value) for name, value in given.items()}}))


def read(settings: SecretStr) -> tuple[str, dict[str, Hidden]]:
    """The kind of BMC, and what was typed for it."""
    found = json.loads(settings.get_secret_value())
    return str(found["type"]), {name: hidden(values) for name, values in found["given"].items()}


async def options_for(
    region: RegionService, machine: Machine, kind: PowerType, given: Mapping[str, Hidden]
) -> dict[str, Any]:
    """The options of an operation that sets this, but for what is secret.

    Raises:
        SettingsMissingError: MAAS would not take it.
        MaasError: what MAAS has can't be read.
    """
    known = await region.api.power_parameters(machine.system_id) if machine.power_type == kind.name else {}
    defaults = {field.name: list(field.defaults) for field in kind.fields}
    wanted = _whole(defaults, known, given)
    missing = [field.label or field.name for field in kind.fields if field.required and not _filled(wanted, field.name)]
    if missing:
        raise SettingsMissingError(f"{kind.name} needs {', '.join(missing)}.")
    return {
        "ids": [machine.system_id],
        "power_type": kind.name,
        "defaults": defaults,
        "changed": [name for name in defaults if name in given],
        "keeps": any(name not in given for name in known),
    }


class SettingPower(MachineKind):
    """The kind `power-set`. Its options are those of `options_for`; what was typed is sealed as SETTINGS.

    All parameters are sent, those that nobody typed as MAAS has them: of those left out each version makes its own.
    The machine does not show them, so that whoever comes after a lost answer asks for them, and sends what is not so.
    """

    name = "power-set"
    verb, participle, past = "Set the power of", "Setting the power of", "Set the power of"
    logged = False
    patience = 30.0
    look_every = 5.0
    options: Mapping[str, Any]

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with the power type that the machine is to have."""
        del target
        made = copy(self)
        made.options = options
        return made

    def phases(self) -> Sequence[MachineKind]:
        """Set first; then its BMC is asked."""
        return (self, _Answering())

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Which parameters are to change, by their names."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), locked)
        changed = ", ".join(options["changed"]) or "none"
        rest = " The rest stays as MAAS has it." if options["keeps"] else ""
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"{self.verb} {facts.subject(machines)}",
            targets=facts.targets_of(machines, lambda one: {"power": one.power_type or "none"}),
            steps=(
                f"MAAS gets the power type {options['power_type']} with these settings from you: {changed}.{rest}",
                "Then its BMC is asked whether it answers. The machine is not switched.",
            ),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Send what MAAS does not have yet."""
        power_type, given = read(options[SETTINGS])
        machine = await region.api.machine(key)
        known = await region.api.power_parameters(key) if machine.power_type == power_type else None
        wanted = _whole(options["defaults"], known or {}, given)
        if known is None or any(shown(known.get(name, ())) != shown(value) for name, value in wanted.items()):
            await region.api.set_power(key, power_type, wanted)
        region.fleet.bump(key)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It does not show; `ask` looks before it sends."""
        del machine, events
        return False

    def end(self, machine: Machine) -> End | None:
        """MAAS has it when it answers."""
        return End(good=True, label="set") if machine.power_type == self.options["power_type"] else None

    def overdue(self, machine: Machine) -> str:
        """Somebody set it to something else in between."""
        return f"MAAS took the settings, and {machine.name} has the power type {machine.power_type} now."

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: it is made in an instant."""


class _Answering(MachineKind):
    """The second half: whether what answers there is the machine's BMC."""

    logged = False
    preamble = "Its power is set, but:"

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """It is never planned alone."""
        raise NotImplementedError

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask the BMC, through MAAS."""
        del options
        try:
            machine = await region.api.machine(key)
        except NotFound:
            raise MaasError("the machine is no longer in MAAS.", "Nothing is left to do.") from None
        if not facts.switchable(machine):
            return
        truth = await power_truth(region, machine)
        if not truth.answers:
            racks = f" {truth.racks}." if truth.racks else ""
            raise MaasError(f"{truth.power.said}.{racks}", truth.advice)
        await region.fleet.refresh([key])

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is a question, and is asked again."""
        del machine, events
        return False

    def end(self, machine: Machine) -> End | None:
        """It has answered."""
        if not facts.switchable(machine):
            return End(good=True, label="set", detail="MAAS can't ask it: somebody presses its button")
        state = f": {machine.power_state}" if machine.power_state in {"on", "off"} else ""
        return End(good=True, label=f"set, its BMC answers{state}")

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: it only asks."""


def _whole(
    defaults: Mapping[str, Sequence[str]], known: Mapping[str, Hidden], given: Mapping[str, Hidden]
) -> dict[str, Hidden]:
    """Every parameter of the kind: as typed, else as MAAS has it, else as MAAS would take it by itself, if it would."""
    found = {name: given.get(name) or known.get(name) or hidden(list(usual)) for name, usual in defaults.items()}
    return {name: value for name, value in found.items() if value}


def _filled(wanted: Mapping[str, Hidden], name: str) -> bool:
    return any(shown(wanted.get(name, ())))
