"""Garbage collection in quiet moments.

A full collection looks through every object and stops everything meanwhile: for 50 to 200 ms, measured, in the middle
of acknowledgements. The small collections go on as Python does them; the full ones are made here, when nobody waits.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

#: Seconds between two full collections, and how long one is put off at most while people wait for answers.
_EVERY, _AT_LATEST = 120.0, 900.0
_LOOK = 1.0
#: So many middle collections before Python makes a full one by itself: it never comes to that.
_NEVER = 1_000_000


def spare_the_long_lived() -> None:
    """What lives now, such as all that was imported, is never garbage: leave it out of every collection to come."""
    gc.collect()
    gc.freeze()


async def collect_when_quiet(
    is_quiet: Callable[[], bool], *, every: float = _EVERY, at_latest: float = _AT_LATEST, look: float = _LOOK
) -> None:
    """Make the full collections until cancelled; then Python makes them again. Times in seconds."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], _NEVER)
    loop = asyncio.get_running_loop()
    last = loop.time()
    try:
        while True:
            await asyncio.sleep(look)
            waited = loop.time() - last
            if waited >= at_latest or (waited >= every and is_quiet()):
                gc.collect()
                last = loop.time()
    finally:
        gc.set_threshold(*before)
