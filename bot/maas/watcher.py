"""The one watcher of a region: it keeps the fleet view, the snapshot and the availability for everybody.

However many operations run, the region is asked by this watcher alone what has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from bot.maas.broadcast import Broadcast, Subscription
from bot.maas.errors import MaasError, RegionBusy
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import FleetSync, SyncSettings
from bot.maas.image_reader import ImageReader
from bot.maas.region import Region
from bot.maas.retries import Retries
from bot.maas.snapshot import RegionSnapshot, SnapshotReader


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How often the watcher looks, in seconds."""

    events_every: float = 2.0
    snapshot_every: float = 30.0
    #: Longest pause between two looks at a region that does not answer.
    longest_backoff: float = 30.0
    save_every: float = 5.0
    sync: SyncSettings = field(default_factory=SyncSettings)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether the region answers as it should.

    Attributes:
        up: the latest look succeeded; None before the first.
        since: since when it has been so.
        last_ok: the latest look that succeeded.
        error: why the latest one failed.
    """

    up: bool | None
    since: datetime
    last_ok: datetime | None = None
    error: MaasError | None = None


class RegionWatcher:
    """Start it once a region, stop it before its connections close."""

    def __init__(
        self,
        region: Region,
        fleet: FleetView,
        settings: WatchSettings | None = None,
        *,
        retries: Retries | None = None,
    ) -> None:
        self._region = region
        self.fleet = fleet
        self._settings = settings or WatchSettings()
        self._backoff = (retries or Retries()).backoff
        self._sync = FleetSync(region, fleet, self._settings.sync)
        #: The images, read once for everybody.
        self.images = ImageReader(region, self._settings.snapshot_every)
        self._reader = SnapshotReader(region, self.images, min(2.0, self._settings.snapshot_every / 4))
        self._availability = Availability(None, datetime.now(UTC))
        self._changes: Broadcast[Availability] = Broadcast()
        self._up = asyncio.Event()
        self._look_now = asyncio.Event()
        self._try_now = asyncio.Event()
        self._snapshot_taken = asyncio.Event()
        self._awaited: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger(__name__).bind(region=region.name)

    # -- reading
    # -----------------------------------------------------------------------------------------------

    @property
    def availability(self) -> Availability:
        """Whether the region answers."""
        return self._availability

    @property
    def snapshot(self) -> RegionSnapshot:
        """What the region said of itself the last time, each section with its age."""
        return self._reader.snapshot

    def subscribe_availability(self) -> Subscription[Availability]:
        """Every change between up and down, and every other reason for being down."""
        return self._changes.subscribe()

    async def wait_until_up(self, timeout: float | None = None) -> Availability:
        """Wait until the region answers.

        Raises:
            TimeoutError: it did not in time.
        """
        async with asyncio.timeout(timeout):
            await self._up.wait()
        return self._availability

    async def wait_for_snapshot(self, timeout: float | None = None) -> RegionSnapshot:
        """Wait until every section has been asked for once.

        Raises:
            TimeoutError: that did not happen in time.
        """
        async with asyncio.timeout(timeout):
            await self._snapshot_taken.wait()
        return self.snapshot

    def look_now(self) -> None:
        """Read the snapshot again without waiting for its turn: something was changed in the region.

        A region that was away is asked at once whether it is back.
        """
        self._look_now.set()
        self._try_now.set()

    async def looked(self, timeout: float) -> None:
        """Look now, and wait until that is done: whoever reads the snapshot then sees what was changed before.

        Raises:
            TimeoutError: the region did not answer in time.
        """
        done = asyncio.get_running_loop().create_future()
        self._awaited.append(done)
        self.look_now()
        async with asyncio.timeout(timeout):
            await done

    # -- life
    # --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the view of the last run and begin to watch. Does not wait for the region."""
        if self._tasks:
            return
        await self.fleet.load()
        loops = {
            "events": self._follow,
            "rereads": self._read_again,
            "filling": self._fill,
            "snapshot": self._look,
            "saving": self._save,
        }
        self._tasks = [
            asyncio.create_task(self._keep_running(name, loop), name=f"maas-{self._region.name}-{name}")
            for name, loop in loops.items()
        ]

    async def stop(self) -> None:
        """Stop watching, end every subscription and save the view."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.fleet.close()
        self._changes.close()
        if tasks:
            await self.fleet.save(force=True)

    async def _keep_running(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except Exception:
                # A fault of ours must not end the watching: everything else rests on it.
                self._log.exception("watcher_loop_failed", loop=name)
                await asyncio.sleep(self._settings.events_every)

    # -- loops
    # -------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        failures = 0
        connected = False
        while True:
            try:
                if not connected:
                    await self._sync.connect()
                    connected = True
                await self._sync.follow()
            except MaasError as error:
                failures += 1
                # The log may have been reset while the region was away.
                connected = connected and isinstance(error, RegionBusy)
                self._is_down(error)
                self._try_now.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(
                        self._backoff(failures, self._settings.events_every, self._settings.longest_backoff)
                    ):
                        await self._try_now.wait()
            else:
                failures = 0
                self._is_up()
                await asyncio.sleep(self._settings.events_every)

    async def _read_again(self) -> None:
        failures = 0
        while True:
            try:
                await self._sync.read_again_once()
            except MaasError as error:
                failures += 1
                self._note("rereads", error)
                # Who asks for a machine hears of the error at once, so the pace is kept even while the
                # region is down.
                await asyncio.sleep(self._backoff(min(failures, 2), self._settings.sync.gap / 2, 10.0))
            else:
                failures = 0
                self._note("rereads", None)

    async def _fill(self) -> None:
        failures = 0
        while True:
            await self._up.wait()
            try:
                await self._sync.fill_when_needed()
            except MaasError as error:
                failures += 1
                self._note("filling", error)
                await asyncio.sleep(
                    self._backoff(failures, self._settings.events_every, self._settings.longest_backoff)
                )
            else:
                failures = 0
                self._note("filling", None)

    async def _look(self) -> None:
        while True:
            await self._up.wait()
            self._look_now.clear()
            awaited, self._awaited = self._awaited, []
            await self._reader.read()
            self._snapshot_taken.set()
            for one in awaited:
                if not one.done():
                    one.set_result(None)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.snapshot_every):
                    await self._look_now.wait()

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(self._settings.save_every)
            await self.fleet.save()

    # -- availability
    # ------------------------------------------------------------------------------------------

    def _is_up(self) -> None:
        now = datetime.now(UTC)
        was_up = self._availability.up
        self._note("events", None)
        since = self._availability.since if was_up else now
        self._availability = Availability(True, since, now)
        if not was_up:
            self._log.info("region_up")
            self._up.set()
            self.look_now()
            self._changes.send(self._availability)

    def _is_down(self, error: MaasError) -> None:
        before = self._availability
        self._note("events", error)
        since = before.since if before.up is False else datetime.now(UTC)
        self._availability = Availability(False, since, before.last_ok, error)
        self._up.clear()
        if before.up is not False or str(before.error) != str(error):
            self._log.warning("region_down", error=str(error), kind=type(error).__name__)
            self._changes.send(self._availability)

    def _note(self, work: str, error: MaasError | None) -> None:
        errors = self.fleet.progress.errors
        if error is None:
            errors.pop(work, None)
        else:
            errors[work] = error
