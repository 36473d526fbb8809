"""Which machines are to be read again, and who waits for it: many askers, one small read at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

from bot.maas.errors import MaasError, RegionUnreachable
from bot.maas.models import Machine


@dataclass(slots=True, eq=False)
class _Asked:
    missing: set[str]
    answer: asyncio.Future[dict[str, Machine]]
    at: float
    patient: bool = False
    found: dict[str, Machine] = field(default_factory=dict)


class Haste(IntEnum):
    """How much those want it who wait for a read: none do, only patient ones, or somebody is held up by it."""

    NONE = 0
    PATIENT = 1
    URGENT = 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Ids to read in one call, and the askers whom that call may answer: those who asked before it began."""

    ids: tuple[str, ...]
    askers: tuple[_Asked, ...]


class Rereads:
    """The list of what to read again: what is asked for before what is marked by events."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked: list[_Asked] = []
        self._marked: dict[str, float] = {}
        self._flying: dict[str, float] = {}
        self._turn = False
        self._something = asyncio.Event()
        self._asked_anew = asyncio.Event()
        self._closed = False

    def mark(self, system_ids: Iterable[str]) -> None:
        """These may look different now."""
        now = self._clock()
        for system_id in system_ids:
            self._marked.setdefault(system_id, now)
        self._settle()

    def offer_turn(self) -> None:
        """It is time for a call, whether something is to be read again or not."""
        self._turn = True
        self._settle()

    async def ask(self, system_ids: Iterable[str], *, patient: bool = False) -> dict[str, Machine]:
        """Wait until all of these have been read by a call that begins after this one.

        Who is `patient` waits for the next turns: hundreds that ask one after the other then share a few calls.

        Raises:
            MaasError: the call failed, or nobody reads any more.
        """
        missing = {system_id for system_id in system_ids if system_id}
        if not missing:
            return {}
        if self._closed:
            raise _stopping()
        asked = _Asked(missing, asyncio.get_running_loop().create_future(), time.monotonic(), patient)
        self._asked.append(asked)
        self._asked_anew.set()
        self._settle()
        try:
            return await asked.answer
        finally:
            self._forget(asked)
            self._settle()

    @property
    def waiting_since(self) -> float | None:
        """Since when the longest marked machine waits to be read; None when none does."""
        return min([*self._marked.values(), *self._flying.values()], default=None)

    @property
    def haste(self) -> Haste:
        """How much the most hurried of those who wait want it."""
        if not self._asked:
            return Haste.NONE
        return Haste.PATIENT if all(asked.patient for asked in self._asked) else Haste.URGENT

    async def wait(self) -> None:
        """Wait until there is something to read, or a turn is offered."""
        await self._something.wait()

    @property
    def asked_at(self) -> float:
        """When (monotonic) the first of those asked who wait."""
        return min((asked.at for asked in self._asked), default=0.0)

    async def next_asker(self, timeout: float) -> None:
        """Wait until somebody else asks, for so many seconds at most."""
        self._asked_anew.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._asked_anew.wait()

    def take(self, most: int, most_when_urgent: int) -> Batch:
        """The ids for the next call: what is asked for, then what is marked. Uses up the turn that was offered.

        Args:
            most: ids in a call.
            most_when_urgent: ids in a call that somebody is held up by, unless more are asked for: others make
                it slow.
        """
        urgent = self._missing(patient=False)
        room = min(most, max(most_when_urgent, len(urgent))) if urgent else most
        ids = tuple(dict.fromkeys([*urgent, *self._missing(patient=True), *self._marked]))[:room]
        for system_id in ids:
            if (since := self._marked.pop(system_id, None)) is not None:
                self._flying[system_id] = since
        self._turn = False
        self._settle()
        return Batch(ids, tuple(self._asked))

    def done(self, batch: Batch, found: Mapping[str, Machine]) -> None:
        """The call for `batch` brought `found`; what it did not bring does not exist."""
        self._flying.clear()
        for asked in batch.askers:
            for system_id in asked.missing.intersection(batch.ids):
                asked.missing.discard(system_id)
                if system_id in found:
                    asked.found[system_id] = found[system_id]
            if not asked.missing:
                self._forget(asked)
                if not asked.answer.done():
                    asked.answer.set_result(asked.found)
        self._settle()

    def failed(self, batch: Batch, error: MaasError | None = None) -> None:
        """The call for `batch` brought nothing: who asked hears of the error, the machines stay marked."""
        for system_id in batch.ids:
            since = self._flying.get(system_id, self._clock())
            self._marked[system_id] = min(since, self._marked.get(system_id, since))
        self._flying.clear()
        for asked in batch.askers:
            if error is not None and asked.missing.intersection(batch.ids):
                self._forget(asked)
                if not asked.answer.done():
                    asked.answer.set_exception(error)
        self._settle()

    def close(self) -> None:
        """Nobody reads any more."""
        self._closed = True
        for asked in self._asked:
            if not asked.answer.done():
                asked.answer.set_exception(_stopping())
        self._asked.clear()

    def _missing(self, *, patient: bool) -> dict[str, None]:
        asked = (one for one in self._asked if one.patient is patient)
        return dict.fromkeys(system_id for one in asked for system_id in sorted(one.missing))

    def _forget(self, asked: _Asked) -> None:
        if asked in self._asked:
            self._asked.remove(asked)

    def _settle(self) -> None:
        if self._asked or self._marked or self._turn:
            self._something.set()
        else:
            self._something.clear()


def _stopping() -> RegionUnreachable:
    return RegionUnreachable("The fleet view is closed: the bot is stopping.")
