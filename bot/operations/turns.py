"""Whose turn it is in a bulk: those that go first, the others when these have ended, and nobody any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.operations.pacing import Pacing, Standing
from bot.operations.records import Operation, TargetRow, TargetState
from bot.operations.store import OperationStore
from bot.storage import StorageUnavailableError


class Turns:
    """Reads the rows: what is kept here only wakes those that wait, and a process that is gone loses nothing."""

    def __init__(self, store: OperationStore, cancelled: Callable[[str], asyncio.Event], *, pause: float = 1.0) -> None:
        """`cancelled` gives an operation's flag; `pause` scales every wait."""
        self._store = store
        self._cancelled = cancelled
        self._pause = pause
        self._first_ended: dict[str, asyncio.Event] = {}

    def forget(self, operation_id: str) -> None:
        """Let go of what was kept for an operation that has ended."""
        self._first_ended.pop(operation_id, None)

    async def come(self, operation: Operation, key: str) -> None:
        """Wait until those that go first have ended, or somebody cancels. No slot is taken: they need them."""
        pacing = Pacing.of(operation.plan.options)
        row = next(one for one in operation.targets if one.key == key)
        if not pacing.canary or row.seq < pacing.canary or row.state is not TargetState.WAITING:
            return
        ended = self._first_ended.setdefault(operation.id, asyncio.Event())
        cancelled = asyncio.ensure_future(self._cancelled(operation.id).wait())
        try:
            while not cancelled.done():
                if ended.is_set() or pacing.first_are_over(await self._standings(operation.id)):
                    return
                over = asyncio.ensure_future(ended.wait())
                # They may end at another replica, which tells nobody here: look from time to time.
                await asyncio.wait({over, cancelled}, timeout=30 * self._pause, return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
        finally:
            cancelled.cancel()

    async def over(self, operation: Operation, target: TargetRow) -> str:
        """Why this target must not begin any more, after what came of others; "" when it may."""
        pacing = Pacing.of(operation.plan.options)
        if target.phase or not pacing.may_halt:
            return ""
        return pacing.halted(target.seq, await self._store.targets.standings(operation.id))

    async def ended(self, operation: Operation) -> None:
        """A target has ended: wake the others if it was the last of those that go first."""
        pacing = Pacing.of(operation.plan.options)
        if pacing.canary and pacing.first_are_over(await self._standings(operation.id)):
            self._first_ended.setdefault(operation.id, asyncio.Event()).set()

    async def _standings(self, operation_id: str) -> list[Standing]:
        while True:
            try:
                return await self._store.targets.standings(operation_id)
            except StorageUnavailableError:
                await asyncio.sleep(self._pause)
