"""Between the plan and the work: confirm, withdraw, expire, void; and clicks that come twice, late or from others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox.maas import machine as states
from tests.endtoend.forging import late_click
from tests.endtoend.steps import CONFIRM, WITHDRAW, asked, buttons, operation_id, rows, said, told
from tests.support.harness import ADAM, OLGA, OPS, running, until


async def test_withdrawn(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        confirm = buttons(plan.blocks)[CONFIRM]
        await it.talk.click(plan, WITHDRAW, user=ADAM)
        await told(it.talk, ADAM, "Only olga", "can withdraw")
        await it.talk.click(plan, WITHDRAW)
        text = await it.talk.reads(plan, "was withdrawn", "Nothing was done")
        assert not buttons(it.talk.now(plan).blocks)
        await late_click(it.world.workspace, OLGA, plan, confirm)
        await told(it.talk, OLGA, operation_id(plan), "no longer waiting", "withdrawn")
        assert asked(it, "node-3") == 0
        assert "expires" not in text


async def test_expired(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        assert "expires in 15 minutes" in said(plan)
        confirm = buttons(plan.blocks)[CONFIRM]
        rows(tmp_path, "update operations set created_at = created_at - 901 where id = ?", operation_id(plan))
        await it.talk.click(plan, CONFIRM)
        await told(it.talk, OLGA, "has expired", "Ask again")
        await it.talk.reads(plan, "has expired", "Nothing was done")
        await late_click(it.world.workspace, OLGA, plan, confirm)
        await told(it.talk, OLGA, "no longer waiting")
        assert asked(it, "node-3") == 0


async def test_void_when_the_machine_changed_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3 node-2")
        world = it.world.region.world
        world.alter("node-2", status=states.DEPLOYED, owner="operator")
        world.node_event(world.machine("node-2"), "INFO", "Deployed")
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "is void")
        assert "node-2: Ready → it is Deployed by operator" in text
        assert "Nothing was done" in text
        assert "/maas commission node-3 node-2" in text, "how to ask again"
        assert not buttons(it.talk.now(plan).blocks)
        assert not it.world.region.effects
        # The rest is free at once.
        assert "Commission node-3?" in said(await it.talk.ask("commission node-3"))


async def test_void_when_the_machine_is_gone_or_renamed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        gone, renamed = await it.talk.ask("commission node-3"), await it.talk.ask("commission node-7")
        world = it.world.region.world
        del world.machines[world.machine("node-3").system_id]
        world.alter("node-7", hostname="kinder")
        await it.talk.click(gone, CONFIRM)
        text = await it.talk.reads(gone, "is void", "node-3: New →")
        assert "not in MAAS" in text or "no longer there" in text
        await it.talk.click(renamed, CONFIRM)
        await it.talk.reads(renamed, "is void", "node-7: renamed → kinder")
        assert not it.world.region.effects


async def test_two_clicks_at_once_have_one_effect(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        await asyncio.gather(*(it.talk.click(plan, CONFIRM) for _ in range(4)))
        await it.talk.reads(plan, "Commissioned node-3")
        assert asked(it, "node-3") == 1
        text = await told(it.talk, OLGA, operation_id(plan))
        assert "no longer waiting" in text or "decided a moment ago" in text


async def test_confirm_and_withdraw_at_once_agree(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        await asyncio.gather(it.talk.click(plan, CONFIRM), it.talk.click(plan, WITHDRAW))
        text = await until(
            lambda: (text := it.talk.read(plan)) and ("withdrawn" in text or "Commissioned" in text) and text,
            20,
        )
        assert asked(it, "node-3") == (0 if "withdrawn" in text else 1)


async def test_buttons_that_fit_nothing_do_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        other = await it.talk.ask("commission node-7")
        element = buttons(plan.blocks)[CONFIRM]
        mixed = f"{operation_id(plan)}:{buttons(other.blocks)[CONFIRM]['value'].partition(':')[2]}"
        one = operation_id(plan)
        for value in ("", ":", one, f"{one}:", f"{one}:x", mixed, "op-zz:x", "x" * 2000):
            await late_click(it.world.workspace, OLGA, plan, {**element, "value": value})

        def refusals() -> int:
            shown = it.world.workspace.messages(OPS, OLGA)
            return sum("belongs to no plan that I know" in one.text for one in shown)

        await until(lambda: refusals() == 8, what="a refusal of each")
        await late_click(it.world.workspace, OLGA, plan, {**element, "action_id": "operation.obliterate"})
        await told(it.talk, OLGA, "another version of the bot")
        assert not it.world.region.effects
        assert CONFIRM in buttons(it.talk.now(plan).blocks), "the plan still waits"
