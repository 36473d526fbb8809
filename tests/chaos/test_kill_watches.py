"""kill -9 beside a watch: the view on disk is older than what was told, and nothing is told again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.demo import World
from sandbox.maas import machine as states
from sandbox.maas.power import change_status
from tests.support.harness import ADAM, OPS, Talk, until, words_of
from tests.support.process import BotProcess

pytestmark = [pytest.mark.chaos, pytest.mark.long]


async def test_killed_right_after_it_told(tmp_path: Path) -> None:
    world = World.build(tmp_path, speed=40.0, strict_timing=False)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    talk = Talk(world)

    def heard(part: str) -> int:
        messages = [one for one in world.workspace.messages(OPS, ADAM) if one.bot_id and not one.ephemeral_to]
        return sum(1 for one in messages if part in f"{one.text} {words_of(one.blocks)}")

    def fails(name: str) -> None:
        machine = world.region.world.machine(name)
        world.region.world.node_event(machine, "ERROR", "Marking node failed", "it fell over")
        change_status(world.region.world, machine, states.FAILED_TESTING)

    try:
        await bot.start()
        await talk.ask("watch failures", user=ADAM)
        await until(lambda: heard("From now on"), 30)
        await asyncio.sleep(3)  # the first look
        fails("node-2")
        await until(lambda: heard("node-2 Failed testing"), 30)
        # The fleet view is saved every five seconds: what the next start finds there is from before.
        bot.kill()
        await bot.gone()
        fails("node-10")
        await bot.start()
        fails("node-3")
        await until(lambda: heard("node-3 Failed testing") and heard("node-10 Failed testing"), 40)
        await asyncio.sleep(3)
        assert [heard(f"{name} Failed testing") for name in ("node-2", "node-10", "node-3")] == [1, 1, 1]
    finally:
        bot.kill()
        await world.stop()
