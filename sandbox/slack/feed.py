"""Live changes for whoever watches the workspace as a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from sandbox.slack.model import WorkspaceEvent


class Subscription:
    """An async iterator of `WorkspaceEvent`. Everything after `Workspace.subscribe` returned is in it.

    Ends when closed: leave the `async with` block, or call `close()`.
    """

    def __init__(self, user_id: str, leave: Callable[[Subscription], None]) -> None:
        self.user_id = user_id
        self._leave = leave
        self._queue: asyncio.Queue[WorkspaceEvent | None] = asyncio.Queue()

    def put(self, event: WorkspaceEvent) -> None:
        self._queue.put_nowait(event)

    def close(self) -> None:
        self._leave(self)
        self._queue.put_nowait(None)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> WorkspaceEvent:
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Feed:
    """Hands each event to the subscriptions of those who may see it."""

    def __init__(self, may_see: Callable[[str, str], bool]) -> None:
        self._may_see = may_see
        self._subscriptions: list[Subscription] = []
        self.count = 0

    def subscribe(self, user_id: str) -> Subscription:
        subscription = Subscription(user_id, self._drop)
        self._subscriptions.append(subscription)
        return subscription

    def emit(self, event: WorkspaceEvent) -> None:
        self.count += 1
        for subscription in self._subscriptions:
            if event.user_id is not None and event.user_id != subscription.user_id:
                continue
            if event.channel_id is not None and not self._may_see(subscription.user_id, event.channel_id):
                continue
            subscription.put(event)

    def close(self) -> None:
        for subscription in list(self._subscriptions):
            subscription.close()

    def _drop(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
