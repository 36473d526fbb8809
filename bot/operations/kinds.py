"""Kinds of operations: what each must know for a runner to do it durably. Those in steps: operations.steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.maas.errors import NotFound
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations.plan import Plan, Target


async def abort_while(region: RegionService, key: str, states: Collection[MachineStatus]) -> None:
    """Abort in MAAS what one machine does, if it is in one of these states; else leave it."""
    try:
        machine = await region.api.machine(key)
    except NotFound:
        return
    if machine.status in states:
        await region.api.abort(key, comment="cancelled from Slack")


@dataclass(frozen=True, slots=True)
class End:
    """How one machine ended: `good` or not, and in MAAS's word for the state it is in."""

    good: bool
    label: str
    detail: str = ""


class Kind(ABC):
    """One kind of work. Methods raise MaasError; none keeps state."""

    #: The name under which operations of this kind are stored: the command's, with hyphens for its blanks.
    name: str
    #: "Commission", "Commissioning", "Commissioned": for titles while planned, under way and done.
    verb: str
    participle: str
    past: str
    #: Whether what it does can be read while it does it; see `StepKind.log`.
    has_log = False

    @abstractmethod
    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at the world and say what would be done. Called again at the start, with the same options."""


class MachineKind(Kind):
    """One kind of work on machines, on many at a time."""

    #: How many machines are worked on at once unless the options say otherwise.
    at_once = 25
    #: Whether `outcome` needs what MAAS logged of the machine; each look then costs a read of its events.
    by_events = False
    #: Seconds between looks of the runner's own, for ends that don't show as a change of the machine; 0: none.
    look_every = 0.0
    #: Seconds without a sign of life after which it counts as failed; 0: the runner's own limit.
    patience = 0.0
    #: Whether the machine is looked at right before MAAS is asked, and left alone if `changed_since` says so.
    looks_first = False
    #: Said while `afterwards` looks; "": nothing more is looked at once it has ended well.
    looks_after = ""
    #: Said before the cause of a failure: what was done already when it came.
    preamble = ""
    #: Whether MAAS's log may tell that the request was taken; where the machine itself tells, it is not read.
    logged = True
    #: Whether a good state may be what MAAS put the machine back to when somebody aborted: `aborted` tells.
    may_look_done = False

    def phases(self) -> Sequence[MachineKind]:
        """What is asked of MAAS one after the other; each is asked, and its end awaited, before the next."""
        return (self,)

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind for one machine of one operation, where its end depends on what was asked for."""
        del options, target
        return self

    async def find(self, region: RegionService, key: str) -> Machine | None:
        """The machine that a target stands for, as it is now; None when there is none."""
        try:
            return await region.api.machine(key)
        except NotFound:
            return None

    async def held_up(self, region: RegionService, key: str, options: Mapping[str, Any]) -> str:
        """What a machine waits for before MAAS is asked, although it was agreed to, as a sentence; "": nothing."""
        del region, key, options
        return ""

    @abstractmethod
    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to begin with one machine."""

    @abstractmethod
    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """Whether MAAS took the request: seen in the machine, or in its events since before the request."""

    @abstractmethod
    def end(self, machine: Machine) -> End | None:
        """How it ended, or None while it is under way."""

    def aborted(self, events: Sequence[Event]) -> End | None:
        """The end that the events since before the request tell of, where the machine's state alone looks good."""
        del events
        return None

    def outcome(self, machine: Machine, events: Sequence[Event]) -> End | None:
        """How it ended, from the machine and, with `by_events`, from its events since before the request."""
        del events
        return self.end(machine)

    async def afterwards(self, region: RegionService, machine: Machine, end: End) -> End:
        """The good end, with what can be found out only once it is there. A look, which a crash may repeat."""
        del region, machine
        return end

    def gone(self) -> End | None:
        """How it ended when the machine is no longer in MAAS; None: somebody deleted it, and that is a failure."""
        return None

    def overdue(self, machine: Machine) -> str:
        """What to say when `patience` has run out, in a sentence; "" for the runner's own words."""
        del machine
        return ""

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Why the machine is another one than was planned for, or "" when it is as it was."""
        del machine, target
        return ""

    @abstractmethod
    async def stop(self, region: RegionService, key: str) -> None:
        """Make MAAS stop what is under way on one machine."""
