"""How often each of Slack's methods may be called, kept below what Slack allows.

Slack promises per method, workspace and minute: tier 2 20, tier 3 50, tier 4 100 calls, and about one
message a second a channel (docs.slack.dev/apis/web-api/rate-limits). A budget stays under that in every
window of 60 s.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol


class Clock(Protocol):
    """Time, so that tests can shorten minutes. `now` only goes forward."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls in any 60 s at most, how many of them at once, and how many of those are for urgent ones only.

    `floor` is for methods whose limit Slack does not name: each Retry-After halves the pace, down to so many calls a
    minute, and it grows back while there is none.
    """

    per_minute: int
    burst: int
    reserve: int = 0
    floor: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.reserve < self.burst < self.per_minute:
            raise ValueError("a budget needs 0 <= reserve < burst < per_minute")


#: Slack's tiers less a margin: another process with the same token may spend some, and a restart begins
#: with a burst.
BUDGETS: Final[Mapping[str, Budget]] = {
    "chat.update": Budget(45, 12, 4),
    "chat.postMessage": Budget(200, 30, 10),
    "chat.postMessage/channel": Budget(55, 3, 1),
    "chat.postEphemeral": Budget(90, 20, 5),
    "chat.getPermalink": Budget(90, 20),
    "views.open": Budget(90, 20),
    "views.update": Budget(90, 20),
    "views.publish": Budget(90, 20),
    "files.upload": Budget(40, 10),
    "files.info": Budget(90, 20),
    "files.list": Budget(45, 12),
    "users.info": Budget(90, 30),
    "usergroups.users.list": Budget(18, 8),
    # No limit is named for response URLs, of which each takes five posts. In a rush people wait for these answers.
    "response_url": Budget(600, 30, 10, floor=60),
}
_OTHERS: Final = Budget(18, 6)
#: Seconds until a pace that was brought down is the full one again.
_RECOVERY: Final = 300.0


async def pause(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """Wait until the event is set, at most so long."""
    waits = {asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(event.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


class Gate:
    """One budget's turnstile: urgent callers first, then in the order of arrival.

    A bucket of `burst` tokens refills at `(per_minute - burst) / 60` a second, so that no window of 60 s
    sees more than `per_minute` calls.
    """

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self.budget = budget
        self._clock = clock
        self._full = self._rate = (budget.per_minute - budget.burst) / 60
        self._tokens = float(budget.burst)
        self._since = clock.now()
        self._held_until = 0.0
        self._queue: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    def hold(self, seconds: float) -> None:
        """Let nobody through for so long, and nobody in a crowd afterwards: Slack said Retry-After."""
        now = self._refill()
        self._held_until = max(self._held_until, now + seconds)
        self._tokens = min(self._tokens, 1.0 + self.budget.reserve)
        if self.budget.floor:
            self._rate = max(self.budget.floor / 60, self._rate / 2)

    def delay(self, *, urgent: bool = False) -> float:
        """Seconds until `take` can succeed; 0 for now."""
        now = self._refill()
        needed = 1.0 if urgent else 1.0 + self.budget.reserve
        return max(self._held_until - now, (needed - self._tokens) / self._rate, 0.0)

    def take(self, *, urgent: bool = False) -> bool:
        """Spend one call if there is one to spend."""
        if self.delay(urgent=urgent) > 1e-9:
            return False
        self._tokens -= 1
        return True

    async def enter(self, *, urgent: bool = False) -> None:
        """Wait for one's turn and spend one call."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (not urgent, next(self._count), ticket))
        self._changed.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve(), name="slack-gate")
        await ticket

    def close(self) -> None:
        """Let nobody in any more."""
        if self._pump is not None:
            self._pump.cancel()
        for _, _, ticket in self._queue:
            ticket.cancel()

    async def _serve(self) -> None:
        while self._queue:
            self._changed.clear()
            patient, _, ticket = self._queue[0]
            if ticket.done():
                heapq.heappop(self._queue)
            elif self.take(urgent=not patient):
                heapq.heappop(self._queue)
                ticket.set_result(None)
            else:
                await pause(self._clock, self.delay(urgent=not patient), self._changed)

    def _refill(self) -> float:
        now = self._clock.now()
        passed = now - self._since
        self._tokens = min(float(self.budget.burst), self._tokens + passed * self._rate)
        self._rate = min(self._full, self._rate + passed * self._full / _RECOVERY)
        self._since = now
        return now


class Gates:
    """A gate for each method, and one for each channel that is posted to."""

    def __init__(self, clock: Clock, budgets: Mapping[str, Budget] | None = None) -> None:
        self._clock = clock
        self._budgets = {**BUDGETS, **(budgets or {})}
        self._gates: dict[str, Gate] = {}

    def of(self, method: str) -> Gate:
        """The method's gate."""
        return self._gate(method, method)

    def of_channel(self, channel: str) -> Gate:
        """The gate of posts to one channel."""
        return self._gate(f"chat.postMessage/{channel}", "chat.postMessage/channel")

    def close(self) -> None:
        """Close them all."""
        for gate in self._gates.values():
            gate.close()

    def _gate(self, name: str, budget: str) -> Gate:
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = Gate(self._budgets.get(budget, _OTHERS), self._clock)
        return gate
