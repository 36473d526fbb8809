"""`/maas commission` from the words to the outcome, over real sockets on both sides."""

from __future__ import annotations

from pathlib import Path

from tests.support.harness import OLGA, OPS, VICTOR, running, until


async def test_a_machine_becomes_ready_in_one_thread(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = it.machine("New")
        system_id = it.bot.regions["default"].fleet.find(name)[0].system_id
        plan = await it.talk.ask(f"commission {name}")
        text = it.talk.read(plan)
        assert f"Commission {name}?" in text
        assert "New" in text
        assert it.world.region.effects["commission", system_id] == 0

        await it.talk.click(plan, "operation.confirm")
        text = await it.talk.reads(plan, "Commissioned", "1 of 1 done (1 Ready)")
        assert it.world.region.effects["commission", system_id] == 1
        assert "operation.confirm" not in str(it.talk.now(plan).blocks)
        farewell = await until(lambda: [one for one in it.talk.replies(plan) if OLGA in str(one.blocks)])
        assert "1 Ready" in farewell[0].text
        posted = [one for one in it.world.workspace.messages(OPS, OLGA) if one.bot_id]
        assert [one.ts for one in posted] == [plan.ts], "one root message, edited in place"


async def test_a_failure_says_why_with_the_scripts_tail(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        name = it.machine("Ready")
        system_id = it.bot.regions["default"].fleet.find(name)[0].system_id
        world.machines[system_id].fails = None if not hasattr(world.machines[system_id], "fails") else world.machines[system_id].fails
        plan = await it.talk.ask("commission node-4")
        await it.talk.click(plan, "operation.confirm")
        await it.talk.reads(plan, "failed", "Failed commissioning")
        reply = await until(lambda: [one for one in it.talk.replies(plan) if "node-4" in one.text])
        print(reply[0].text, it.talk.read(reply[0]))


async def test_only_the_requester_confirms(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = it.machine("New")
        plan = await it.talk.ask(f"commission {name}")
        await it.talk.click(plan, "operation.confirm", user=VICTOR)
        refusal = await until(
            lambda: [one for one in it.world.workspace.messages(OPS, VICTOR) if one.ephemeral_to == VICTOR]
        )
        assert "needs the role operator" in refusal[0].text
        await it.talk.click(plan, "operation.confirm", user="U0ADAM")
        refusal = await until(
            lambda: [one for one in it.world.workspace.messages(OPS, "U0ADAM") if one.ephemeral_to == "U0ADAM"]
        )
        assert "Only olga" in refusal[0].text
        assert not it.world.region.effects
