"""The fleet view: every machine of a region, answered at once and with its age.

A region takes minutes to list thousands of machines, so nobody asks it for that list. The view is what
`FleetSync` learnt in small portions; here are its contents, its listeners and its place on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import nsmallest
from pathlib import Path
from types import MappingProxyType

from bot.maas.broadcast import Broadcast, Subscription
from bot.maas.errors import NotFound, RegionUnreachable
from bot.maas.event_log import RecentEvents, latest_messages, latest_states
from bot.maas.fleet_file import FleetFile, SavedFleet
from bot.maas.fleet_status import FleetStatus, Progress
from bot.maas.models import Event, Machine
from bot.maas.rereads import Rereads

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class MachineChange:
    """A machine looks different now; `before` is None if it appeared, `after` if it vanished.

    With `word` the event log tells that it is in that state now, and it was not read again yet: `before` and `after`
    are the machine as it was. With hundreds that change at once, the log is ahead of the reading by many seconds.
    """

    system_id: str
    before: Machine | None
    after: Machine | None
    at: datetime
    #: It is new to a view that is being filled for the first time; the region may know it for years.
    first_sight: bool = False
    word: str = ""


class FleetView:
    """The machines of one region. Reading never waits; only `refresh` and `wait_for` do."""

    def __init__(self, region_url: str, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """An empty view.

        Args:
            region_url: whose machines they are; a file of another region is not loaded.
            path: where the view is kept between runs; None keeps it in memory.
            clock: seconds since 1970.
        """
        self._region_url = region_url
        self._file = FleetFile(path, region_url)
        self._clock = clock
        self._machines: dict[str, Machine] = {}
        self._read_at: dict[str, float] = {}
        #: The state that the log told of, by system id, until the machine is read.
        self._told: dict[str, str] = {}
        self._changes: Broadcast[MachineChange] = Broadcast()
        self._recent = RecentEvents()
        self._changed_since_save = False
        self.progress = Progress()
        self.rereads = Rereads(clock)

    # -- reading
    # -----------------------------------------------------------------------------------------------

    def machines(self) -> Mapping[str, Machine]:
        """All machines by system id, as a picture that does not change any more."""
        return MappingProxyType(dict(self._machines))

    def get(self, system_id: str) -> Machine | None:
        """The machine with that id (its case matters), None when the view has none."""
        return self._machines.get(system_id)

    def find(self, name_or_id: str) -> list[Machine]:
        """All machines whose system id, host name or FQDN is `name_or_id`; names in any case, ids exactly."""
        folded = name_or_id.casefold()
        return [
            machine
            for machine in self._machines.values()
            if machine.system_id == name_or_id or folded in {machine.hostname.casefold(), machine.fqdn.casefold()}
        ]

    @property
    def status(self) -> FleetStatus:
        """How complete and how old the view is."""
        as_of = self._current_at() if self.progress.filled_at is not None else None
        return self.progress.status(len(self._machines), as_of, self._clock())

    def events_for(self, system_id: str) -> list[Event]:
        """The latest events of a machine that were seen go by, oldest first."""
        return self._recent.of(system_id)

    # -- asking and listening
    # ----------------------------------------------------------------------------------

    def subscribe(self, *system_ids: str) -> Subscription[MachineChange]:
        """Changes of these machines, or of all: `async with view.subscribe() as changes`."""
        if not system_ids:
            return self._changes.subscribe()
        wanted = frozenset(system_ids)
        return self._changes.subscribe(lambda change: change.system_id in wanted)

    def bump(self, system_id: str) -> None:
        """Something was done to this machine: read it again with the next batch."""
        self.rereads.mark([system_id])

    async def refresh(self, ids: Iterable[str], *, patient: bool = False) -> dict[str, Machine]:
        """These machines as they are after this call began, read together with whatever else waits.

        Unknown ids are missing in the answer. `patient`: some seconds more don't matter.

        Raises:
            MaasError: they could not be read.
        """
        return await self.rereads.ask(ids, patient=patient)

    async def wait_for(
        self,
        system_id: str,
        predicate: Callable[[Machine], bool],
        timeout: float | None = None,
        *,
        fresh: bool = False,
    ) -> Machine:
        """Wait until `predicate` holds for the machine. Any number of waiters costs the region nothing.

        Args:
            system_id: of the machine.
            predicate: looked at now and at every change.
            timeout: seconds; None waits as long as it takes.
            fresh: what the view holds now may be from before the caller acted: read the machine again first.

        Raises:
            TimeoutError: it did not come to that in time.
            NotFound: the machine is not, or no longer, in the region.
            MaasError: the first reading of `fresh` failed.
        """
        async with asyncio.timeout(timeout), self.subscribe(system_id) as changes:
            if fresh:
                await self.refresh([system_id])
                # Queued changes may be of the state from before the caller acted; the view has the newest.
                changes.skip()
            machine = self.get(system_id) or (await self.refresh([system_id])).get(system_id)
            if machine is not None and predicate(machine):
                return machine
            while machine is not None:
                change = await anext(changes, None)
                if change is None:
                    raise RegionUnreachable("The fleet view is closed: the bot is stopping.")
                machine = change.after
                if machine is not None and predicate(machine):
                    return machine
        raise NotFound(f"The region has no machine {system_id}.")

    def observe(self, machine: Machine) -> None:
        """Take over what a call to the region has just brought."""
        self.take([machine], started=time.monotonic())

    # -- for FleetSync
    # -----------------------------------------------------------------------------------------

    def take(self, machines: Iterable[Machine], started: float) -> None:
        """Enter what a read that began at `started` (monotonic) brought, unless a later read was faster."""
        for machine in machines:
            if self._read_at.get(machine.system_id, _NEVER) <= started:
                self._read_at[machine.system_id] = started
                self._told.pop(machine.system_id, None)
                self._set(machine)

    def drop(self, system_ids: Iterable[str], started: float) -> None:
        """Remove machines that a read that began at `started` (monotonic) did not find."""
        for system_id in system_ids:
            if self._read_at.get(system_id, _NEVER) <= started:
                self._read_at.pop(system_id, None)
                self._told.pop(system_id, None)
                before = self._machines.pop(system_id, None)
                if before is not None:
                    self._announce(system_id, before, None)

    def witness(self, events: Iterable[Event], to_be_read: Collection[str] = ()) -> None:
        """Keep new events, oldest first, and let the status message of each machine follow them.

        Machines `to_be_read` again get theirs with the rest: a new message beside an old status misleads.
        """
        listed = list(events)
        self._recent.add(listed)
        for system_id, message in latest_messages(listed).items():
            machine = self._machines.get(system_id)
            if machine is not None and system_id not in to_be_read:
                self._set(replace(machine, status_message=message))
        now = datetime.now(UTC)
        for system_id, word in latest_states(listed).items():
            machine = self._machines.get(system_id)
            # Not read since the log told of another state, it may look as it is now: as Ready as it was before.
            if machine is not None and self._told.get(system_id, machine.status_name) != word:
                self._told[system_id] = word
                self._changes.send(MachineChange(system_id, machine, machine, now, word=word))

    def read_before(self, moment: float) -> list[str]:
        """The ids of machines whose reading began before `moment` (monotonic), oldest first."""
        old = [(self._read_at.get(system_id, _NEVER), system_id) for system_id in self._machines]
        return [system_id for read_at, system_id in sorted(old) if read_at < moment]

    def read_longest_ago(self, count: int, besides: Collection[str] = ()) -> list[str]:
        """The ids of as many machines as `count`, save those `besides`, whose reading is longest ago."""
        others = (system_id for system_id in self._machines if system_id not in besides)
        return nsmallest(count, others, key=lambda system_id: self._read_at.get(system_id, _NEVER))

    def checked(self) -> None:
        """The event log was read to its end just now."""
        self.progress.checked_at = self._clock()

    def _current_at(self) -> float | None:
        times = (self.progress.checked_at, self.rereads.waiting_since)
        return None if times[0] is None else min(time for time in times if time is not None)

    def _set(self, machine: Machine) -> None:
        before = self._machines.get(machine.system_id)
        if before != machine:
            self._machines[machine.system_id] = machine
            self._announce(machine.system_id, before, machine)

    def _announce(self, system_id: str, before: Machine | None, after: Machine | None) -> None:
        self._changed_since_save = True
        first_sight = before is None and self.progress.filled_at is None
        self._changes.send(MachineChange(system_id, before, after, datetime.now(UTC), first_sight))

    # -- between runs
    # ------------------------------------------------------------------------------------------

    async def load(self) -> bool:
        """Fill the view from its file; False when there is none that fits."""
        saved = await self._file.load()
        if saved is None:
            return False
        self._machines = {machine.system_id: machine for machine in saved.machines}
        progress = self.progress
        progress.expected = len(self._machines)
        progress.filled_at, progress.checked_at = saved.filled_at, saved.checked_at
        progress.last_event_id = saved.last_event_id
        return True

    async def save(self, *, force: bool = False) -> None:
        """Write the file if a machine changed since the last time."""
        if not (self._changed_since_save or force):
            return
        self._changed_since_save = False
        progress = self.progress
        machines = tuple(self._machines.values())
        saved = SavedFleet(self._region_url, machines, progress.filled_at, self._current_at(), progress.last_event_id)
        if not await self._file.save(saved):
            self._changed_since_save = True

    def close(self) -> None:
        """End every subscription and fail every refresh that still waits."""
        self._changes.close()
        self.rereads.close()
