"""Many machines: what a selector matches, a few first, no further ones after failures, and what was left, by name."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.demo import World
from sandbox.maas import machine as states
from tests.kinds.steps import agree, done, effects, machine, refused, said
from tests.support.harness import OLGA, OPS, Running, Talk, running, until
from tests.support.process import BotProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def many(it: Running, count: int, **fields: object) -> list[str]:
    """So many Ready machines more, called rack7-1 and so on, known to the bot."""
    world = it.world.region.world
    names = [f"rack7-{number + 1}" for number in range(count)]
    for name in names:
        world.add_machine(name, found="small", hardware="small", status=states.READY, subnet=2, ever_passed=True)
        world.node_event(world.machine(name), "INFO", "Ready")
    for name in names:
        world.alter(name, **fields)
    fleet = it.bot.regions["default"].fleet
    await until(lambda: len(fleet.machines()) >= len(world.machines), 20, "the view to know the new machines")
    return names


async def test_the_first_one_fails_and_the_others_stay_as_they_were(tmp_path: Path) -> None:
    async with running(tmp_path, speed=100.0) as it:
        names = await many(it, 5)
        it.world.region.world.alter("rack7-1", fail_script="maas-lshw")
        plan = await it.talk.ask("commission rack7-* --canary 1 --testing-scripts none")
        assert "rack7-1 first; the other 4 begin only if it ends well" in said(plan)
        await agree(it.talk, plan)
        text = await done(it.talk, plan, "1 of 5 failed, 4 not begun (1 Failed commissioning)")
        assert "Not begun: rack7-1 went first and did not end well. They are as they were: rack7-2, rack7-3" in text
        assert [effects(it.world, name) for name in names] == [{"commission": 1}, {}, {}, {}, {}]
        assert all(machine(it.world, name).status == states.READY for name in names[1:])
        # What was not begun is one click away, and what failed another one.
        assert "Retry the 1 that failed" in text and "Take up the other 4" in text
        again = await it.talk.ask(f"retry {plan.text.split('op-')[1][:4]} --only rest")
        assert "Commission 4 machines?" in said(again) and "rack7-1 " not in said(again).partition("What happens")[0]


async def test_the_first_ones_end_well_and_the_others_follow(tmp_path: Path) -> None:
    async with running(tmp_path, speed=60.0) as it:
        names = await many(it, 5)
        begun: list[int] = []

        def count() -> bool:
            ended = [machine(it.world, name).status == states.READY and effects(it.world, name) for name in names]
            if not all(ended[:2]):
                begun.append(sum(bool(effects(it.world, name)) for name in names[2:]))
            return "commission" in str([effects(it.world, name) for name in names[2:]])

        plan = await it.talk.ask("commission rack7-* --canary 2 --testing-scripts none")
        await agree(it.talk, plan)
        await until(count, 30, "the others to begin")
        assert not any(begun), "one began before the first two had ended"
        await done(it.talk, plan, "Commissioned 5 machines", "5 of 5 done (5 Ready)")


async def test_no_further_ones_after_two_failures(tmp_path: Path) -> None:
    async with running(tmp_path, speed=100.0) as it:
        names = await many(it, 12, fail_script="maas-lshw")
        plan = await it.talk.ask("commission rack7-* --at-once 2 --stop-after 2 --testing-scripts none")
        await agree(it.talk, plan)
        text = await done(it.talk, plan, "not begun", "and it was to stop after 2", timeout=40)
        failed = sum(machine(it.world, name).status == states.FAILED_COMMISSIONING for name in names)
        begun = sum(bool(effects(it.world, name)) for name in names)
        assert failed == begun and 2 <= begun <= 3, "those under way go on, no other one begins"
        assert f"{failed} of 12 failed, {12 - begun} not begun" in text


async def test_a_pattern_that_fits_five_hundred(tmp_path: Path) -> None:
    """The plan is the preview: it counts, hides nobody, and comes quickly."""
    async with running(tmp_path, speed=100.0) as it:
        names = await many(it, 500)
        began = time.monotonic()
        plan = await it.talk.ask("tag rack7-* --name burn-in --at-once 50", timeout=30)
        took = time.monotonic() - began
        text = said(plan)
        assert "Tag 500 machines burn-in?" in text and took < 15
        files = await until(lambda: [one for one in it.world.workspace.files.values() if one.uploaded], what="a file")
        listing = files[0].content.decode()
        assert all(name in listing for name in names)
        await it.talk.click(plan, "operation.withdraw")
        assert it.world.region.effects == {}


async def test_the_region_dies_half_way_and_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, speed=40.0) as it:
        names = await many(it, 6)
        plan = await it.talk.ask("commission rack7-* --at-once 2 --testing-scripts none")
        await agree(it.talk, plan)
        await until(lambda: sum(bool(effects(it.world, name)) for name in names) >= 2, what="two to begin")
        it.world.region.faults.set("down")
        await it.talk.reads(plan, "Waiting for the region")
        it.world.region.faults.clear("down")
        await done(it.talk, plan, "Commissioned 6 machines", "6 of 6 done (6 Ready)", timeout=60)
        assert all(effects(it.world, name) == {"commission": 1} for name in names)


async def test_a_name_of_two_machines_and_a_name_like_an_id(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        other = machine(it.world, "node-7")
        world.alter("node-3", hostname=other.system_id)
        world.alter("node-10", hostname="node-2")
        ids = [one.system_id for one in world.machines.values()]
        await it.bot.regions["default"].fleet.refresh(ids)
        text = await refused(it.talk, f"lock {other.system_id}")
        assert (
            "could be any of" in text
            and f"id:{other.system_id}" in text
            and "Write the one that you mean as id:" in text
        )
        text = await refused(it.talk, "commission node-2")
        assert "could be any of" in text and text.count("id:") >= 2
        text = said(await it.talk.ask(f"rename node-8 {world.machine('node-9').system_id}"))
        assert "is the system id of node-9: write id:" in text
        # A name that another machine got a moment ago: MAAS's own word is told.
        plan = await it.talk.ask("rename node-6 web-1")
        world.alter("node-9", hostname="web-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "Node with this Hostname already exists")
        assert world.machine("node-6").hostname == "node-6"


async def test_deleted_and_changed_by_others_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path, speed=20.0) as it:
        world = it.world.region.world
        plan = await it.talk.ask("commission node-2 node-3 --testing-scripts none")
        await agree(it.talk, plan)
        await until(lambda: machine(it.world, "node-3").status == states.COMMISSIONING, what="node-3 to begin")
        gone = machine(it.world, "node-3")
        it.world.region.lifecycle.delete(gone)
        await done(it.talk, plan, "node-3 was deleted from MAAS while this ran", "1 of 2 failed")
        # Between the plan and the yes it became somebody else's: nothing is done.
        plan = await it.talk.ask("tag node-10 --name x1")
        world.alter("node-10", tags=["held"])
        await it.talk.click(plan, "operation.confirm")
        await it.talk.reads(plan, "is void", "tags")
        assert effects(it.world, "node-10") == {}


# -- kill -9 ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def killed(tmp_path: Path, speed: float) -> AsyncIterator[tuple[World, BotProcess, Talk]]:
    world = World.build(tmp_path, speed=speed, strict_timing=False)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        await bot.start()
        yield world, bot, Talk(world)
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()


@pytest.mark.chaos
@pytest.mark.long
@pytest.mark.parametrize("first_fails", [True, False])
async def test_killed_while_the_first_one_is_under_way(tmp_path: Path, first_fails: bool) -> None:
    async with killed(tmp_path, speed=10.0) as (world, bot, talk):
        names = ["node-2", "node-3", "node-10"]
        if first_fails:
            world.region.world.alter("node-2", fail_script="maas-lshw")
        plan = await talk.ask(f"commission {' '.join(names)} --canary 1 --at-once 1 --testing-scripts none")
        await agree(talk, plan)
        await bot.killed_when(lambda: machine(world, "node-2").status == states.COMMISSIONING)
        await bot.start(ready=False)
        await bot.ready(60.0)
        if first_fails:
            await talk.reads(plan, "1 of 3 failed, 2 not begun", timeout=60)
            assert [effects(world, name) for name in names] == [{"commission": 1}, {}, {}]
        else:
            await talk.reads(plan, "Commissioned 3 machines", timeout=60)
            assert all(effects(world, name) == {"commission": 1} for name in names)
        roots = [one for one in world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]
        assert len(roots) == 1


@pytest.mark.chaos
@pytest.mark.long
async def test_killed_after_the_failures_that_stop_it(tmp_path: Path) -> None:
    async with killed(tmp_path, speed=20.0) as (world, bot, talk):
        names = ["node-2", "node-3", "node-7", "node-10"]
        for name in names:
            world.region.world.alter(name, fail_script="maas-lshw")
        plan = await talk.ask(f"commission {' '.join(names)} --at-once 1 --stop-after 1 --testing-scripts none")
        await agree(talk, plan)
        await bot.killed_when(
            lambda: any(
                machine(world, name).status == states.FAILED_COMMISSIONING and effects(world, name) for name in names
            )
        )
        await bot.start(ready=False)
        await bot.ready(60.0)
        await talk.reads(plan, "1 of 4 failed, 3 not begun", timeout=60)
        assert sum(bool(effects(world, name)) for name in names) == 1


async def test_a_row_follows_the_log_while_the_machines_are_not_read_yet(tmp_path: Path) -> None:
    """Many that change at once take a region long to list; its log is quick, and no call more is made for it."""
    async with running(tmp_path, speed=100.0) as it:
        names = await many(it, 3)
        faults = it.world.region.faults
        plan = await it.talk.ask("commission rack7-* --testing-scripts none")
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Commissioning")
        await until(lambda: all(effects(it.world, name) for name in names), what="MAAS to be asked")
        row = it.bot.operations
        assert row is not None
        [operation] = await row.under_way()

        async def labels() -> set[str]:
            return {one.label for one in (await row.get(operation.id)).targets}

        await until(lambda: machine(it.world, names[0]).status == states.COMMISSIONING, what="it to begin")
        faults.set("slow", seconds=4.0, path="machines/", method="GET")
        await until(lambda: all(machine(it.world, name).status == states.READY for name in names), 20)
        ready = time.monotonic()
        while await labels() != {"Ready"}:
            assert time.monotonic() - ready < 2.0, await labels()
        now = await row.get(operation.id)
        assert not any(one.state.ended for one in now.targets), (
            "what the log says is no end: the machine is read for it"
        )
        faults.clear()
        await done(it.talk, plan, "3 of 3 done (3 Ready)")


async def test_machines_that_begin_together_share_a_look_for_the_newest_event(tmp_path: Path) -> None:
    async with running(tmp_path, speed=60.0) as it:
        names = await many(it, 20)
        plan = await it.talk.ask("commission rack7-* --testing-scripts none")
        it.world.region.log.clear()
        await agree(it.talk, plan)
        await done(it.talk, plan, "20 of 20 done (20 Ready)")
        looks = [one for one in it.world.region.log if one.path == "events/" and "limit=1" in one.query.split("&")]
        assert 0 < len(looks) < 10, f"{len(looks)} looks for {len(names)} machines"
        assert all(effects(it.world, name) == {"commission": 1} for name in names)
