"""The one watcher of a region's import of images: every thread, watch and message reads what it has seen.

While nothing is imported it adds no call to those of the region's watcher. However many look on at an import, the
region is asked by this watcher alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bot.maas.broadcast import Broadcast, Subscription
from bot.maas.errors import MaasError
from bot.maas.files import read_json, write_json
from bot.maas.images import images_of, missing, wanted_of
from bot.maas.import_state import STALLED_AFTER, ImportFollower, ImportState, LastImport, Phase
from bot.maas.models_images import RackImages, Selection
from bot.maas.region import Region
from bot.maas.shared_reads import SharedReads
from bot.maas.watcher import RegionWatcher


@dataclass(frozen=True, slots=True)
class ImportPace:
    """Seconds: between looks at an import that runs, between looks at the snapshot, and until a stall is told."""

    busy: float = 5.0
    idle: float = 1.0
    stalled_after: float = STALLED_AFTER


class ImportWatcher:
    """Start it after the region's watcher, stop it before."""

    def __init__(
        self,
        region: Region,
        watcher: RegionWatcher,
        pace: ImportPace | None = None,
        *,
        file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a watcher.

        Args:
            region: whose import it is.
            watcher: of the region; what it reads anyway is not read again.
            pace: how often to look.
            file: where to keep since when an import stands still, so that a restart does not begin to count anew.
            clock: seconds since the epoch.
        """
        self._region = region
        self._watcher = watcher
        self.pace = pace or ImportPace()
        self._file = file
        self._clock = clock
        self._follower = ImportFollower(self.pace.stalled_after)
        self._changes: Broadcast[ImportState] = Broadcast()
        self._looking = asyncio.Lock()
        self._reads = SharedReads()
        self._task: asyncio.Task[None] | None = None
        self._saved: Any = None
        self._recalled: dict[str, Any] | None = None
        self._log = structlog.get_logger(__name__).bind(region=region.name)

    @property
    def state(self) -> ImportState:
        """What was seen last. Costs nothing."""
        return self._follower.state

    def subscribe(self) -> Subscription[ImportState]:
        """Every change: another phase, something that arrived, an import that ended (with what is missing since)."""
        return self._changes.subscribe()

    async def look(self, max_age: float = 0.0) -> ImportState:
        """Look now, or take what was seen at most `max_age` seconds ago. Raises MaasError."""
        async with self._looking:
            if max_age and self.state.at and self._clock() - self.state.at <= max_age:
                return self.state
            images = await self._watcher.images.read(max_age)
            now = self._clock()
            if self._recalled is not None:
                recalled, self._recalled = self._recalled, None
                if images.importing:
                    self._follower.recall(recalled["seen"], recalled["began"], recalled["moved_at"])
            before = self.state
            state = self._follower.look(images, now)
            if before.phase.importing and state.phase is Phase.IDLE:
                state = await self._with_missing(state)
            if _differs(before, state):
                self._log.info("import", phase=state.phase, done=state.done, total=state.total)
                self._changes.send(state)
            await self._keep()
        return state

    async def ended_unseen(self) -> None:
        """An import was ordered, and was over before anybody could see it run: it loaded nothing."""
        state, now = self.state, self._clock()
        if not state.phase.importing:
            last = LastImport(began=now, ended=now, files=0, loaded=0)
            self._follower.state = replace(state, last=last)
            self._changes.send(await self._with_missing(self._follower.state))

    async def wanted(self) -> list[Selection]:
        """All selections of all sources. Raises MaasError: Forbidden for a key without administrator's rights."""
        found: list[Selection] = []
        for source in await self._region.boot_sources():
            found += await self._region.selections(source.id)
        return found

    async def setting(self, name: str) -> str:
        """A setting of the region, "" where it has none; as young as a look at an import. Raises MaasError."""
        value = await self._reads.get(name, self.pace.busy, lambda: self._region.get_config(name))
        return str(value or "")

    async def rack_images(self, system_id: str) -> RackImages:
        """What a rack has of the images; as young as a look at an import. Raises MaasError."""
        return await self._reads.get(f"rack {system_id}", self.pace.busy, lambda: self._region.rack_images(system_id))

    async def start(self) -> None:
        """Begin to watch. Does not wait for the region."""
        if self._task is not None:
            return
        kept = await read_json(self._file) if self._file is not None else None
        self._recalled = kept if _usable(kept) else None
        self._task = asyncio.create_task(self._run(), name=f"maas-{self._region.name}-import")

    async def stop(self) -> None:
        """Stop watching and end every subscription."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._changes.close()

    async def _run(self) -> None:
        seen_at = None
        while True:
            try:
                section = self._watcher.snapshot.images
                if self.state.phase.importing:
                    await self.look()
                elif section.at is not None and section.at != seen_at:
                    seen_at = section.at
                    # Read a moment ago by the region's watcher: this costs no call.
                    await self.look(max_age=self.pace.idle + 1.0)
            except MaasError as error:
                self._log.debug("import_not_seen", error=error.problem)
            except Exception:
                # A fault of ours must not end the watching: waits rest on it.
                self._log.exception("import_watcher_failed")
            await asyncio.sleep(self.pace.busy if self.state.phase.importing else self.pace.idle)

    async def _with_missing(self, state: ImportState) -> ImportState:
        if state.last is None:
            return state
        try:
            lacking = tuple(missing(wanted_of(await self.wanted()), images_of(state.images.resources)))
        except MaasError:
            return state
        state = replace(state, last=replace(state.last, missing=lacking))
        self._follower.state = state
        return state

    async def _keep(self) -> None:
        if self._file is None:
            return
        state = self.state
        running = {"began": state.began, "moved_at": state.moved_at, "seen": dict(self._follower.seen)}
        kept = running if state.phase.importing else None
        if kept != self._saved and await write_json(self._file, json.dumps(kept).encode()):
            self._saved = kept


def _differs(before: ImportState, after: ImportState) -> bool:
    return (before.phase, before.done, before.total, before.last) != (after.phase, after.done, after.total, after.last)


def _usable(kept: Any) -> bool:
    return (
        isinstance(kept, dict)
        and isinstance(kept.get("seen"), dict)
        and all(isinstance(kept.get(name), int | float) for name in ("began", "moved_at"))
    )
