"""Words that come in a rush: so many are worked on at a time, the others wait as what they are."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


class Rush:
    """Slack takes answers only so fast. What waits half-done has tasks and futures of its own, which make everything
    that looks through the bot's objects slow, acknowledgements included; what waits here costs next to nothing.

    People take turns: whoever asks for one thing does not wait behind somebody's hundred.
    """

    def __init__(self, at_a_time: int, begin: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        """`begin` starts a coroutine in a task of its own."""
        self._at_a_time = at_a_time
        self._begin = begin
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()
        self._at_work = 0

    def add(self, who: str, work: Work) -> None:
        """Do this for a person in its turn. It begins at once, or when something before it ends."""
        self._waiting.setdefault(who, deque()).append(work)
        if self._at_work < self._at_a_time:
            self._at_work += 1
            self._begin(self._take_turns())

    def drop(self) -> None:
        """Forget what waits; what is worked on goes on."""
        self._waiting.clear()

    def _next(self) -> Work:
        who, its = self._waiting.popitem(last=False)
        work = its.popleft()
        if its:
            self._waiting[who] = its
        return work

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                await self._next()()
        finally:
            self._at_work -= 1
            if self._waiting:  # an error ended this one's turns
                self._at_work += 1
                self._begin(self._take_turns())
