"""One operation a machine at a time: the second is told who holds it, and may queue or leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.approving import APPROVE, ASK, asked, card_of, effects, fill_in, open_form
from tests.endtoend.steps import buttons, said
from tests.support.harness import ADAM, ANDREA, OPS, running, until


async def test_the_second_is_told_who_holds_the_machine(tmp_path: Path) -> None:
    async with running(tmp_path, speed=10.0) as it:
        first = await it.talk.ask("commission node-3")
        await it.talk.click(first, "operation.confirm")
        await it.talk.reads(first, "Commissioning node-3")
        answer = await it.talk.ask("commission node-3", user=ADAM)
        text = it.talk.read(answer, ADAM)
        assert "op-" in text
        assert "asked by olga" in text
        assert "--queue" in text


async def test_the_second_may_queue_by_a_button(tmp_path: Path) -> None:
    """What it queues for needs an approval: that is asked for at its turn, for the plan as it is then."""
    async with running(tmp_path, speed=4.0) as it:
        first, card = await asked(it, "release node-1")
        await it.talk.click(card, APPROVE, user=ANDREA)
        await it.talk.reads(first, "Releasing node-1")
        refusal = await it.talk.ask("delete node-1", user=ADAM)
        assert "asked by olga" in it.talk.read(refusal, ADAM)
        before = len(it.world.workspace.messages(OPS, ADAM))
        await it.talk.click(refusal, "page.queue", user=ADAM)
        second = (await until(lambda: it.world.workspace.messages(OPS, ADAM)[before:], what="the plan"))[-1]
        assert "Delete node-1?" in it.talk.read(second)
        assert "It waits until" in it.talk.read(second)
        assert not {ASK, "ask.break_glass"} & set(buttons(second.blocks)), "there is no plan yet to approve"
        await it.talk.click(second, "operation.confirm", user=ADAM)
        await it.talk.reads(second, "Delete node-1: in line", "Its plan is made anew then")

        await it.talk.reads(first, "Released node-1")
        await it.talk.reads(second, "Delete node-1?", "Its turn has come", "Ready")
        await until(lambda: any("its turn has come" in said(one) for one in it.talk.replies(second)), what="a word")
        assert effects(it, "delete", "node-1") == 0
        assert "operation.confirm" not in buttons(it.talk.now(second).blocks)
        form = await open_form(it, second, ASK, user=ADAM)
        assert not await fill_in(it, form, "scrapped", user=ADAM)
        await it.talk.click(await card_of(it, second), APPROVE, user=ANDREA)
        system_id = it.world.region.world.machine("node-1").system_id
        await it.talk.reads(second, "Deleted node-1", "approved by andrea")
        assert it.world.region.effects["delete", system_id] == 1
        assert it.world.region.effects["release", system_id] == 1


@pytest.mark.long
async def test_it_may_queue_and_looks_at_the_new_plan_at_its_turn(tmp_path: Path) -> None:
    async with running(tmp_path, speed=8.0) as it:
        system_id = it.bot.regions["default"].fleet.find("node-3")[0].system_id
        first = await it.talk.ask("commission node-3")
        await it.talk.click(first, "operation.confirm")
        await it.talk.reads(first, "Commissioning node-3")
        second = await it.talk.ask("commission node-3 --queue", user=ADAM)
        assert "It waits until" in it.talk.read(second, ADAM)
        await it.talk.click(second, "operation.confirm", user=ADAM)
        await it.talk.reads(first, "Commissioned node-3", timeout=40)
        # The machine is Ready by now, which is not what the plan was made for: it is shown anew and confirmed again.
        await it.talk.reads(second, "Commission node-3?", "Ready", user=ADAM, timeout=40)
        assert it.world.region.effects["commission", system_id] == 1
        await until(lambda: "operation.confirm" in str(it.talk.now(second, ADAM).blocks))
        await it.talk.click(second, "operation.confirm", user=ADAM)
        await it.talk.reads(second, "Commissioned node-3", user=ADAM, timeout=40)
        assert it.world.region.effects["commission", system_id] == 2


async def test_a_queued_one_can_leave(tmp_path: Path) -> None:
    async with running(tmp_path, speed=5.0) as it:
        first = await it.talk.ask("commission node-3")
        await it.talk.click(first, "operation.confirm")
        await it.talk.reads(first, "Commissioning node-3")
        second = await it.talk.ask("commission node-3 --queue", user=ADAM)
        await it.talk.click(second, "operation.confirm", user=ADAM)
        await until(lambda: "operation.cancel" in str(it.talk.now(second, ADAM).blocks), what="the cancel button")
        await it.talk.click(second, "operation.cancel", user=ADAM)
        await it.talk.reads(second, "cancelled", user=ADAM)


async def test_retry_takes_up_only_what_failed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        first = await it.talk.ask("commission node-2 node-7")
        await it.talk.click(first, "operation.confirm")
        text = await it.talk.reads(first, "1 of 2 failed")
        operation = next(word for word in text.split() if word.startswith("op-")).rstrip(".")
        again = await it.talk.ask(f"retry {operation}")
        text = it.talk.read(again)
        assert "node-7" in text
        assert "node-2" not in text
