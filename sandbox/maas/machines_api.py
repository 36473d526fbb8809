"""machines/: list, create, allocate and the other bulk operations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from sandbox.maas import machine as states
from sandbox.maas.answers import JSON, Answer, Refusal, json_answer, no_content, refuse, refuse_form
from sandbox.maas.cloning import clone
from sandbox.maas.commission_options import CommissionOptions
from sandbox.maas.context import Context
from sandbox.maas.machine import Machine
from sandbox.maas.machine_filters import NEW_FILTERS, select_machines
from sandbox.maas.machine_form import MachineForm
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route

ALLOCATE_OPTIONS = {
    "comment", "agent_name", "bridge_all", "bridge_type", "bridge_stp", "bridge_fd", "dry_run", "verbose",
    "op",
}  # fmt: skip
ALLOCATE_CONSTRAINTS = {
    "name", "system_id", "arch", "cpu_count", "mem", "tags", "not_tags", "zone", "not_in_zone", "pool",
    "not_in_pool", "pod", "pod_type", "subnets", "storage", "interfaces", "fabrics", "vlans",
}  # fmt: skip


class MachinesApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        for path in ("machines/", "nodes/"):
            yield Route(path, "GET", None, self._list if path == "machines/" else self._nodes)
            yield Route(path, "GET", "is_registered", self._is_registered, anonymous=True)
            yield Route(path, "POST", "set_zone", self._set_zone, admin=True)
        yield Route("machines/", "POST", None, self._create)
        yield Route("machines/", "GET", "power_parameters", self._power_parameters, admin=True)
        yield Route("machines/", "GET", "list_allocated", self._list_allocated)
        yield Route("machines/", "POST", "allocate", self._allocate)
        yield Route("machines/", "POST", "release", self._release)
        yield Route("machines/", "POST", "accept", self._accept)
        yield Route("machines/", "POST", "accept_all", self._accept_all)
        yield Route("machines/", "POST", "clone", self._clone, admin=True)

    def _visible(self, request: ApiRequest, machines: list[Machine]) -> list[Machine]:
        """A plain user does not see machines that others own, nor new ones."""
        if request.is_admin:
            return machines
        name = request.caller.username
        return [m for m in machines if m.owner == name or (m.owner is None and m.status == states.READY)]

    async def _list(self, request: ApiRequest) -> Answer:
        machines = self._visible(request, select_machines(self._world, request.query))
        seconds = self._context.latency_per_machine * len(machines)
        if seconds:
            await asyncio.sleep(seconds)
        for index, machine in enumerate(machines):
            self._context.renderer.row(machine)
            if index % 100 == 99:
                await asyncio.sleep(0)  # a long list must not hold up the other calls
        return Answer(200, JSON, self._context.renderer.many(machines))

    async def _nodes(self, request: ApiRequest) -> Answer:
        machines = self._visible(request, select_machines(self._world, request.query))
        body = self._context.renderer.many(machines)
        if request.query.pairs:
            return Answer(200, JSON, body)
        rack = json_answer(self._context.controllers.rack_json()).body.replace(b"\n", b"\n    ")
        if body == b"[]":
            return Answer(200, JSON, b"[\n    " + rack + b"\n]")
        return Answer(200, JSON, body[:-2] + b",\n    " + rack + b"\n]")

    def _is_registered(self, request: ApiRequest) -> Answer:
        mac = request.query.text("mac_address").lower()
        return json_answer(any(mac in m.macs for m in self._world.machines.values()))

    def _set_zone(self, request: ApiRequest) -> Answer:
        zone = request.form.text("zone")
        if zone not in self._world.zones:
            raise refuse_form({"zone": "Select a valid choice. That choice is not one of the available choices."})
        for system_id in request.form.all("nodes"):
            if system_id in self._world.machines:
                self._world.machines[system_id].zone = zone
        return json_answer(None)

    def _create(self, request: ApiRequest) -> Answer:
        form = request.form
        machine = MachineForm(self._context).create(form)
        self._world.effects[("create", machine.system_id)] += 1
        if form.flag("deployed"):
            machine.status, machine.owner = states.DEPLOYED, request.caller.username
            machine.commissioning_set, machine.commissioning_status = self._world.take_id("script_set"), 0
        elif request.is_admin and form.flag("commission", default=True):
            self._context.lifecycle.commission(machine, request.caller, CommissionOptions())
        return Answer(200, JSON, self._context.renderer.one(machine))

    def _power_parameters(self, request: ApiRequest) -> Answer:
        machines = select_machines(self._world, request.query)
        return json_answer({m.system_id: m.power_parameters for m in machines})

    def _list_allocated(self, request: ApiRequest) -> Answer:
        machines = select_machines(self._world, request.query)
        mine = [m for m in machines if m.owner == request.caller.username and m.status == states.ALLOCATED]
        return Answer(200, JSON, self._context.renderer.many(mine))

    def _allocate(self, request: ApiRequest) -> Answer:
        form, world = request.form, self._world
        given = [n for n in form if n not in ALLOCATE_OPTIONS]
        if unknown := {n: "No such constraint." for n in given if n not in ALLOCATE_CONSTRAINTS}:
            raise refuse_form(unknown)
        if (pool := form.get("pool")) and pool not in {p.name for p in world.pools.values()}:
            raise refuse_form({"pool": f"No such pool: '{pool}'."})
        free = [m for m in world.machines.values() if m.status == states.READY and m.owner is None]
        fitting = [m for m in free if self._fits(m, form.pairs)]
        if not fitting:
            raise refuse(409, self._no_match(form.pairs, given))
        machine = fitting[0]
        if not form.flag("dry_run"):
            machine.agent_name = form.text("agent_name")
            self._context.lifecycle.allocate(machine, request.caller, form.text("comment"))
        shown = json.loads(self._context.renderer.one(machine))
        verbose: dict[str, object] = {"verbose_storage": {}, "verbose_interfaces": {}} if form.flag("verbose") else {}
        return json_answer({**shown, "constraints_by_type": verbose})

    def _fits(self, machine: Machine, pairs: list[tuple[str, str]]) -> bool:
        names = {"name": machine.hostname, "system_id": machine.system_id, "zone": machine.zone}
        for name, value in pairs:
            if name in names and names[name] != value:
                return False
            if name == "pool" and self._world.pools[machine.pool].name != value:
                return False
        rest = [p for p in pairs if p[0] in ("tags", "cpu_count", "mem", "arch")]
        return machine in select_machines(self._world, Form(rest), NEW_FILTERS)

    def _no_match(self, pairs: list[tuple[str, str]], given: list[str]) -> str:
        wanted = dict(pairs)
        if "system_id" in wanted and not self._world.old:
            return f"No machine with system ID {wanted['system_id']} available."
        shown = [(n, [v for k, v in pairs if k == n]) for n in dict.fromkeys(k for k, _ in pairs) if n != "op"]
        if not shown:
            return "No machine available."
        resolved = " ".join(
            f"{n}={float(wanted[n])}" if n in ("cpu_count", "mem") else f"{n}={wanted[n]}" for n in given
        )
        return f'No available machine matches constraints: {shown} (resolved to "{resolved}")'

    def _release(self, request: ApiRequest) -> Answer:
        wanted = request.form.all("machines")
        if unknown := [s for s in wanted if s not in self._world.machines]:
            raise refuse(400, f"Unknown machine(s): {', '.join(unknown)}.")
        released = []
        for system_id in wanted:
            machine = self._world.machines[system_id]
            if machine.locked or machine.status in (states.READY, states.RELEASING):
                continue
            try:
                self._context.deployment.check_releasable(machine)
            except Refusal:
                continue
            self._context.lifecycle.release(machine, request.caller, request.form.text("comment"), erase="")
            released.append(system_id)
        return json_answer(released)

    def _accept(self, request: ApiRequest) -> Answer:
        wanted = request.form.all("machines")
        if unknown := [s for s in wanted if s not in self._world.machines]:
            raise refuse(400, f"Unknown machine(s): {', '.join(unknown)}.")
        return self._accepted(request, [self._world.machines[s] for s in wanted])

    def _accept_all(self, request: ApiRequest) -> Answer:
        return self._accepted(request, list(self._world.machines.values()))

    def _accepted(self, request: ApiRequest, machines: list[Machine]) -> Answer:
        accepted = [m for m in machines if m.status == states.NEW]
        for machine in accepted:
            self._context.lifecycle.commission(machine, request.caller, CommissionOptions())
        return Answer(200, JSON, self._context.renderer.many(accepted))

    def _clone(self, request: ApiRequest) -> Answer:
        form = request.form
        errors: dict[str, list[str] | str] = {}
        wanted = form.all("destinations")
        bad = [
            f"Machine {i} is invalid: Select a valid choice. {s} is not one of the available choices."
            for i, s in enumerate(wanted, 1)
            if s not in self._world.machines
            or self._world.machines[s].status not in (states.READY, states.FAILED_TESTING)
        ]
        if bad:
            errors["destinations"] = bad
        elif not form.flag("storage") and not form.flag("interfaces"):
            errors["__all__"] = "Either storage or interfaces must be true."
        source = self._world.machines.get(form.text("source"))
        if source is None:
            errors.setdefault("source", "Select a valid choice. That choice is not one of the available choices.")
        if errors or source is None:
            raise refuse_form(errors)
        for system_id in wanted:
            clone(self._world, source, self._world.machines[system_id], interfaces=form.flag("interfaces"))
        return no_content()
