"""Rescue mode: a machine runs MAAS's rescue system from memory, its own disks untouched; and back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.policy import Risk

#: States in which MAAS lets a machine into rescue mode; in any other it answers 409.
_RESCUABLE = frozenset(
    {
        MachineStatus.NEW,
        MachineStatus.READY,
        MachineStatus.BROKEN,
        MachineStatus.DEPLOYED,
        MachineStatus.ALLOCATED,
        MachineStatus.FAILED_COMMISSIONING,
        MachineStatus.FAILED_DEPLOYMENT,
        MachineStatus.FAILED_TESTING,
    }
)
_IN = frozenset({MachineStatus.RESCUE_MODE, MachineStatus.ENTERING_RESCUE_MODE})


class _Rescue(MachineKind):
    """What both ways have in common: the state of the plan may still show for a moment after MAAS took the order."""

    at_once = 10
    looks_first = True
    planned: Target | None = None

    #: Events from which the order is known.
    ordered: frozenset[str]

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with the state that it starts from."""
        del options
        made = copy(self)
        made.planned = target
        return made

    def lags(self, machine: Machine) -> bool:
        """Whether the machine still shows what the plan found."""
        return self.planned is not None and machine.status_name == self.planned.state

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine."""
        return facts.changed_since(machine, target)

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: it is on its way, and the other way leads back from where it ends."""


class EnteringRescue(_Rescue):
    """The kind `rescue-on`. Its only option is `ids`."""

    name = "rescue-on"
    verb, participle, past = "Put into rescue mode", "Putting into rescue mode", "Put into rescue mode"
    ordered = frozenset({"User starting rescue mode", "Entering rescue mode"})

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would refuse."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against_on)
        running = [machine for machine in machines if facts.runs_system(machine)]
        since = await facts.deployed_since(region, running)
        losses = [
            f"{one.name}: {facts.system_of(one)} is cut off; what it has not written to disk is lost"
            for one in running[:10]
        ]
        if len(running) > 10:
            losses.append(f"and the running systems of {len(running) - 10} more machines")
        others = facts.owned_by_others(machines, await facts.own_user(region)) if running else ""
        return Plan(
            kind=self.name,
            risk=Risk.DESTRUCTIVE if running else Risk.CHANGE,
            region=region.name,
            title=f"Put {facts.subject(machines)} into rescue mode",
            targets=facts.targets_of(machines, lambda one: facts.facts_of(one, since.get(one.system_id, ""))),
            steps=(
                "MAAS restarts it over the network (PXE) into a system that runs from memory; its disks stay as they "
                "are and can be mounted.",
                "Its owner's SSH keys open it, as the user ubuntu. /maas rescue off ends it.",
            ),
            losses=tuple(losses),
            warnings=(*_by_hand(machines), *([others] if others else [])),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to boot one machine into rescue mode."""
        del options
        await region.api.rescue_mode(key)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is in it or on its way, or the log says since the intent that somebody ordered it."""
        return (machine is not None and machine.status in _IN) or any(event.type in self.ordered for event in events)

    def end(self, machine: Machine) -> End | None:
        """In rescue mode is good; anything else that it was not before is not."""
        if machine.status is MachineStatus.RESCUE_MODE:
            addresses = f"; addresses: {', '.join(machine.ip_addresses)}" if machine.ip_addresses else ""
            return End(good=True, label=machine.status_name, detail=f"SSH is open for its owner's keys{addresses}")
        if machine.status is MachineStatus.ENTERING_RESCUE_MODE or self.lags(machine):
            return None
        if machine.status.failed:
            return End(good=False, label=machine.status_name)
        return End(good=False, label=machine.status_name, detail=f"Somebody changed it: it is {machine.status_name}.")


class LeavingRescue(_Rescue):
    """The kind `rescue-off`. Its only option is `ids`."""

    name = "rescue-off"
    verb, participle, past = "Take out of rescue mode", "Taking out of rescue mode", "Took out of rescue mode"
    ordered = frozenset({"User stopping rescue mode", "Exiting rescue mode"})

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that are not in rescue mode."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against_off)
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Take {facts.subject(machines)} out of rescue mode",
            targets=facts.targets_of(machines, facts.facts_of),
            steps=(
                "MAAS ends the rescue system; who is logged in there is cut off.",
                "The machine is what it was before: a deployed one boots its own system, any other is switched off.",
            ),
            warnings=_by_hand(machines),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to take one machine out of rescue mode."""
        del options
        await region.api.exit_rescue_mode(key)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is on its way out, or the log says since the intent that somebody ordered it."""
        on_its_way = machine is not None and machine.status is MachineStatus.EXITING_RESCUE_MODE
        return on_its_way or any(event.type in self.ordered for event in events)

    def end(self, machine: Machine) -> End | None:
        """Out of it is good, whatever it is then."""
        if machine.status in _IN or machine.status is MachineStatus.EXITING_RESCUE_MODE:
            return None
        bad = machine.status is MachineStatus.FAILED_EXITING_RESCUE_MODE
        return End(good=not bad, label=machine.status_name)


def _reason_against_on(machine: Machine) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status in _IN:
        return f"it is {machine.status_name} already"
    if machine.status not in _RESCUABLE:
        return f"it is {machine.status_name}; MAAS lets no machine into rescue mode from there"
    return None


def _reason_against_off(machine: Machine) -> str | None:
    if machine.status in _IN or machine.status is MachineStatus.FAILED_ENTERING_RESCUE_MODE:
        return "it is locked; unlock it first" if machine.locked else None
    return f"it is {machine.status_name}, not in rescue mode"


def _by_hand(machines: Sequence[Machine]) -> tuple[str, ...]:
    some = [machine for machine in machines if not facts.switchable(machine)]
    return (f"MAAS can't restart {facts.named(some)} (power type manual): somebody has to.",) if some else ()
