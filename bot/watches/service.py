"""Watches at work: look at every region, write down what is new, and see to it that it is told. One bot does it all.

What is new is written in the same transaction as the memory of what was seen, and goes out under a key that is written
before it is posted. So a restart at any point neither repeats nor skips; with several bots on one database one of
them looks and speaks, and another goes on when it is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot.maas.errors import MaasError
from bot.maas.fleet import MachineChange
from bot.maas.service import RegionService
from bot.message import Message
from bot.storage import StorageUnavailableError
from bot.watches.announced import Announced, looks_different
from bot.watches.delivery import DeliveryPace, ready
from bot.watches.records import Looked, Notice, Watch
from bot.watches.sources import Glance, Source
from bot.watches.speaking import NotHeardError, NotNowError, Speaker
from bot.watches.store import WatchStore
from bot.watches.telling import Telling
from bot.watches.usual import Usual, usual

#: Seconds between two looks at what is usual, and between two cleanings.
_LEARN, _CLEAN = 60.0, 3600.0
#: Seconds after which a memory in which only the place in the event log moved is written again.
_PLACE = 10.0


@dataclass(frozen=True, slots=True)
class WatchPace:
    """How often is looked, in seconds; `scale` is that of every patience: 1 is real time, tests make it small."""

    look: float = 2.0
    scale: float = 1.0
    delivery: DeliveryPace = field(default_factory=DeliveryPace)


@dataclass(slots=True)
class _Region:
    """What is kept in memory of one region while looking."""

    service: RegionService
    pending: list[MachineChange] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    first: set[str] = field(default_factory=set)
    usual: Mapping[str, Usual] = field(default_factory=dict)
    learnt_at: float = 0.0
    #: When the sources that don't look each time look next, by their name.
    next_look: dict[str, float] = field(default_factory=dict)
    #: What is written down, by source: memory, how new it is, its version.
    known: dict[str, tuple[dict[str, Any] | None, float, int]] = field(default_factory=dict)


class Watches:
    """Start it when operations run, close it before they do."""

    def __init__(
        self,
        store: WatchStore,
        regions: Mapping[str, RegionService],
        sources: Sequence[Source],
        telling: Telling,
        speaker: Speaker,
        *,
        leads: Callable[[], bool],
        pace: WatchPace | None = None,
    ) -> None:
        """Make them.

        Args:
            store: where they are kept.
            regions: the regions by name.
            sources: what is watched.
            telling: makes the messages.
            speaker: posts them.
            leads: whether this bot is the one that looks and speaks, among those on one database.
            pace: how often.
        """
        self.store = store
        self._sources = tuple(sources)
        self._telling = telling
        self._speaker = speaker
        self._leads = leads
        self._pace = pace or WatchPace()
        self._regions = {name: _Region(service) for name, service in regions.items()}
        self._written: dict[tuple[str, str], float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._deliver_now = asyncio.Event()
        self._announced = Announced(store, telling)
        self._cleaned_at = time.monotonic()
        self._log = structlog.get_logger("watches")

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look and to tell."""
        for name, region in self._regions.items():
            self._tasks.append(asyncio.create_task(self._collect(region), name=f"watch-changes-{name}"))
            self._tasks.append(asyncio.create_task(self._keep_looking(region), name=f"watch-{name}"))
        self._tasks.append(asyncio.create_task(self._keep_telling(), name="watch-telling"))

    async def close(self) -> None:
        """Stop; what was seen and not told is told by the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell_soon(self) -> None:
        """Something was written that is to be told."""
        self._deliver_now.set()

    # -- looking -----------------------------------------------------------------------------------------------

    async def _collect(self, region: _Region) -> None:
        async with region.service.fleet.subscribe() as changes:
            async for change in changes:
                if self._leads() and looks_different(change):
                    region.pending.append(change)
                    region.wake.set()

    async def _keep_looking(self, region: _Region) -> None:
        region.first = {source.name for source in self._sources}
        while True:
            try:
                await asyncio.wait_for(region.wake.wait(), self._pace.look)
            except TimeoutError:
                pass
            # Many machines change at once: one look at all of them costs what a look at one does.
            await asyncio.sleep(self._pace.look / 4)
            region.wake.clear()
            if not self._leads():
                # Whoever leads looks; when it is our turn, we begin with what is written down.
                region.first = {source.name for source in self._sources}
                region.pending.clear()
                region.known.clear()
                continue
            try:
                await self._look(region)
            except StorageUnavailableError as error:
                self._log.warning("watch_not_written", region=region.service.name, reason=error.reason)
                await asyncio.sleep(self._pace.look)
            except Exception:
                self._log.exception("watch_failed", region=region.service.name)
                await asyncio.sleep(self._pace.look)

    async def _look(self, region: _Region) -> None:
        await self._learn(region)
        fleet = region.service.fleet.status
        as_of = fleet.as_of.timestamp() if fleet.as_of is not None else None
        changes = list(region.pending)
        seen = False
        for source in self._sources:
            if time.monotonic() < region.next_look.get(source.name, 0.0):
                continue
            region.next_look[source.name] = time.monotonic() + source.every * self._pace.scale
            try:
                if not source.of_machines:
                    await self._look_with(region, source, (), time.time())
                elif as_of is not None:
                    seen = await self._look_with(region, source, changes, as_of) or seen
            except StorageUnavailableError:
                raise
            except Exception:
                # A defect in one source must not blind the others.
                self._log.exception("source_failed", region=region.service.name, source=source.name)
        if seen:
            del region.pending[: len(changes)]
            if self._announced.changed(region.service.name, changes):
                self._deliver_now.set()

    async def _look_with(self, region: _Region, source: Source, changes: Sequence[MachineChange], as_of: float) -> bool:
        """Let one source look, and write down what came of it. False: it could not, and has to see the changes anew."""
        name = region.service.name
        if source.name not in region.known:
            region.known[source.name] = await self.store.memory(name, source.name)
        memory, remembered_of, version = region.known[source.name]
        if as_of < remembered_of:
            # The view is older than what was seen: that of a bot that has just come up, or has been behind.
            return False
        first = source.name in region.first
        glance = Glance(time.time(), as_of, first, changes, region.usual, self._pace.scale)
        try:
            looked = await source.look(region.service, memory, glance)
        except MaasError as error:
            self._log.info("watch_can_not_look", region=name, source=source.name, error=error.problem)
            return False
        if looked is None:
            return False
        if self._worth_writing(name, source.name, memory, looked):
            # Forgotten until it is certain: what is not written down may be, and has to be read anew then.
            del region.known[source.name]
            if not await self.store.remember(name, source.name, source.what, looked, as_of, version):
                region.first.add(source.name)
                return False
            region.known[source.name] = (looked.memory, as_of, version + 1)
            self._written[name, source.name] = time.monotonic()
        region.first.discard(source.name)
        if looked.happenings:
            self._log.info("happened", region=name, source=source.name, count=len(looked.happenings))
            self._deliver_now.set()
        return True

    def _worth_writing(self, region: str, source: str, memory: dict[str, Any] | None, looked: Looked) -> bool:
        if memory is None or looked.happenings or looked.spans:
            return True
        changed = {key for key in looked.memory if looked.memory[key] != memory.get(key)}
        if changed != {"event"}:
            return bool(changed)
        return time.monotonic() - self._written.get((region, source), float("-inf")) > _PLACE * self._pace.scale

    async def _learn(self, region: _Region) -> None:
        if region.usual and time.monotonic() - region.learnt_at < _LEARN * self._pace.scale:
            return
        region.learnt_at = time.monotonic()
        spans = await self.store.spans(region.service.name)
        states = {one.status_name for one in region.service.fleet.machines().values() if one.status.busy}
        region.usual = {state: usual(state, spans.get(state, ()), self._pace.scale) for state in states | spans.keys()}

    # -- telling -----------------------------------------------------------------------------------------------

    async def _keep_telling(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._deliver_now.wait(), self._pace.look)
            except TimeoutError:
                pass
            self._deliver_now.clear()
            if not self._leads():
                continue
            try:
                await self._tell()
                if time.monotonic() - self._cleaned_at > _CLEAN:
                    self._cleaned_at = time.monotonic()
                    await self.store.clean()
            except StorageUnavailableError as error:
                self._log.warning("nothing_told", reason=error.reason)
            except Exception:
                self._log.exception("telling_failed")
            await asyncio.sleep(min(0.2, self._pace.look))

    async def _tell(self) -> None:
        for key, message in await self._announced.anew():
            self._speaker.correct(key, message, final=False)
        # Side by side: a channel that Slack is slow with holds up no other.
        untold = await self.store.untold()
        await asyncio.gather(*(self._tell_one(watch_id, pending) for watch_id, pending in untold.items()))

    async def _tell_one(self, watch_id: str, pending: Sequence[Notice]) -> None:
        try:
            # Decided already, by us before a crash or by a bot that is gone: it goes out as it was decided.
            decided: dict[str, list[Notice]] = {}
            for one in pending:
                if one.message:
                    decided.setdefault(one.message, []).append(one)
            for key, group in decided.items():
                await self._say(key, group)
            now = time.time()
            told = await self.store.told_since(watch_id, now - self._pace.delivery.window)
            for fresh in ready([one for one in pending if not one.message], told, now, self._pace.delivery):
                key = f"watch:{fresh[0].id}"
                if await self.store.gather([one.id for one in fresh], key):
                    await self._say(key, await self.store.of_message(key))
        except StorageUnavailableError as error:
            self._log.warning("nothing_told", watch=watch_id, reason=error.reason)
        except Exception:
            self._log.exception("telling_failed", watch=watch_id)

    async def _say(self, key: str, notices: Sequence[Notice]) -> None:
        watch = notices[0].watch
        message = await self._telling.message(notices)
        try:
            await self._speaker.say(watch.channel, watch.thread, key, message)
        except NotHeardError as error:
            self._log.warning("watch_not_heard", channel=watch.channel, reason=error.reason)
            await self._tell_its_person(watch, key, message)
        except NotNowError as error:
            self._log.info("watch_not_told_now", channel=watch.channel, error=str(error))
            return
        await self.store.told(key)
        self._announced.posted(notices)

    async def _tell_its_person(self, watch: Watch, key: str, message: Message) -> None:
        """What a channel does not take goes to whoever set the watch, so that it is not lost."""
        try:
            await self._speaker.say(watch.person_id, "", f"{key}:person", message)
        except (NotHeardError, NotNowError) as error:
            self._log.warning("watch_told_nobody", channel=watch.channel, person=watch.person_id, error=str(error))

    # -- taking care -------------------------------------------------------------------------------------------

    async def settle(self, key: str, said: str) -> str:
        """Somebody takes care of what a message tells, or will not: its buttons go. Returns why not, or "".

        Raises:
            StorageUnavailableError: nothing was changed.
        """
        settled = await self.store.settle(key, said)
        notices = await self.store.of_message(key)
        if not notices:
            return "That watch has ended."
        # Its log is in the thread already.
        message = replace(await self._telling.message(notices), files=())
        self._speaker.correct(key, message, final=True)
        return "" if settled else f"That was settled before: {notices[0].settled}"
