"""Slack's rate limits: per method, per workspace, per minute, and about one message a second per channel.

Tier 1 is 1+, tier 2 20+, tier 3 50+, tier 4 100+ a minute (docs.slack.dev/apis/web-api/rate-limits). The
workspace enforces exactly the number that Slack promises, over a sliding minute.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import IntEnum


class Tier(IntEnum):
    """Calls a minute. `POSTING` stands for chat.postMessage's own rule, `NONE` for no limit."""

    NONE = 0
    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    POSTING = -1


class RateLimits:
    """Counts calls and says how long to wait.

    `generous` switches every limit off. `burst` is how many messages one channel takes at once before the
    rate of one a second holds; `posts_a_minute` is the ceiling over all channels ("several hundred" in
    Slack's words).
    """

    def __init__(self, clock: Callable[[], float], *, generous: bool = False) -> None:
        self.generous = generous
        self.burst = 4
        self.posts_a_minute = 300
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._tokens: dict[str, tuple[float, float]] = {}

    def take(self, method: str, tier: Tier, channel: str = "") -> int | None:
        """Count one call. Returns None when it may pass, else the seconds for `Retry-After`."""
        if self.generous or tier is Tier.NONE:
            return None
        if tier is not Tier.POSTING:
            return self._window(method, int(tier))
        return self._bucket(channel) or self._window(method, self.posts_a_minute)

    def reset(self) -> None:
        self._calls.clear()
        self._tokens.clear()

    def _window(self, method: str, limit: int) -> int | None:
        now = self._clock()
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= limit:
            return max(1, math.ceil(calls[0] + 60 - now))
        calls.append(now)
        return None

    def _bucket(self, channel: str) -> int | None:
        now = self._clock()
        tokens, since = self._tokens.get(channel, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - since))
        if tokens < 1:
            self._tokens[channel] = (tokens, now)
            return max(1, math.ceil(1 - tokens))
        self._tokens[channel] = (tokens - 1, now)
        return None
