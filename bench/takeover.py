"""How soon another bot goes on with what a killed one was at: two bots on one PostgreSQL, one of them killed -9."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from statistics import median

import psycopg

from bench.report import Report, Table
from bench.stage import BotProcess, Stage, stage, until
from tests.support.postgres import running_postgres


@dataclass(frozen=True, slots=True)
class Options:
    """How often a bot is killed."""

    rounds: int = 5
    machines: int = 60


async def measure(options: Options | None = None) -> Report:
    """Each round begins a commission, kills the bot that works on it, and waits until the other one does."""
    options = options or Options()
    seconds = []
    with running_postgres() as server:
        async with stage(options.machines) as it:
            for number in range(options.rounds):
                took = await _round(it, server.new_database(), number)
                seconds += [took]
    return Report(
        "Taking over from a bot that was killed",
        "within 30 s",
        [
            Table(
                ["", "fastest", "median", "slowest"],
                [["kill -9 to the other bot at work", *(f"{one:.1f} s" for one in _told(seconds))]],
            )
        ],
        [f"{options.rounds} kills; a bot counts as dead when its row is 10 s old, and ends itself before that."],
        {"slowest": max(seconds)},
    )


def _told(seconds: list[float]) -> tuple[float, float, float]:
    return min(seconds), median(seconds), max(seconds)


@contextlib.asynccontextmanager
async def _bots(it: Stage, url: str, number: int) -> AsyncIterator[list[BotProcess]]:
    async with contextlib.AsyncExitStack() as stack:
        bots = [
            await stack.enter_async_context(it.bot(f"state-{number}-{which}", MAASBOT_DATABASE_URL=url))
            for which in "ab"
        ]
        for bot in bots:
            await bot.ready()
        yield bots


async def _round(it: Stage, url: str, number: int) -> float:
    async with _bots(it, url, number) as bots:
        await it.view_filled(f"state-{number}-a")
        await it.commission(1, settle=0.0)
        with psycopg.connect(url, autocommit=True) as database:
            query = "SELECT r.place FROM operations o JOIN replicas r ON r.id = o.replica WHERE o.state = 'running'"

            def worker() -> BotProcess | None:
                found = database.execute(query).fetchall()
                return next((bot for bot in bots if found and found[0][0].endswith(f" {bot.process.pid}")), None)

            working = await until(worker, 20.0, "somebody to work on it")
            working.process.kill()
            began = time.monotonic()
            living = [bot for bot in bots if bot is not working]

            def taken_over() -> bool:
                found = database.execute(query).fetchall()
                return any(place.endswith(f" {bot.process.pid}") for (place,) in found for bot in living)

            await until(taken_over, 60.0, "the other bot to go on")
            took = time.monotonic() - began
        await asyncio.sleep(0)
        return took
