"""Things that happen later: named, kept as plain data so that a restart continues them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Timer:
    """`due` is in the loop's time; `seconds` what is left while the region does not run."""

    action: str
    args: list[Any]
    key: str
    seconds: float
    due: float = 0.0
    handle: asyncio.TimerHandle | None = None


class Timers:
    """Calls registered actions after a while; all durations are divided by `speed`."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._actions: dict[str, Callable[..., None]] = {}
        self._timers: dict[int, Timer] = {}
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None

    def register(self, name: str, action: Callable[..., None]) -> None:
        self._actions[name] = action

    def after(self, seconds: float, action: str, *args: Any, key: str = "") -> None:
        """Calls `action` with `args` after `seconds` of the region's time. `key` is for `cancel`."""
        number = next(self._numbers)
        self._timers[number] = Timer(action, list(args), key, seconds / self.speed)
        if self._loop is not None:
            self._arm(number)

    def cancel(self, key: str) -> None:
        for number in [n for n, t in self._timers.items() if t.key == key]:
            timer = self._timers.pop(number)
            if timer.handle is not None:
                timer.handle.cancel()

    def waiting(self, key: str) -> bool:
        return any(t.key == key for t in self._timers.values())

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        for number in list(self._timers):
            self._arm(number)

    def stop(self) -> None:
        """Stops the clock; what was left of each timer is kept."""
        if self._loop is None:
            return
        now = self._loop.time()
        for timer in self._timers.values():
            if timer.handle is not None:
                timer.handle.cancel()
                timer.handle = None
                timer.seconds = max(0.0, timer.due - now)
        self._loop = None

    def dump(self) -> list[dict[str, Any]]:
        now = self._loop.time() if self._loop is not None else 0.0
        return [
            {
                "action": t.action,
                "args": t.args,
                "key": t.key,
                "seconds": max(0.0, t.due - now) if t.handle is not None else t.seconds,
            }
            for t in self._timers.values()
        ]

    def load(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            number = next(self._numbers)
            self._timers[number] = Timer(row["action"], list(row["args"]), row["key"], row["seconds"])

    def _arm(self, number: int) -> None:
        assert self._loop is not None
        timer = self._timers[number]
        timer.due = self._loop.time() + timer.seconds
        timer.handle = self._loop.call_later(timer.seconds, self._fire, number)

    def _fire(self, number: int) -> None:
        timer = self._timers.pop(number, None)
        if timer is not None:
            self._actions[timer.action](*timer.args)
