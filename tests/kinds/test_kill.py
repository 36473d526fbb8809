"""kill -9 while people decide, and while MAAS is in the middle of it: the thread goes on, each effect happens once.

The boundaries between the steps of an operation are those of tests/chaos/test_boundaries.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.demo import World
from sandbox.slack import Message
from tests.endtoend.steps import rows
from tests.kinds.steps import agree, done, effects, machine, roots
from tests.support.harness import Talk, until
from tests.support.process import BotProcess

pytestmark = [pytest.mark.chaos, pytest.mark.long]


@dataclass(frozen=True)
class Order:
    """One kind: its words, the calls that it makes of MAAS, what they do, and how it ends."""

    words: str
    name: str
    call: dict[str, str]
    effects: dict[str, int]
    end: tuple[str, ...]

    @property
    def first(self) -> str:
        return next(iter(self.effects))


ORDERS = {
    "release": Order(
        "release node-1", "node-1", {"op": "release"}, {"release": 1}, ("Released node-1", "(1 Ready)")
    ),
    "release --erase": Order(
        "release node-1 --erase", "node-1", {"op": "release"}, {"release": 1}, ("Released node-1", "(1 Ready)")
    ),
    "delete": Order("delete node-3", "node-3", {"method": "DELETE"}, {"delete": 1}, ("Deleted node-3", "(1 Deleted)")),
    "power off": Order(
        "power off node-1", "node-1", {"op": "power_off"}, {"power_off": 1}, ("Powered off node-1", "(1 off)")
    ),
    "power on": Order(
        "power on node-11", "node-11", {"op": "power_on"}, {"power_on": 1}, ("Powered on node-11", "(1 on)")
    ),
    "power cycle": Order(
        "power cycle node-1", "node-1", {"op": "power_off"}, {"power_off": 1, "power_on": 1},
        ("Power cycled node-1", "(1 on)"),
    ),
}  # fmt: skip


class Story:
    """One order to one machine, told by the stand-ins while the bot dies and comes back."""

    def __init__(self, world: World, bot: BotProcess, order: Order) -> None:
        self.world = world
        self.bot = bot
        self.order = order
        self.talk = Talk(world)
        self.system_id = machine(world, order.name).system_id
        self.root: Message | None = None

    def effect(self, op: str) -> int:
        return effects(self.world, self.system_id).get(op, 0)

    def region_calls(self, **call: str) -> int:
        log = self.world.region.log
        if "op" in call:
            return sum(1 for one in log if one.op == call["op"])
        return sum(1 for one in log if one.method == call["method"])

    async def comes_back(self) -> None:
        """Start the bot; on a busy machine that takes a while."""
        await self.bot.start(ready=False)
        await self.bot.ready(60.0)

    async def plan(self) -> None:
        self.root = await self.talk.ask(self.order.words)

    async def agreed(self) -> None:
        await self.plan()
        assert self.root is not None
        await agree(self.talk, self.root)

    async def ends_well(self) -> None:
        """The one thread tells the truth, and each effect happened once."""
        assert self.root is not None
        await done(self.talk, self.root, *self.order.end, timeout=60)
        assert effects(self.world, self.system_id) == self.order.effects
        assert roots(self.world) == [self.root.ts]


@asynccontextmanager
async def story(tmp_path: Path, kind: str, speed: float = 20.0) -> AsyncIterator[Story]:
    order = ORDERS[kind]
    world = World.build(tmp_path, speed=speed, strict_timing=False)
    if kind == "power on":
        machine(world, order.name).power_state = "off"
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        it = Story(world, bot, order)
        await it.comes_back()
        yield it
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


@pytest.mark.parametrize("kind", ORDERS)
async def test_killed_while_the_plan_waits(tmp_path: Path, kind: str) -> None:
    async with story(tmp_path, kind) as it:
        await it.plan()
        it.bot.kill()
        await it.bot.gone()
        await it.comes_back()
        assert it.root is not None
        await agree(it.talk, it.root)
        await it.ends_well()


@pytest.mark.parametrize("kind", ORDERS)
async def test_killed_right_after_the_yes(tmp_path: Path, kind: str) -> None:
    """The yes is written down. A click that dies before it is written had no effect, and its button stays."""

    def written() -> bool:
        states = rows(tmp_path, "SELECT state FROM operations")
        return bool(states) and states[0][0] not in {"planned", "awaiting approval"}

    async with story(tmp_path, kind) as it:
        await it.agreed()
        await it.bot.killed_when(written)
        await it.comes_back()
        await it.ends_well()


@pytest.mark.parametrize("kind", ORDERS)
async def test_killed_before_maas_took_it(tmp_path: Path, kind: str) -> None:
    async with story(tmp_path, kind) as it:
        it.world.region.faults.set("hang", **it.order.call)
        await it.agreed()
        await it.bot.killed_when(lambda: it.region_calls(**it.order.call))
        it.world.region.faults.clear()
        assert effects(it.world, it.system_id) == {}
        await it.comes_back()
        await it.ends_well()


@pytest.mark.parametrize("kind", ORDERS)
async def test_killed_after_maas_took_it_and_before_its_answer(tmp_path: Path, kind: str) -> None:
    async with story(tmp_path, kind) as it:
        it.world.region.faults.set("hang-after", **it.order.call)
        await it.agreed()
        await it.bot.killed_when(lambda: it.effect(it.order.first))
        it.world.region.faults.clear()
        await it.comes_back()
        await it.ends_well()


@pytest.mark.parametrize("kind", ORDERS)
async def test_killed_and_back_only_when_all_is_over(tmp_path: Path, kind: str) -> None:
    """Nothing is left to see of it but the log's traces; and the second half of a cycle is still to come."""
    async with story(tmp_path, kind, speed=60.0) as it:
        it.world.region.faults.set("hang-after", **it.order.call)
        await it.agreed()
        await it.bot.killed_when(lambda: it.effect(it.order.first))
        it.world.region.faults.clear()
        await asyncio.sleep(1.5)
        await it.comes_back()
        await it.ends_well()


@pytest.mark.parametrize("moment", ["off", "on is ordered, no answer"])
async def test_a_cycle_killed_between_off_and_on(tmp_path: Path, moment: str) -> None:
    async with story(tmp_path, "power cycle", speed=8.0) as it:
        one = machine(it.world, "node-1")
        if moment == "on is ordered, no answer":
            it.world.region.faults.set("hang-after", op="power_on")
        conditions: dict[str, Any] = {
            "off": lambda: one.power_state == "off",
            "on is ordered, no answer": lambda: it.effect("power_on"),
        }
        await it.agreed()
        await it.bot.killed_when(conditions[moment])
        it.world.region.faults.clear()
        await it.comes_back()
        await it.ends_well()


@pytest.mark.parametrize("kind", ["release", "delete", "power off"])
async def test_what_another_did_while_the_bot_was_dead_is_not_undone(tmp_path: Path, kind: str) -> None:
    """The order never reached MAAS, and the machine is somebody else's by now: the yes was not for that."""
    async with story(tmp_path, kind) as it:
        it.world.region.faults.set("hang", **it.order.call)
        await it.agreed()
        await it.bot.killed_when(lambda: it.region_calls(**it.order.call))
        it.world.region.faults.clear()
        it.world.region.world.alter(it.order.name, owner="juju", status=6, osystem="ubuntu", distro_series="noble")
        await it.comes_back()
        assert it.root is not None
        await done(it.talk, it.root, "is not as it was planned", timeout=60)
        assert effects(it.world, it.system_id) == {}


async def test_run_anew_from_its_rows_a_cycle_goes_on_with_on(tmp_path: Path) -> None:
    """The engine's own memory is lost: the rows alone tell that the machine has been seen off."""
    async with story(tmp_path, "power cycle", speed=8.0) as it:
        it.world.region.faults.set("hang", op="power_on")
        await it.agreed()
        await it.bot.killed_when(lambda: it.region_calls(op="power_on"))
        it.world.region.faults.clear()
        for file in (tmp_path / "bot").glob("engine.sqlite*"):
            file.unlink()
        await it.comes_back()
        await it.ends_well()


async def test_sigterm_between_off_and_on(tmp_path: Path) -> None:
    async with story(tmp_path, "power cycle", speed=4.0) as it:
        await it.agreed()
        await until(lambda: it.effect("power_off"), what="the first order")
        assert await it.bot.terminate() == 0
        await it.comes_back()
        await it.ends_well()
