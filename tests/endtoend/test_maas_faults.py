"""A region that is down, slow, or says no: what happened, what was left, what to do; nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.steps import CONFIRM, asked, confirmed, machine_of, operation_id, said, stays
from tests.support.harness import OLGA, Running, running, until

#: The fault, and what its message holds at plan time.
AT_PLAN_TIME = [
    ("down", {}, ["MAAS:", "Nothing was changed", "MAAS_URL"]),
    ("unauthorized", {}, ["refused the API key", "Nothing was changed", "MAAS_API_KEY"]),
    ("server-error", {"status": 500}, ["500", "Nothing was changed", "regiond.log"]),
    ("server-error", {"status": 503}, ["temporarily unable", "Nothing was changed", "rackd"]),
    ("server-error", {"status": 504}, ["Nothing was changed"]),
    ("reset-before", {}, ["dropped the connection", "Nothing was changed"]),
]


@pytest.mark.parametrize(("fault", "params", "parts"), AT_PLAN_TIME)
async def test_at_plan_time(tmp_path: Path, fault: str, params: dict[str, Any], parts: list[str]) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set(fault, **params)
        answer = await it.talk.ask("commission node-3", timeout=40)
        text = said(answer)
        assert all(part in text for part in parts), text
        assert answer.ephemeral_to == OLGA
        it.world.region.faults.clear()
        assert "no operation yet" in said(await it.talk.ask("ops"))
        plan = await _planned(it)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")


async def _planned(it: Running) -> Any:
    """A plan, as soon as the region answers again."""
    for _ in range(20):
        answer = await it.talk.ask("commission node-3", timeout=40)
        if "Commission node-3?" in said(answer):
            return answer
        await asyncio.sleep(0.3)
    raise AssertionError(said(answer))


async def test_reads_still_answer_while_the_region_is_down(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("down")
        await until(lambda: it.bot.regions["default"].watcher.availability.up is False)
        text = said(await it.talk.ask("status"))
        assert "has given no good answer for" in text
        assert "12 machines" in text, "the last that was known"
        assert "ago" in text
        text = said(await it.talk.ask("machine node-3"))
        assert "node-3 is New" in text and "ago" in text
        text = said(await it.talk.ask("machines status:new"))
        assert "node-3" in text and "ago" in text
        it.world.region.faults.clear()
        await until(lambda: it.bot.regions["default"].watcher.availability.up, 40)
        assert "is up" in said(await it.talk.ask("status"))


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("reset-before", {"op": "commission", "count": 1}),
        ("reset", {"op": "commission", "count": 1}),
        ("server-error", {"status": 503, "op": "commission", "count": 1}),
        ("server-error", {"status": 504, "op": "commission", "count": 1}),
    ],
)
async def test_at_the_moment_of_asking(tmp_path: Path, fault: str, params: dict[str, Any]) -> None:
    """Whatever becomes of the answer, MAAS is asked until it took it, and takes it once."""
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        it.world.region.faults.set(fault, **params)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3", timeout=30)
        assert asked(it, "node-3") == 1


@pytest.mark.parametrize(
    ("words", "op", "past"),
    [
        ("commission node-3", "commission", "Commissioned node-3"),  # New: looks aborted until it begins
        ("commission node-2", "commission", "Commissioned node-2"),  # Ready: looks done
        ("test node-2", "test", "Tested node-2"),
        ("deploy node-2", "deploy", "Deployed node-2"),
        ("rescue on node-2", "rescue_mode", "1 of 1 done"),
    ],
)
async def test_a_region_that_begins_later_than_it_answers(tmp_path: Path, words: str, op: str, past: str) -> None:
    """A machine that looks as before is neither done nor given up before MAAS has begun with it."""
    async with running(tmp_path) as it:
        plan = await it.talk.ask(words)
        it.world.region.faults.set("says-yes", method="POST", op=op, count=1, seconds=0.6)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, past, timeout=30)
        assert sum(1 for call in it.world.region.log if (call.method, call.op) == ("POST", op)) == 1, "asked once"


@pytest.mark.parametrize("words", ["commission node-3", "test node-2"])
async def test_a_region_that_says_yes_and_does_nothing(tmp_path: Path, words: str) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask(words)
        it.world.region.faults.set("says-yes", method="POST", path="machines/*", seconds=0)
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "1 of 1 failed", timeout=30)
        assert "as before" in text and "its log shows nothing since" in text


async def test_refused_at_the_moment_of_asking_says_why(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        it.world.region.faults.set("unauthorized", op="commission")
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "1 of 1 failed", "refused the API key")
        assert "Not done" in text
        assert machine_of(it, "node-3").status_name == "New"
        assert asked(it, "node-3") == 0


async def test_no_rack_is_said_in_maas_s_words(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        it.world.region.faults.set("dead-rack")
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "1 of 1 failed")
        assert "No rack controller is connected" in text and "/maas status" in text
        assert asked(it, "node-3") == 0 or machine_of(it, "node-3").status_name != "Commissioning"


async def test_a_machine_of_a_region_that_takes_its_time(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        await it.talk.ask("machine node-3")
        it.world.region.faults.set("slow", seconds=30)
        text = said(await it.talk.ask("machine node-3", timeout=12))
        assert "node-3" in text and "New" in text, "as it was last seen"
        assert "MAAS takes longer than 5 s to answer" in text
        it.world.region.faults.clear()


@pytest.mark.parametrize("fault", ["down", "unauthorized", "slow"])
async def test_while_waiting(tmp_path: Path, fault: str) -> None:
    """A region that goes away half-way costs nothing but time."""
    async with running(tmp_path, speed=10.0) as it:
        root = await confirmed(it.talk, "commission node-3")
        await until(lambda: machine_of(it, "node-3").status_name == "Commissioning")
        await it.talk.reads(root, "node-3: Commissioning")
        it.world.region.faults.set(fault, **({"seconds": 0.5} if fault == "slow" else {}))
        if fault != "slow":
            region = it.bot.regions["default"]
            await until(lambda: region.watcher.availability.up is False)
            await stays(lambda: "failed" not in it.talk.read(root), 1.0, "a region away for a moment is no failure")
            text = said(await it.talk.ask("status"))
            assert "has given no good answer for" in text
            it.world.region.faults.clear()
        await it.talk.reads(root, "Commissioned node-3", timeout=60)
        assert asked(it, "node-3") == 1


async def test_down_between_the_click_and_the_start(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        it.world.region.faults.set("down")
        await it.talk.click(plan, CONFIRM)
        await asyncio.sleep(0.5)
        it.world.region.faults.clear()
        await it.talk.reads(plan, "Commissioned node-3", timeout=40)
        assert asked(it, "node-3") == 1


@pytest.mark.long
async def test_down_for_too_long_voids_the_plan_and_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        it.world.region.faults.set("down")
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "is void", "MAAS could not be asked", timeout=60)
        assert "Nothing was done" in text
        it.world.region.faults.clear()
        assert operation_id(plan) in said(await it.talk.ask("ops"))
        assert asked(it, "node-3") == 0


async def test_a_machine_keeps_its_cause_while_the_region_is_down(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        region = it.bot.regions["default"]
        [machine] = region.fleet.find("node-9")
        await until(lambda: region.diagnoses.of(region.fleet.get(machine.system_id) or machine), 20, "the cause")
        it.world.region.faults.set("down")
        await until(lambda: region.watcher.availability.up is False)
        text = said(await it.talk.ask("machine node-9", timeout=30))
        assert "Why: smartctl-validate" in text
        assert "ago: " in text, "and how old that is"
