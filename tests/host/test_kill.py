"""kill -9 of the bot before and after the start of each job: the thread goes on, each effect happens once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sandbox.demo import World
from sandbox.host import HostStandIn
from tests.host.test_install import CHANGES, GONE
from tests.kinds.steps import agree, done, roots
from tests.support.harness import Talk, until
from tests.support.process import BotProcess

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(600)]


@asynccontextmanager
async def doomed(tmp_path: Path, *, bare: bool) -> AsyncIterator[tuple[World, HostStandIn, BotProcess]]:
    world = World.build(tmp_path, strict_timing=False, host=True, bare=bare, speed=20.0, machines=2)
    await world.start()
    assert world.host is not None
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        await bot.start(ready=False)
        await takes_words(bot)
        yield world, world.host, bot
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


async def takes_words(bot: BotProcess) -> None:
    """Ready but for the region, which is not there yet."""

    async def reasons() -> list[str]:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{bot.port}/readyz") as answer,
            ):
                found: list[str] = (await answer.json()).get("reasons", [])
                return found
        except (aiohttp.ClientError, ValueError):
            return ["it does not answer"]

    async with asyncio.timeout(150):
        while [one for one in await reasons() if one != "no region answers"]:
            await asyncio.sleep(0.05)


async def killed_at_each_job(host: HostStandIn, bot: BotProcess, steps: list[str], faults: list[str]) -> None:
    """Kill and start again at the start of the job of each of these steps, before and after it by turns."""
    for number, step in enumerate(steps):
        before = host.withheld
        host.faults.set(faults[number % 2], verb="run", step=step, count=1)
        await until(lambda before=before: host.withheld > before, 90, f"the job {step}")
        bot.kill()
        await bot.gone()
        await bot.start(ready=False)


INSTALL = [
    "snap-install", "postgresql-install", "role-create", "database-create", "pg-hba-allow", "maas-init",
    "maas-permissions", "maas-admin",
]  # fmt: skip


@pytest.mark.parametrize("faults", [["stall", "stall-before"], ["stall-before", "stall"]])
async def test_install_killed_at_each_job(tmp_path: Path, faults: list[str]) -> None:
    """`stall`: the job has begun, and the bot does not know it; `stall-before`: the host never got the order."""
    async with doomed(tmp_path, bare=True) as (world, host, bot):
        talk = Talk(world)
        root = await talk.ask("install --database production")
        await agree(talk, root)
        await killed_at_each_job(host, bot, INSTALL, faults)
        await done(talk, root, "Installed the host", "8 run, the API answers", timeout=90)
        made = list(host.model.done)
        while made.count("create role maas") > 1:
            made.remove("create role maas")  # its password was lost with a bot, and was set anew
        assert sorted(made) == sorted(CHANGES["production"])
        assert roots(world) == [root.ts]
        assert "password was lost" in talk.read(root) or "admin password" in talk.read(root)


async def test_reset_killed_at_each_job(tmp_path: Path) -> None:
    async with doomed(tmp_path, bare=False) as (world, host, bot):
        talk = Talk(world)
        root = await talk.ask("reset")
        await agree(talk, root)
        await killed_at_each_job(host, bot, ["backup", "snap-remove", "snap-remove"], ["stall", "stall-before"])
        await done(talk, root, "Reset the host", "Nothing left: empty", timeout=90)
        assert host.model.done == GONE["test"]
        assert roots(world) == [root.ts]


async def test_a_restart_of_maas_happens_once(tmp_path: Path) -> None:
    async with doomed(tmp_path, bare=False) as (world, host, bot):
        talk = Talk(world)
        root = await talk.ask("host restart")
        await agree(talk, root)
        host.faults.set("stall", verb="status", count=1)
        await bot.killed_when(lambda: host.helper.table.jobs, 90)
        await until(lambda: host.helper.table.running is None, what="the job to end without a bot")
        await bot.start(ready=False)
        await done(talk, root, "Restarted MAAS on the host", timeout=60)
        assert host.model.done == ["snap restart maas"]
