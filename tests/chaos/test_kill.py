"""kill -9 at every boundary of a commission: the same thread goes on, and MAAS is asked exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.demo import World
from sandbox.slack import Message
from tests.support.harness import OLGA, OPS, Talk, until
from tests.support.process import BotProcess

pytestmark = pytest.mark.chaos


class Story:
    """One commission of one machine, told by the stand-ins while the bot dies and comes back."""

    def __init__(self, world: World, bot: BotProcess) -> None:
        self.world = world
        self.bot = bot
        self.talk = Talk(world)
        machine = next(one for one in world.region.world.machines.values() if one.hostname == "node-3")
        self.system_id = machine.system_id
        self.root: Message | None = None

    @property
    def asked(self) -> int:
        return int(self.world.region.effects["commission", self.system_id])

    def calls(self, method: str) -> int:
        return sum(1 for call in self.world.workspace.calls if call.method == method)

    def region_calls(self, op: str) -> int:
        return sum(1 for call in self.world.region.log if call.op == op)

    async def plan(self) -> None:
        self.root = await self.talk.ask("commission node-3")

    async def confirm(self) -> None:
        assert self.root is not None
        await self.talk.click(self.root, "operation.confirm")

    async def ends_well(self) -> None:
        """The one thread tells the truth, and each effect happened once."""
        assert self.root is not None
        await self.talk.reads(self.root, "Commissioned node-3", "1 of 1 done (1 Ready)", timeout=30)
        await until(
            lambda: any(OLGA in str(one.blocks) for one in self.talk.replies(self.root)),
            what="the last reply",
        )
        assert self.asked == 1
        roots = [one for one in self.world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]
        assert [one.ts for one in roots] == [self.root.ts]
        assert "operation.cancel" not in str(self.talk.now(self.root).blocks)


@asynccontextmanager
async def story(tmp_path: Path, speed: float = 20.0) -> AsyncIterator[Story]:
    world = World.build(tmp_path, speed=speed, strict_timing=False)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        await bot.start()
        yield Story(world, bot)
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


@pytest.mark.long
async def test_killed_while_the_plan_waits(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        await it.plan()
        it.bot.kill()
        await it.bot.gone()
        await it.bot.start()
        await it.confirm()
        await it.ends_well()


@pytest.mark.long
async def test_killed_right_after_the_click(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        await it.plan()
        await it.confirm()
        await it.bot.killed_when(lambda: "operation.confirm" not in str(it.talk.now(it.root).blocks))
        await it.bot.start()
        await it.ends_well()


@pytest.mark.long
async def test_killed_before_maas_took_the_request(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        it.world.region.faults.set("hang", op="commission")
        await it.plan()
        await it.confirm()
        await it.bot.killed_when(lambda: it.region_calls("commission"))
        it.world.region.faults.clear()
        assert it.asked == 0
        await it.bot.start()
        await it.ends_well()


@pytest.mark.long
async def test_killed_after_maas_took_the_request_and_before_its_answer(tmp_path: Path) -> None:
    async with story(tmp_path, speed=5.0) as it:
        await it.plan()
        await it.confirm()
        await it.bot.killed_when(lambda: it.asked)
        await it.bot.start()
        await it.ends_well()


@pytest.mark.long
async def test_killed_and_back_only_when_all_is_over(tmp_path: Path) -> None:
    """Nothing of the run is left to see but the events: the traces of the request."""
    async with story(tmp_path, speed=60.0) as it:
        await it.plan()
        await it.confirm()
        await it.bot.killed_when(lambda: it.asked)
        machine = it.world.region.world.machines[it.system_id]
        await until(lambda: machine.status_name == "Ready", what="the machine to become Ready without the bot")
        await it.bot.start()
        await it.ends_well()


async def test_killed_half_way(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        machine = it.world.region.world.machines[it.system_id]
        await it.plan()
        await it.confirm()
        await it.bot.killed_when(lambda: machine.status_name == "Testing")
        await it.bot.start()
        await it.ends_well()


@pytest.mark.long
@pytest.mark.parametrize("moment", ["machine ready", "outcome shown"])
async def test_killed_at_the_end(tmp_path: Path, moment: str) -> None:
    async with story(tmp_path) as it:
        machine = it.world.region.world.machines[it.system_id]
        await it.plan()
        await it.confirm()
        condition: Callable[[], bool] = (
            (lambda: machine.status_name == "Ready")
            if moment == "machine ready"
            else (lambda: "Commissioned" in it.talk.read(it.root))
        )
        await it.bot.killed_when(condition)
        await it.bot.start()
        await it.ends_well()


@pytest.mark.long
async def test_killed_again_and_again(tmp_path: Path) -> None:
    async with story(tmp_path, speed=8.0) as it:
        await it.plan()
        await it.confirm()
        for _ in range(3):
            calls = len(it.world.region.log)
            await it.bot.killed_when(lambda calls=calls: len(it.world.region.log) > calls + 12)
            await it.bot.start(ready=False)
        await it.bot.ready()
        await it.ends_well()


async def test_sigterm_parks_and_the_next_start_goes_on(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        machine = it.world.region.world.machines[it.system_id]
        await it.plan()
        await it.confirm()
        await until(lambda: machine.status_name == "Commissioning")
        assert await it.bot.terminate() == 0
        await it.bot.start()
        await it.ends_well()


async def test_a_second_bot_on_the_same_state_is_refused(tmp_path: Path) -> None:
    async with story(tmp_path) as it:
        second = BotProcess(it.world.environment(), tmp_path / "second.log")
        await second.start(ready=False)
        assert await second.gone() == 1
        assert "another maasbot works with" in second.log.read_text()
        await it.plan()
