"""What is being worked on, read once for everybody who asks at about the same time."""

from __future__ import annotations

import asyncio
import time

from bot.operations.records import UNDER_WAY, Operation
from bot.operations.store import OperationStore
from bot.storage import StorageUnavailableError

#: Longest age of an answer, in seconds.
_AGE = 1.0


class UnderWay:
    """Reads the operations under way, without their targets."""

    def __init__(self, store: OperationStore) -> None:
        self._store = store
        self._reading: asyncio.Task[list[Operation]] | None = None
        self._since = 0.0

    def forget(self) -> None:
        """Something changed here: the next answer is read anew."""
        self._reading = None

    async def read(self) -> list[Operation]:
        """What another bot changed shows within a second.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        now = time.monotonic()
        if self._reading is None or now - self._since > _AGE:
            self._reading = asyncio.create_task(self._store.newest(states=UNDER_WAY, limit=200))
            self._since = now
        reading = self._reading
        try:
            return list(await asyncio.shield(reading))
        except StorageUnavailableError:
            if self._reading is reading:
                self._reading = None
            raise
