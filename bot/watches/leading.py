"""Which of several bots on one database looks and speaks: the one with the smallest name, once the others know it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection


class Leading:
    """Asked before each look and each word; costs nothing."""

    def __init__(
        self,
        me: str,
        living: Callable[[], Collection[str]],
        *,
        settle: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one.

        Args:
            me: the name of this bot.
            living: the names of those that are alive, this one included.
            settle: seconds that it waits where there are others: the one that led before has to notice.
            clock: for tests.
        """
        self._me = me
        self._living = living
        self._settle = settle
        self._clock = clock
        self._since: float | None = None
        self._alone = False

    def __call__(self) -> bool:
        """Whether this bot leads now."""
        living = self._living()
        if not living or self._me != min(living):
            self._since = None
            return False
        if self._since is None:
            self._since = self._clock()
            # Nobody was there before: nobody has to notice.
            self._alone = len(living) == 1
        return self._alone or self._clock() - self._since >= self._settle
