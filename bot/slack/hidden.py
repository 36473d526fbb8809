"""Operations whose channel takes no messages: tried again ever more rarely, and told to who asked instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from bot.message import Code, Mark, Message, Paragraph
from bot.operations.records import Operation
from bot.operations.service import Operations
from bot.slack.outbound import Outbound, SlackError, closed_pause
from bot.storage import StorageUnavailableError

#: For how long after its end an operation is tried again, in seconds.
_KEPT_TRYING = 86400.0


class HiddenThreads:
    """The work goes on whatever becomes of its thread. Its channel may be opened again, so it is tried again."""

    def __init__(self, operations: Operations, outbound: Outbound, again: Callable[[str], None]) -> None:
        """`again` shows an operation anew."""
        self._operations = operations
        self._outbound = outbound
        self._again = again
        self._tries: dict[str, tuple[int, float]] = {}
        self._log = structlog.get_logger("threads")

    def due(self, operation_id: str) -> bool:
        """Whether its channel is to be tried now."""
        return asyncio.get_running_loop().time() >= self._tries.get(operation_id, (0, 0.0))[1]

    def look_now(self, operation_id: str) -> None:
        """Its channel has just taken a message, or refused one: do not wait."""
        if operation_id in self._tries:
            self._tries[operation_id] = (self._tries[operation_id][0], 0.0)

    def shown(self, operation_id: str) -> None:
        """Its channel took what there was to say."""
        if self._tries.pop(operation_id, None) is not None:
            self._operations.showing.shown(operation_id)
            self._log.info("thread_shown_again", operation=operation_id)

    async def refused(self, operation: Operation, reason: str) -> None:
        """Its channel took nothing. Who asked is told so once, and of the end."""
        tries = self._tries.get(operation.id, (0, 0.0))[0] + 1
        pause = closed_pause(tries)
        loop = asyncio.get_running_loop()
        self._tries[operation.id] = (tries, loop.time() + pause)
        if not operation.state.ended or (operation.ended_at or 0.0) > time.time() - _KEPT_TRYING:
            loop.call_later(pause, self._again, operation.id)
        self._operations.showing.hidden(operation.id, reason)
        self._log.warning("thread_hidden", operation=operation.id, reason=reason, again_in=round(pause))
        try:
            await self._tell(operation, reason)
        except (SlackError, StorageUnavailableError) as error:
            self._log.warning("requester_not_told", operation=operation.id, error=str(error))

    async def _tell(self, operation: Operation, reason: str) -> None:
        ended = operation.state.ended
        how = f"has ended: {operation.outcome or operation.state}" if ended else "goes on"
        words = f" {operation.plan.title} {how}. I can't show it where you asked for it: {reason}. "
        message = Message(
            f"{operation.id}:{words}",
            (Paragraph([Mark.WARN, " ", Code(operation.id), words, Code(f"/maas op {operation.id}"), " shows it."]),),
        )
        key = f"operation:{operation.id}:elsewhere{':end' if ended else ''}"
        await self._outbound.post(operation.requester_id, message, key=key)
