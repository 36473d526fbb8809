"""Commissioning several machines: selection, the limit at once, partial failure, cancel half-way, long lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.demo import World
from sandbox.maas import machine as states
from tests.endtoend.steps import CANCEL, asked, confirmed, machine_of, operation_id, said, told
from tests.support.harness import ADAM, OLGA, OPS, Running, Talk, running, until
from tests.support.process import BotProcess

SELECTORS = [
    ("node-3,node-7", {"node-3", "node-7"}),
    ("node-3 node-3 NODE-7", {"node-3", "node-7"}),
    ("status:new", {"node-3", "node-7"}),
    ("status:new+zone:rack-a", {"node-7"}),
    ("node-[37]", {"node-3", "node-7"}),
    ("status:ready status:new", {"node-2", "node-3", "node-7", "node-8", "node-10"}),
    ("pool:default+status:ready", {"node-2", "node-8"}),
    ("tag:gpu", {"node-7"}),
    ("tag:gpu,node-3+status:new", {"node-3", "node-7"}),
]


def commissioning(it: Running) -> list[str]:
    """Who is at it in the region."""
    at_it = (states.COMMISSIONING, states.TESTING)
    return [one.hostname for one in it.world.region.world.machines.values() if one.status in at_it]


async def test_selectors_select_and_the_plan_shows_whom(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-7", tags=["gpu"])
        await it.bot.regions["default"].fleet.refresh([machine_of(it, "node-7").system_id])
        for terms, expected in SELECTORS:
            plan = await it.talk.ask(f"commission {terms}")
            shown = said(it.talk.now(plan)).partition("What happens")[0]
            named = {name for name in (f"node-{number}" for number in range(1, 13)) if f"{name} " in f"{shown} "}
            assert named == expected, (terms, shown)
            await it.talk.click(plan, "operation.withdraw")


async def test_one_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-2 node-3 node-4")
        text = await it.talk.reads(root, "1 of 3 failed", timeout=30)
        assert "Commissioned 2 of 3 machines" in text
        assert "2 Ready" in text and "1 Failed commissioning" in text
        # The log of the failure is a file in the thread, and no word more.
        replies = await until(
            lambda: len(words := [one for one in it.talk.replies(root) if not one.files]) >= 2 and words
        )
        failure = next(one for one in replies if one.text.startswith("node-4 "))
        assert "maas-lshw failed" in said(failure) and "lshw: terminated by signal 9" in said(failure)
        assert "/maas retry op-" in said(failure), "how to try it again"
        farewell = next(one for one in replies if OLGA in str(one.blocks))
        assert "1 of 3 failed" in farewell.text
        assert len(replies) == 2, "milestones only"
        assert [asked(it, name) for name in ("node-2", "node-3", "node-4")] == [1, 1, 1]


async def test_never_more_at_once_than_asked_for(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        names = ["node-2", "node-3", "node-7", "node-10"]
        root = await confirmed(it.talk, f"commission {' '.join(names)} --at-once 2 --testing-scripts none")
        most = 0

        def done() -> bool:
            nonlocal most
            most = max(most, len(commissioning(it)))
            return "operation.cancel" not in str(it.talk.now(root).blocks) and not commissioning(it)

        await until(done, 40, "the end")
        await it.talk.reads(root, "Commissioned")
        assert most <= 2, "more were commissioning at once"
        assert all(asked(it, name) == 1 for name in names if name != "node-7")


async def test_cancel_half_way_says_what_was_done_and_what_not(tmp_path: Path) -> None:
    async with running(tmp_path, speed=15.0) as it:
        root = await confirmed(it.talk, "commission node-3 node-10 node-2 --at-once 1 --testing-scripts none")
        first = (await until(lambda: commissioning(it), what="the first"))[0]
        await it.talk.reads(root, "0 of 3 done")
        await until(lambda: machine_of(it, first).status_name == "Ready", 40, f"{first} to be Ready")
        second = (await until(lambda: [one for one in commissioning(it) if one != first], 20, "the second"))[0]
        third = next(one for one in ("node-2", "node-3", "node-10") if one not in {first, second})
        await it.talk.reads(root, "1 of 3 done")
        # Adam did not ask for it, and may stop it.
        await it.talk.click(root, CANCEL, user=ADAM)
        text = await it.talk.reads(root, "was cancelled")
        assert "Cancelled by <@U0ADAM>" in " ".join(text.split())
        assert f"Aborted in MAAS: {second}" in text
        assert f"Not touched: {third}" in text
        assert "1 of 3 done" in text
        assert asked(it, third) == 0
        assert machine_of(it, second).status_name in {"New", "Ready"}
        farewell = await until(lambda: [one for one in it.talk.replies(root) if OLGA in str(one.blocks)])
        assert "cancelled" in said(farewell[0]).lower(), "the person who asked is told that it was cancelled"
        text = said(await it.talk.ask(f"cancel {operation_id(root)}"))
        assert "has ended" in text


async def test_a_machine_that_was_ready_and_is_stopped_is_not_called_commissioned(tmp_path: Path) -> None:
    """MAAS puts it back to Ready, which looks like success."""
    async with running(tmp_path, speed=5.0) as it:
        root = await confirmed(it.talk, "commission node-2")
        await until(lambda: commissioning(it))
        await it.talk.reads(root, "node-2: Commissioning")
        text = said(await it.talk.ask(f"cancel {operation_id(root)}"))
        assert "Stopping" in text
        text = await it.talk.reads(root, "was cancelled")
        assert "Aborted in MAAS: node-2 (Ready)" in text
        assert machine_of(it, "node-2").status_name == "Ready"


async def test_a_second_operation_on_a_machine_says_who_holds_it(tmp_path: Path) -> None:
    async with running(tmp_path, speed=5.0) as it:
        early = await it.talk.ask("commission node-3 node-7", ADAM)
        root = await confirmed(it.talk, "commission node-3")
        held = operation_id(root)
        await until(lambda: commissioning(it))
        # A plan made before: its confirmation is refused with the reason.
        await it.talk.click(early, "operation.confirm", user=ADAM)
        text = await told(it.talk, ADAM, held, "olga", "is at work on it")
        assert "node-3" in text and "Confirm again when that has ended" in text
        assert asked(it, "node-7") == 0
        # Asked now: MAAS's own reason comes first, and with others it is left out.
        text = said(await it.talk.ask("commission node-3", ADAM))
        assert "node-3" in text and ("Commissioning" in text or held in text)
        text = said(await it.talk.ask("machine node-3"))
        assert held in text and "asked by olga" in text
        text = said(await it.talk.ask("status"))
        assert held in text and "Under way" in text
        text = said(await it.talk.ask("ops"))
        assert held in text and "running" in text


async def test_sixty_machines_are_all_handled_and_the_message_says_how_many_are_shown(tmp_path: Path) -> None:
    async with running(tmp_path, machines=12, speed=200.0) as it:
        world = it.world.region.world
        for number in range(60):
            world.add_machine(f"rack7-{number + 1}", found="small")
            world.node_event(world.machine(f"rack7-{number + 1}"), "INFO", "New")
        fleet = it.bot.regions["default"].fleet
        await until(lambda: len(fleet.machines()) >= 72, 20, "the view to know the new machines")
        world.machine("rack7-60").manners.fail_script = "maas-lshw"
        plan = await it.talk.ask("commission rack7-* --at-once 60")
        text = said(plan)
        assert "Commission 60 machines?" in text
        assert "rack7-1 " in text and "rack7-60" in text, "a plan hides nobody"
        await it.talk.click(plan, "operation.confirm")
        text = await it.talk.reads(plan, "1 of 60 failed", "59 Ready", timeout=60)
        assert "50 of 60" in text, "N of M"
        assert "rack7-60: Failed commissioning" in text, "who failed is among those shown"

        def listed() -> bool:
            files = [one.content.decode() for one in it.world.workspace.files.values() if one.uploaded]
            return any(all(f"rack7-{number}" in file for number in range(1, 61)) for file in files)

        await until(listed, what="a file that has them all")
        assert sum(it.world.region.effects.values()) == 60
        roots = [one for one in it.world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]
        assert len(roots) == 1


@pytest.mark.long
async def test_the_limit_holds_across_a_restart(tmp_path: Path) -> None:
    """Those that wait for their turn must not overtake those that MAAS is at work on when the bot comes back."""
    world = World.build(tmp_path, speed=8.0, strict_timing=False)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log")
    try:
        await bot.start()
        talk = Talk(world)
        names = ["node-10", "node-2", "node-3", "node-7"]
        root = await confirmed(talk, f"commission {' '.join(names)} --at-once 1 --testing-scripts none")
        machines = [world.region.world.machine(name) for name in names]
        first = (await until(lambda: [one for one in machines if one.status_name == "Commissioning"]))[0]
        await until(lambda: f"{first.hostname}: Commissioning" in talk.read(root))
        bot.kill()
        await bot.gone()
        await bot.start()
        most = 0

        def over() -> bool:
            nonlocal most
            most = max(most, sum(one.status_name in {"Commissioning", "Testing"} for one in machines))
            return "operation.cancel" not in str(talk.now(root).blocks)

        await until(over, 60, "the end")
        assert most == 1, f"{most} were commissioning at once"
        await talk.reads(root, "1 of 4 failed", "3 Ready")
    finally:
        bot.kill()
        await bot.gone()
        await world.stop()
