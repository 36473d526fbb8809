"""Reads that many want at the same time: one of them asks the region, the others take its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class SharedReads:
    """Answers by key, as young as is asked for. An error is for those who waited for that answer, and is not kept."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, max_age: float, read: Callable[[], Awaitable[T]]) -> T:
        """The answer of `read`, at most `max_age` seconds old. Raises what `read` raises."""
        wanted = time.monotonic() - max_age
        async with self._locks.setdefault(key, asyncio.Lock()):
            at, answer = self._answers.get(key, (float("-inf"), None))
            if at < wanted:
                at, answer = time.monotonic(), await read()
                self._answers[key] = (at, answer)
            found: T = answer
            return found
