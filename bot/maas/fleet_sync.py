"""Keeping the fleet view true: filling it in portions, following the event log, reading again what changed.

The calls a minute are the same whatever goes on: each look at the log is followed by one read of machines. It takes
those that changed, and some that have not been read for long; when nothing changed, only these. A machine that changed
shows with the next look, and no number of operations makes more calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot.maas.batch_read import read_machines
from bot.maas.errors import MaasError
from bot.maas.event_log import EventLog, LogGap, touched
from bot.maas.fleet import FleetView
from bot.maas.models import Machine
from bot.maas.region import Region
from bot.maas.rereads import Haste


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How the view is kept. Times in seconds.

    A region of the measured kind spends 0.05 to 0.1 s of CPU for each machine returned: `chunk`, `batch` and
    `rolling` bound what the view costs it.
    """

    #: Machines per call while filling; the first calls are smaller, so that the view is of use early.
    chunk: int = 20
    first_chunk: int = 4
    #: Calls at a time while filling.
    concurrency: int = 2
    #: Machines per call when reading again, at most; fewer when somebody waits for the answer.
    batch: int = 50
    urgent_batch: int = 10
    #: Calls for reading again begin at least this far apart; `burst` of them may begin at once for who waits.
    gap: float = 2.0
    burst: int = 5
    #: Of these, what patient ones may use: those who begin hundreds of machines leave the rest to people.
    patient_burst: int = 2
    #: Between two counts of the ids. A region that takes long for them is asked less often.
    count_every: float = 60.0
    #: Machines per call that are read although nothing says that they changed: those not read for longest.
    rolling: int = 2


class FleetSync:
    """The work behind one view. Its methods are called by the region's watcher."""

    def __init__(
        self,
        region: Region,
        view: FleetView,
        settings: SyncSettings | None = None,
        *,
        log: EventLog | None = None,
    ) -> None:
        self._region = region
        self._view = view
        self._settings = settings or SyncSettings()
        self._events = log or EventLog(region)
        self._next_batch = 0.0
        self._not_machines: set[str] = set()
        self._counted_at = float("-inf")
        self._count_took = 0.0
        self._must_fill = asyncio.Event()
        self._fills_wanted = 0
        self._filling_for = 0
        self._fill_began = 0.0
        self._log = structlog.get_logger(__name__).bind(region=region.name)

    async def connect(self) -> None:
        """Find the place in the event log; when it does not continue there, all is to be read again.

        Raises:
            MaasError: the region can't be asked.
        """
        progress = self._view.progress
        try:
            await self._events.start(progress.last_event_id)
        except LogGap:
            if progress.last_event_id is not None:
                self._log.info("event_log_gap", last_event_id=progress.last_event_id)
            self._want_fill()
        progress.last_event_id = self._events.last_id
        if progress.filled_at is None and not self._must_fill.is_set():
            self._want_fill()

    async def follow(self) -> None:
        """Read the new events and mark what they touch.

        Raises:
            MaasError: the region can't be asked.
        """
        try:
            events = await self._events.new_events()
        except LogGap:
            self._log.info("event_log_gap", last_event_id=self._events.last_id)
            self._want_fill()
            events = []
        to_be_read = touched(events) - self._not_machines
        self._view.witness(events, to_be_read)
        self._view.rereads.mark(sorted(to_be_read))
        self._view.progress.last_event_id = self._events.last_id
        if not self._must_fill.is_set():
            self._view.checked()
            self._view.rereads.offer_turn()

    def _want_fill(self) -> None:
        self._fills_wanted += 1
        self._must_fill.set()

    # -- reading again
    # -----------------------------------------------------------------------------------------

    async def read_again_once(self) -> None:
        """Wait for something to read again and for its turn, then read it, with what was not read for long.

        Raises:
            MaasError: it could not be read; the machines stay marked.
        """
        rereads = self._view.rereads
        await rereads.wait()
        while (wait := self._turn_in(rereads.haste)) > 0:
            # Who asks meanwhile may have an earlier turn.
            await rereads.next_asker(wait)
        batch = rereads.take(self._settings.batch, self._settings.urgent_batch)
        ids = [*batch.ids, *(() if batch.askers else self._oldest(batch.ids))]
        if not ids:
            return
        self._next_batch = max(self._next_batch, time.monotonic()) + self._settings.gap
        try:
            found = await self._read(ids)
        except MaasError as error:
            rereads.failed(batch, error)
            raise
        except BaseException:
            rereads.failed(batch)
            raise
        rereads.done(batch, found)
        self._not_machines |= set(batch.ids) - found.keys() - self._view.machines().keys()

    def _oldest(self, besides: Sequence[str]) -> list[str]:
        if self._must_fill.is_set():
            return []
        return self._view.read_longest_ago(self._settings.rolling, besides)

    def _turn_in(self, haste: Haste) -> float:
        at_once = {Haste.NONE: 1, Haste.PATIENT: self._settings.patient_burst, Haste.URGENT: self._settings.burst}
        turn = self._next_batch - (at_once[haste] - 1) * self._settings.gap
        if haste is Haste.PATIENT:  # others may be about to ask, too
            turn = max(turn, self._view.rereads.asked_at + self._settings.gap / 4)
        return turn - time.monotonic()

    async def _read(self, ids: Sequence[str]) -> dict[str, Machine]:
        started = time.monotonic()
        machines, unreadable = await read_machines(self._region, ids)
        if unreadable:
            self._log.warning("machines_unreadable", system_ids=sorted(unreadable))
        found = {machine.system_id: machine for machine in machines}
        self._view.take(machines, started)
        self._view.drop(set(ids) - found.keys() - unreadable, started)
        return found

    # -- filling and counting
    # ----------------------------------------------------------------------------------

    async def fill_when_needed(self) -> None:
        """Wait until all machines are to be read or counted, then do it.

        Raises:
            MaasError: a call failed; the next call goes on with what is missing.
        """
        pause = max(self._settings.count_every, 30.0 * self._count_took)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._counted_at + pause - time.monotonic())):
                await self._must_fill.wait()
        if self._must_fill.is_set():
            await self._fill()
        else:
            await self._count()

    async def _count(self) -> set[str]:
        await self._check_log()
        started = time.monotonic()
        ids = await self._region.machine_ids()
        self._counted_at = time.monotonic()
        self._count_took = self._counted_at - started
        self._not_machines -= ids
        self._view.progress.expected = len(ids)
        known = self._view.machines().keys()
        self._view.drop(known - ids, started)
        if not self._must_fill.is_set():
            self._view.rereads.mark(sorted(ids - known))
        return ids

    async def _check_log(self) -> None:
        # A region that was set up anew numbers its events from 1 again: "after" would then bring nothing
        # for ever.
        newest = max((event.id for event in await self._region.events(limit=1)), default=0)
        if self._events.last_id is not None and newest < self._events.last_id:
            self._log.info("event_log_reset", last_event_id=self._events.last_id, newest=newest)
            self._want_fill()
            self._view.progress.last_event_id = None
            try:
                await self._events.start(None)
            except LogGap:
                self._view.progress.last_event_id = self._events.last_id

    async def _fill(self) -> None:
        progress = self._view.progress
        if self._filling_for != self._fills_wanted:
            self._filling_for = self._fills_wanted
            self._fill_began = time.monotonic()
            progress.filling, progress.fill_done, progress.fill_total = True, 0, 0
        ids = await self._count()
        known = self._view.machines().keys()
        stale = set(self._view.read_before(self._fill_began)) & ids
        # What the view has never seen comes first; what was read since the filling began is done.
        waiting = [*sorted(ids - known), *sorted(stale)]
        progress.fill_total = len(ids)
        progress.fill_done = len(ids) - len(waiting)
        chunks = iter(_chunks(waiting, self._settings.first_chunk, self._settings.chunk))

        async def work() -> None:
            for chunk in chunks:
                await self._read(chunk)
                progress.fill_done += len(chunk)

        workers = [asyncio.ensure_future(work()) for _ in range(self._settings.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._filling_for != self._fills_wanted:
            # The log had a gap meanwhile: what was read before it may be out of date.
            return
        self._must_fill.clear()
        progress.filling = False
        progress.filled_at = time.time()
        self._view.checked()
        seconds = round(time.monotonic() - self._fill_began, 1)
        self._log.info("fleet_filled", machines=len(ids), seconds=seconds)
        await self._view.save(force=True)


def _chunks(ids: Sequence[str], first: int, largest: int) -> list[Sequence[str]]:
    chunks, begin, size = [], 0, max(1, first)
    while begin < len(ids):
        chunks.append(ids[begin : begin + size])
        begin += size
        size = min(size * 2, largest)
    return chunks
