"""kill -9 while an import is ordered and while it runs: it is gone on with, and ordered no more often than needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.demo import World
from sandbox.slack import Message
from tests.kinds.steps import agree, done
from tests.support.harness import Talk, until
from tests.support.process import BotProcess

pytestmark = [pytest.mark.chaos, pytest.mark.long]


@pytest.mark.parametrize("moment", ["selected", "ordered, no answer", "running", "over"])
async def test_an_import_survives(tmp_path: Path, moment: str) -> None:
    world = World.build(tmp_path, speed=40.0, strict_timing=False)
    images, region = world.region.world.images, world.region
    region.faults.set("slow-mirror", rate=8_000_000)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        await bot.start()
        talk = Talk(world)
        plan = await talk.ask("images add bionic")
        if moment in {"ordered, no answer", "over"}:
            region.faults.set("hang-after", op="import")
        if moment == "selected":
            region.faults.set("hang-after", path="boot-sources/*/selections/", method="POST")
        await agree(talk, plan)
        selected = {
            "selected": lambda: any(one.release == "bionic" for one in images.sources[0].selections),
            "running": lambda: any(one.done for found in images.of("bionic", "amd64") for one in found.files),
        }
        await bot.killed_when(selected.get(moment, lambda: images.importing))
        region.faults.clear("hang-after")
        if moment == "over":
            region.faults.clear()
            await _over(world)
        await bot.start(ready=False)
        await bot.ready(60.0)
        await done(talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete", timeout=60)
        assert region.effects[("import", "")] == 1
        assert all(one.complete for one in images.of("bionic", "amd64"))
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


@asynccontextmanager
async def _killed_half_way(folder: Path) -> AsyncIterator[tuple[World, BotProcess, Talk, Message]]:
    """A bot that was killed with half of an image there; the last is its plan's message."""
    world = World.build(folder, speed=40.0, strict_timing=False)
    images = world.region.world.images
    world.region.faults.set("slow-mirror", rate=8_000_000)
    await world.start()
    bot = BotProcess(world.environment(), folder / "bot.log")
    try:
        await bot.start()
        talk = Talk(world)
        plan = await talk.ask("images add bionic")
        await agree(talk, plan)
        await bot.killed_when(lambda: any(one.done for found in images.of("bionic", "amd64") for one in found.files))
        yield world, bot, talk, plan
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


async def test_the_region_is_restarted_while_the_bot_is_gone(tmp_path: Path) -> None:
    """The bot comes back to half an image and no import: one import removes it, the next loads it."""
    async with _killed_half_way(tmp_path) as (world, bot, talk, plan):
        images, region = world.region.world.images, world.region
        region.faults.set("region-restarted")
        assert not images.importing
        await bot.start(ready=False)
        await bot.ready(60.0)
        await done(talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete", timeout=60)
        assert region.effects[("import", "")] == 3
        assert all(one.complete for one in images.of("bionic", "amd64"))


async def test_a_slow_import_is_followed_on_from_where_it_was(tmp_path: Path) -> None:
    """At a rate at which nothing shows for long, a bot that was killed neither calls it stalled nor orders another."""
    async with _killed_half_way(tmp_path) as (world, bot, talk, plan):
        images, region = world.region.world.images, world.region
        # So slow that nothing arrives while the bot is back and looks, then at its old rate to its end.
        region.faults.set("slow-mirror", rate=20_000)
        await bot.start(ready=False)
        await bot.ready(60.0)
        await talk.reads(plan, "%", "left")
        assert images.importing
        region.faults.set("slow-mirror", rate=30_000_000)
        await done(talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete", timeout=60)
        assert region.effects[("import", "")] == 1


async def _over(world: World) -> None:
    await until(lambda: not world.region.world.images.importing, 30, "the import to end")
