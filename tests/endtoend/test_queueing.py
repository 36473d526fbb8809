"""One operation a machine at a time: the second is told who holds it, and may queue or leave."""

from __future__ import annotations

from pathlib import Path

from tests.support.harness import ADAM, running, until


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


async def test_it_may_queue_and_looks_at_the_new_plan_at_its_turn(tmp_path: Path) -> None:
    async with running(tmp_path, speed=8.0) as it:
        system_id = it.bot.regions["default"].fleet.find("node-3")[0].system_id
        first = await it.talk.ask("commission node-3")
        await it.talk.click(first, "operation.confirm")
        await it.talk.reads(first, "Commissioning node-3")
        second = await it.talk.ask("commission node-3 --queue", user=ADAM)
        assert "It starts when" in it.talk.read(second, ADAM)
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
        text = await it.talk.reads(first, "1 of 2")
        operation = next(word for word in text.split() if word.startswith("op-")).rstrip(".")
        again = await it.talk.ask(f"retry {operation}")
        text = it.talk.read(again)
        assert "node-7" in text
        assert "node-2" not in text
