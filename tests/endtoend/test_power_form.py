"""Power settings by a form: they reach MAAS, and nothing else anywhere."""

from __future__ import annotations

from pathlib import Path

from sandbox.demo import World
from sandbox.slack import ViewRef
from tests.kinds.power_form import filled, opened
from tests.kinds.steps import agree, done, said
from tests.support.harness import OLGA, OPS, VICTOR, Talk, running, until
from tests.support.process import BotProcess
from tests.watches.steps import press

SECRET = "hunter2-of-the-bmc"


def everything_said(world: World) -> str:
    """All that anybody can read in the workspace, and all that was logged of calls to it."""
    workspace = world.workspace
    shown = [said(one) for channel in workspace.channels for one in workspace.messages(channel, OLGA)]
    return " ".join([*shown, *(str(view.blocks) for view in workspace.views(OLGA))])


async def test_a_password_reaches_maas_and_nothing_else(tmp_path: Path) -> None:
    """Watched from outside: the bot is a process that logs everything it can."""
    world = World.build(tmp_path, speed=40.0, strict_timing=False)
    await world.start()
    bot = BotProcess(world.environment(), tmp_path / "bot.log", log_level="debug")
    talk = Talk(world)
    try:
        await bot.start()
        machine = world.region.world.machine("node-8")
        before = dict(machine.power_parameters)
        view = await opened(talk, "node-8")
        assert "now ipmi" in str(view.blocks)
        assert str(before["power_address"]) not in str(view.blocks), "what MAAS has is not shown either"
        world.region.world.alter("node-8", bmc="ok")
        plan = await filled(talk, view, "ipmi", {"power_pass": SECRET, "power_user": "operator-of-bmc"})
        assert "Set the power of node-8?" in said(plan)
        assert "MAAS gets the power type ipmi with these settings from you: power_user, power_pass." in said(plan)
        assert "The rest stays as MAAS has it." in said(plan)
        assert machine.power_parameters == before, "nothing is changed before the yes"
        await agree(talk, plan)
        await done(talk, plan, "Set the power of node-8", "its BMC answers: off")
        after = machine.power_parameters
        assert (after["power_pass"], after["power_user"]) == (SECRET, "operator-of-bmc")
        kept = {name: value for name, value in before.items() if name not in {"power_pass", "power_user"}}
        assert {name: after[name] for name in kept} == kept
        audit = " ".join(said(await talk.ask("audit node-8")).split())
        assert 'olga asked for "power set node-8"' in audit
        assert "olga confirmed" in audit
        assert "the bot worked on node-8: done, set, its BMC answers: off" in audit
        assert SECRET not in everything_said(world)
        await bot.terminate()
    finally:
        bot.kill()
        await world.stop()
    assert "maas_call" in (tmp_path / "bot.log").read_text(), "it did log everything"
    for file in [one for one in tmp_path.rglob("*") if one.is_file()]:
        assert SECRET.encode() not in file.read_bytes(), file.name
        assert b"operator-of-bmc" not in file.read_bytes(), file.name


async def test_another_kind_has_other_fields_and_needs_what_it_needs(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-3", power_type="manual", power_parameters={}, bmc="ok")
        view = await opened(it.talk, "node-3")
        assert "ipmi.power_address" in str(view.blocks)
        await it.world.workspace.click(OLGA, ViewRef(view.id), "power.kind", block_id="kind", selected="redfish")
        changed = await until(
            lambda: next((one for one in it.world.workspace.views(OLGA) if "redfish." in str(one.blocks)), None)
        )
        assert "ipmi.power_address" not in str(changed.blocks)
        missing = await it.world.workspace.submit_view(OLGA, changed.id, {"redfish.power_user": {"power_user": "u"}})
        assert missing.result != "closed"
        values = {"power_address": "10.1.1.1", "power_user": "u", "power_pass": SECRET}
        plan = await filled(it.talk, changed, "redfish", values)
        assert "power type redfish" in said(plan)
        assert "The rest stays" not in said(plan), "of another kind MAAS has nothing to keep"
        await agree(it.talk, plan)
        await done(it.talk, plan, "Set the power of node-3")
        machine = it.world.region.world.machine("node-3")
        assert (machine.power_type, machine.power_parameters["power_pass"]) == ("redfish", SECRET)


async def test_what_maas_needs_is_asked_for_before_the_plan(tmp_path: Path) -> None:
    """The fields of a kind that the machine has may all be left empty; MAAS may have less than it needs."""
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-3", power_type="ipmi", power_parameters={})
        view = await opened(it.talk, "node-3")
        await it.world.workspace.submit_view(OLGA, view.id, {"ipmi.power_user": {"power_user": "u"}})
        await until(
            lambda: [one for one in it.world.workspace.messages(OPS, OLGA) if "ipmi needs IP address" in one.text]
        )
        assert not await it.bot.operations.recent()


async def test_maas_refuses_and_its_words_hold_no_secret(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await filled(it.talk, await opened(it.talk, "node-3"), "ipmi", {"power_pass": SECRET})
        it.world.region.faults.set("server-error", path="machines/*", method="PUT", status=500)
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "Not done")
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] != SECRET
        assert SECRET not in everything_said(it.world)
        it.world.region.faults.clear()
        before = len(await it.bot.operations.recent())
        await press(it.talk, plan, "Retry")
        again = await until(
            lambda: next(
                (
                    one
                    for one in it.world.workspace.messages(OPS, OLGA)
                    if one.ts > plan.ts and "operation.confirm" in str(one.blocks)
                ),
                None,
            ),
            what="the plan of the retry",
        )
        await agree(it.talk, again)
        await done(it.talk, again, "Set the power of node-3")
        assert len(await it.bot.operations.recent()) == before + 1
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] == SECRET


async def test_a_bmc_that_refuses_is_told_after_it_is_set(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-3", bmc="wrong-password")
        plan = await filled(it.talk, await opened(it.talk, "node-3"), "ipmi", {"power_pass": SECRET})
        await agree(it.talk, plan)
        text = await done(it.talk, plan, "Half done", "Its power is set, but:")
        assert "does not accept MAAS's user and password" in text
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] == SECRET


async def test_a_lost_answer_is_looked_at_and_not_sent_again(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await filled(it.talk, await opened(it.talk, "node-3"), "ipmi", {"power_pass": SECRET})
        it.world.region.faults.set("reset", path="machines/*", method="PUT")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Set the power of node-3")
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] == SECRET
        puts = [one for one in it.world.region.log if one.method == "PUT" and one.path.startswith("machines/")]
        assert len(puts) == 1


async def test_another_kind_meanwhile_voids_the_plan(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await filled(it.talk, await opened(it.talk, "node-3"), "ipmi", {"power_pass": SECRET})
        it.world.region.world.alter("node-3", power_type="amt")
        await agree(it.talk, plan)
        await it.talk.reads(plan, "void", "power ipmi → amt")
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] != SECRET


async def test_who_may_and_when(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "needs the role operator" in said(await it.talk.ask("power set node-3", user=VICTOR))
        assert "can only switch a machine on" in said(await it.talk.ask("power set node-3 wake-on-lan"))
        refusal = said(await it.talk.ask(f"power set node-3 {SECRET}"))
        assert "opens a form" in refusal
        assert SECRET not in refusal
        view = await opened(it.talk, "node-5")
        assert "node-5 is locked; unlock it first" in str(view.blocks)


async def test_power_check_tells_what_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        world.alter("node-2", power_type="manual")
        world.alter("node-10", bmc="timeout")
        await it.bot.regions["default"].fleet.refresh([world.machine("node-2").system_id])
        assert "its BMC (ipmi) answers: on" in said(await it.talk.ask("power check node-1", user=VICTOR))
        # What is offered is what MAAS would do: nobody owns a machine that is Ready, and it switches none of those on.
        world.alter("node-3", bmc="ok", power_state="off")
        ready = await it.talk.ask("power check node-3")
        assert "answers: off" in said(ready)
        assert "Power on" not in said(ready)
        deployed = await it.talk.ask("power check node-1")
        assert "Power off" in said(deployed)
        manual = said(await it.talk.ask("power check node-2"))
        assert "MAAS can neither switch it nor ask whether it is on" in manual
        assert "Wake-on-LAN can only switch a machine on" in manual
        silent = said(await it.talk.ask("power check node-10", timeout=30))
        assert "did not answer" in silent
        assert "The racks are connected, so it is the way to the BMC" in silent
        it.world.region.faults.set("dead-rack")
        rackless = said(await it.talk.ask("power check node-1"))
        assert "no rack controller reaches" in rackless
        assert "0 of 1 rack controllers are connected" in rackless
        it.world.region.faults.clear()
        many = said(await it.talk.ask("power check node-1 node-8"))
        assert many.startswith("1 of 2 BMCs answer")
        assert many.index("node-8") < many.index("node-1 "), "what does not answer comes first"
