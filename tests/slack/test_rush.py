"""Work in a rush: so much at a time, in the order in which it came, and no error stops the rest."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.slack.rush import Rush


async def test_so_much_at_a_time_and_in_order():
    tasks: list[asyncio.Task[None]] = []
    began: list[int] = []
    at_work, most = 0, 0
    gate = asyncio.Event()

    async def work(number: int) -> None:
        nonlocal at_work, most
        began.append(number)
        at_work += 1
        most = max(most, at_work)
        await gate.wait()
        await asyncio.sleep(0)
        at_work -= 1
        if number % 7 == 3:
            raise ValueError(number)

    rush = Rush(4, lambda coroutine: tasks.append(asyncio.create_task(coroutine)))
    for number in range(50):
        rush.add("olga", partial(work, number))
    await asyncio.sleep(0.01)
    assert began == [0, 1, 2, 3]
    assert len(tasks) == 4, "what waits has no task of its own"
    gate.set()
    async with asyncio.timeout(5):
        while len(began) < 50 or at_work:
            await asyncio.sleep(0.01)
    assert began == list(range(50))
    assert most == 4
    await asyncio.gather(*tasks, return_exceptions=True)
    rush.add("olga", partial(work, 50))
    await asyncio.sleep(0.01)
    assert began[-1] == 50


async def test_nobody_waits_behind_somebody_elses_hundred():
    began: list[str] = []
    gate = asyncio.Event()

    async def work(who: str) -> None:
        began.append(who)
        await gate.wait()

    tasks: list[asyncio.Task[None]] = []
    rush = Rush(2, lambda coroutine: tasks.append(asyncio.create_task(coroutine)))
    for _ in range(100):
        rush.add("mallory", partial(work, "mallory"))
    rush.add("olga", partial(work, "olga"))
    rush.add("victor", partial(work, "victor"))
    rush.add("olga", partial(work, "olga"))
    gate.set()
    await asyncio.gather(*tasks)
    assert len(began) == 103
    assert next(at for at, who in enumerate(began) if who == "olga") <= 3
    assert max(at for at, who in enumerate(began) if who != "mallory") <= 7


async def test_what_waits_is_dropped_when_the_bot_stops():
    tasks: list[asyncio.Task[None]] = []
    began = []

    async def work(number: int) -> None:
        began.append(number)
        await asyncio.sleep(60)

    rush = Rush(2, lambda coroutine: tasks.append(asyncio.create_task(coroutine)))
    for number in range(5):
        rush.add("olga", partial(work, number))
    await asyncio.sleep(0.01)
    rush.drop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert began == [0, 1]
    assert len(tasks) == 2
