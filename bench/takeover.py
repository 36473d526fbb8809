"""How soon another bot goes on with what a killed one was at: two bots on one PostgreSQL, one of them killed -9."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from statistics import median

import psycopg

from bench.asking import ANDREA, request
from bench.report import Report, Table
from bench.stage import BotProcess, Stage, stage, until
from tests.support.postgres import running_postgres

_WORKER = """
SELECT r.place FROM operations o JOIN replicas r ON r.id = o.replica WHERE o.state = 'running' AND o.kind = 'commission'
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How often a bot is killed."""

    rounds: int = 5
    machines: int = 200


@dataclass(slots=True)
class Found:
    """Seconds from the kill, of each round."""

    work: list[float] = field(default_factory=list)
    approval: list[float] = field(default_factory=list)


async def measure(options: Options | None = None) -> Report:
    """Each round kills the bot that works on a commission, while an approval waits; the other one goes on with both."""
    options = options or Options()
    found = Found()
    with running_postgres() as server:
        async with stage(options.machines) as it:
            names = await it.region.ask({"do": "deployed", "count": options.rounds})
            for number in range(options.rounds):
                await _round(it, server.new_database(), number, names[number], found)
    rows = [
        ["an operation under way: the other bot works on it", *_told(found.work)],
        ["an approval that waits: a click on Approve has its effect at MAAS", *_told(found.approval)],
    ]
    return Report(
        "Taking over from a bot that was killed",
        "within 30 s.",
        [Table(["From kill -9", "fastest", "median", "slowest"], rows)],
        [
            f"{options.rounds} kills of the one of two bots on PostgreSQL that works on a commission. A bot counts as "
            "dead when its row is 10 s old, and ends itself before that. Approve was clicked right after the kill.",
        ],
        {"work": max(found.work), "approval": max(found.approval)},
    )


def _told(seconds: list[float]) -> list[str]:
    return [f"{one:.1f} s" for one in (min(seconds), median(seconds), max(seconds))]


@contextlib.asynccontextmanager
async def _bots(it: Stage, url: str, number: int) -> AsyncIterator[list[BotProcess]]:
    async with contextlib.AsyncExitStack() as stack:
        states = [f"state-{number}-{which}" for which in "ab"]
        bots = [await stack.enter_async_context(it.bot(state, MAASBOT_DATABASE_URL=url)) for state in states]
        for bot, state in zip(bots, states, strict=True):
            await bot.ready()
            await it.view_filled(state)
        yield bots


async def _round(it: Stage, url: str, number: int, machine: list[str], found: Found) -> None:
    name, system_id = machine
    async with _bots(it, url, number) as bots:
        card = await request(it, f"release {name}")
        await it.commission(1, settle=0.0)
        with psycopg.connect(url, autocommit=True) as database:

            def worker() -> int | None:
                row = database.execute(_WORKER).fetchone()
                return int(row[0].rpartition(" ")[2]) if row is not None else None

            working = await until(worker, 20.0, "somebody to work on it")
            killed, living = sorted(bots, key=lambda bot: bot.process.pid != working)
            killed.process.kill()
            began = time.monotonic()
            await it.click(card, "approval.approve", ANDREA)
            found.approval.append(await _taken(it, system_id) - began)
            await until(lambda: worker() == living.process.pid, 60.0, "the other bot to go on", pause=0.02)
            found.work.append(time.monotonic() - began)


async def _taken(it: Stage, system_id: str) -> float:
    """When MAAS took the order to release the machine."""
    async with asyncio.timeout(60):
        while True:
            for path, at in await it.region.ask({"do": "orders", "op": "release"}):
                if system_id in path:
                    return float(at)
            await asyncio.sleep(0.02)
