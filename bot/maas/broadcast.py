"""Telling many listeners of one thing: each has a queue of its own, and a slow one holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

#: Items that wait for a listener; beyond that the oldest are dropped.
BACKLOG = 20_000


class Subscription(Generic[T]):
    """What one listener holds: `async with source.subscribe() as items: async for item in items`.

    Iteration ends when the source closes. Waiting for an item may be cancelled without losing it.
    """

    def __init__(self, source: Broadcast[T], wanted: Callable[[T], bool] | None, backlog: int) -> None:
        self._source = source
        self._wanted = wanted
        self._items: asyncio.Queue[T | None] = asyncio.Queue()
        self._backlog = backlog
        self._over = False
        #: How many items were dropped because this listener did not take them.
        self.dropped = 0

    async def __aenter__(self) -> Subscription[T]:
        self._source.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.remove(self)

    def __aiter__(self) -> Subscription[T]:
        return self

    async def __anext__(self) -> T:
        item = None if self._over else await self._items.get()
        if item is None:
            self._over = True
            raise StopAsyncIteration
        return item

    def skip(self) -> None:
        """Forget what is queued: the listener has just looked for itself."""
        while not self._items.empty() and not self._over:
            self._over = self._items.get_nowait() is None

    def offer(self, item: T | None) -> None:
        """Queue `item` if the listener wants it; None ends the iteration."""
        if item is not None and self._wanted is not None and not self._wanted(item):
            return
        if self._items.qsize() >= self._backlog:
            self._items.get_nowait()
            self.dropped += 1
            if self.dropped == 1:
                structlog.get_logger(__name__).warning("listener_too_slow", backlog=self._backlog)
        self._items.put_nowait(item)


class Broadcast(Generic[T]):
    """The source's side."""

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._listeners: set[Subscription[T]] = set()
        self._backlog = backlog
        self._closed = False

    def subscribe(self, wanted: Callable[[T], bool] | None = None) -> Subscription[T]:
        """A subscription to the items that `wanted` accepts; it listens while its context is open."""
        return Subscription(self, wanted, self._backlog)

    def add(self, listener: Subscription[T]) -> None:
        self._listeners.add(listener)
        if self._closed:
            listener.offer(None)

    def remove(self, listener: Subscription[T]) -> None:
        self._listeners.discard(listener)

    def send(self, item: T) -> None:
        """Tell everybody."""
        for listener in list(self._listeners):
            listener.offer(item)

    def close(self) -> None:
        """End every iteration after what is queued."""
        self._closed = True
        for listener in list(self._listeners):
            listener.offer(None)
