"""Full garbage collections wait for quiet moments; the loop's lateness is told."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

from bot.garbage import collect_when_quiet
from bot.loop_watch import watch_loop


class Cycle:
    def __init__(self) -> None:
        self.me = self


def long_lived_garbage() -> weakref.ref[Cycle]:
    cycle = Cycle()
    gc.collect()  # it survives, and so is old when it becomes garbage
    return weakref.ref(cycle)


async def test_garbage_waits_for_a_quiet_moment_and_not_for_ever():
    before = gc.get_threshold()
    quiet = False
    task = asyncio.create_task(collect_when_quiet(lambda: quiet, every=0.0, at_latest=60.0, look=0.01))
    await asyncio.sleep(0)
    lost = long_lived_garbage()
    await asyncio.sleep(0.2)
    assert lost() is not None
    quiet = True
    await asyncio.sleep(0.2)
    assert lost() is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gc.get_threshold() == before

    task = asyncio.create_task(collect_when_quiet(lambda: False, every=0.0, at_latest=0.1, look=0.01))
    await asyncio.sleep(0)
    lost = long_lived_garbage()
    await asyncio.sleep(0.4)
    assert lost() is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stop_of_the_loop_is_told():
    late: list[float] = []
    task = asyncio.create_task(watch_loop(late.append, every=0.01))
    await asyncio.sleep(0.1)
    time.sleep(0.3)
    await asyncio.sleep(0.05)
    task.cancel()
    assert all(one >= 0 for one in late)
    assert 0.25 < max(late) < 2.0
