"""How soon a finished step of the host stands in the thread, and a killed bot is with its job again."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.report import Report, Table
from bot.host.protocol import JobState
from sandbox.demo import World
from sandbox.host import HostStandIn
from sandbox.slack import Message
from tests.host.test_kill import takes_words
from tests.kinds.steps import agree, said
from tests.support.harness import Talk, until
from tests.support.process import BotProcess

_LONG = "snap-install"
_AT_ITS_OWN_PACE = "import sys; from bot.cli import main; sys.argv[1:] = ['run']; sys.exit(main())\n"
#: Letters of what a step found that are looked for in the thread.
_ENOUGH = 40


@dataclass(frozen=True, slots=True)
class Options:
    """Installs that are watched, and kills."""

    installs: int = 2
    kills: int = 5


@dataclass(slots=True)
class Found:
    """Seconds."""

    rows: list[float] = field(default_factory=list)
    attached: list[float] = field(default_factory=list)


async def measure(options: Options | None = None) -> Report:
    """A whole bot as a process of its own; the host is the one of the demo, which knows when its jobs end."""
    options = options or Options()
    found = Found()
    for _ in range(options.installs):
        async with _staged(speed=20.0) as (host, _, root, talk):
            await _rows(host, talk, root, found)
    for _ in range(options.kills):
        async with _staged(speed=1.0) as (host, bot, _, _):
            await _killed(host, bot, found)
    return Report(
        "The host's steps in the thread",
        "none set; the figures are for comparison.",
        [
            Table(
                ["", "times", "fastest", "median", "slowest"],
                [
                    ["a step has ended on the host: its row in the thread says so", *_told(found.rows)],
                    ["a bot killed -9 is started again: it asks after the job that runs", *_told(found.attached)],
                ],
            )
        ],
        [
            "The second row holds the start of the bot's process. The thread is edited about once a second at most, as "
            "Slack takes no more.",
        ],
        {"row": median(found.rows), "attached": median(found.attached)},
    )


def _told(seconds: list[float]) -> list[str]:
    return [str(len(seconds)), *(f"{one:.2f} s" for one in (min(seconds), median(seconds), max(seconds)))]


@asynccontextmanager
async def _staged(speed: float) -> AsyncIterator[tuple[HostStandIn, BotProcess, Message, Talk]]:
    """An install that somebody has just agreed to."""
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-thread-") as folder:
        world = World.build(Path(folder), strict_timing=False, host=True, bare=True, speed=speed, machines=2)
        await world.start()
        assert world.host is not None
        bot = BotProcess(world.environment(), Path(folder) / "bot.log", before=_AT_ITS_OWN_PACE)
        try:
            await bot.start(ready=False)
            await takes_words(bot)
            talk = Talk(world)
            root = await talk.ask("install --database production")
            await agree(talk, root)
            yield world.host, bot, root, talk
        finally:
            bot.kill()
            await bot.gone()
            await world.stop()


async def _rows(host: HostStandIn, talk: Talk, root: Message, found: Found) -> None:
    seen: set[str] = set()
    until_ = time.monotonic() + 120
    while time.monotonic() < until_:
        text = said(root)
        for job in list(host.helper.table.jobs.values()):
            if (
                job.job in seen
                or job.finished is None
                or job.outcome is None
                or job.outcome.found[:_ENOUGH] not in text
            ):
                continue
            seen.add(job.job)
            found.rows.append(time.time() - job.finished.timestamp())
        if "Installed the host" in text:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"the install does not end: {talk.read(root)}")


async def _killed(host: HostStandIn, bot: BotProcess, found: Found) -> None:
    table = host.helper.table
    await until(lambda: table.running is not None and table.running.step == _LONG, 60, "a long job")
    job = table.running
    assert job is not None
    bot.kill()
    await bot.gone()
    before = len(host.helper.requests)
    began = time.monotonic()
    starting = asyncio.create_task(bot.start(ready=False))
    asked = ("status", job.job)
    await until(lambda: asked in host.helper.requests[before:], 60, "the bot to ask after its job")
    found.attached.append(time.monotonic() - began)
    assert job.state is JobState.RUNNING, "it was to run on all the while"
    await starting
