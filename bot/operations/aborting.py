"""Aborting: MAAS stops what it is doing to a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan
from bot.policy import Risk

#: What MAAS can abort, and what becomes of the machine.
_ABORTABLE = {
    MachineStatus.COMMISSIONING: "Commissioning stops; the machine is New, or Ready if it was before.",
    MachineStatus.TESTING: "The tests stop; the machine is what it was before.",
    MachineStatus.DEPLOYING: "The installation stops; the machine is Allocated, with half a system on its disks.",
    MachineStatus.DISK_ERASING: "The erasing stops; the machine is Failed disk erasing, and its disks may hold data.",
}
_TRACES = ("User aborting", "Aborted")


class Aborting(MachineKind):
    """The kind `abort`. Its options are `ids` and `comment`."""

    name = "abort"
    verb, participle, past = "Abort", "Aborting", "Aborted"
    by_events = True
    #: MAAS answers before the state follows, some seconds later.
    patience = 120.0
    look_every = 5.0

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those at which there is nothing to abort."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against)
        what = sorted({machine.status for machine in machines})
        doing = machines[0].status_name.lower() if len(what) == 1 else "what MAAS does"
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Abort {doing} of {facts.subject(machines)}" if machines else "Abort",
            targets=facts.targets_of(machines, lambda one: {"owner": one.owner or "nobody"}),
            steps=tuple(_ABORTABLE[status] for status in what),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to abort what one machine does."""
        await region.api.abort(key, comment=str(options.get("comment") or ""))

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """The log says since the intent that somebody aborted it."""
        del machine
        return any(event.type.startswith(_TRACES) for event in events)

    def end(self, machine: Machine) -> End | None:
        """Not under way any more."""
        return None if machine.status in _ABORTABLE else End(good=True, label=machine.status_name)

    def outcome(self, machine: Machine, events: Sequence[Event]) -> End | None:
        """As `end`; without a trace of an abort in the log it had come to its end by itself."""
        ended = self.end(machine)
        if ended is None or self.taken(None, events):
            return ended
        return End(good=False, label=ended.label, detail=f"It had ended before: the machine is {ended.label}.")

    def overdue(self, machine: Machine) -> str:
        """MAAS took the order, and the state does not follow."""
        return f"MAAS took the order, and {self.patience:g} s later {machine.name} is still {machine.status_name}."

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: an abort can't be aborted."""


def _reason_against(machine: Machine) -> str | None:
    if machine.status in _ABORTABLE:
        return None
    return f"it is {machine.status_name}; MAAS does nothing to it that could be aborted"
