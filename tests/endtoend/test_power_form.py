"""Power settings by a form: they reach MAAS, and nothing else anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.demo import World
from sandbox.slack import Message, ViewRef
from tests.endtoend.steps import machine_of, operation_id, rows, said, told
from tests.kinds.steps import agree, done, effects, entered, power_form
from tests.support.harness import OLGA, VICTOR, Running, Talk, running, until
from tests.support.process import BotProcess
from tests.watches.steps import labels

SECRET = "hunter2-of-the-bmc"


async def asked(it: Running, name: str, values: Mapping[str, str], kind: str = "ipmi") -> Message:
    """The plan for what is entered in the form."""
    return await entered(it.talk, await power_form(it.talk, await it.talk.ask(f"power set {name}")), values, kind)


def sent(world: World) -> int:
    """How often the region was told the power settings of a machine."""
    return sum(1 for one in world.region.log if one.method == "PUT" and one.path.startswith("machines/"))


def everything_said(world: World) -> str:
    """All that anybody can read in the workspace."""
    workspace = world.workspace
    shown = [said(one) for channel in workspace.channels for one in workspace.messages(channel, OLGA)]
    threads = [one for channel in workspace.channels for one in workspace.messages(channel, OLGA) if not one.thread_ts]
    below = [said(one) for root in threads for one in workspace.messages(root.channel_id, OLGA, root.ts)]
    return " ".join([*shown, *below, *(str(view.blocks) for view in workspace.views(OLGA))])


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
        view = await power_form(talk, await talk.ask("power set node-8 --reason 'new board'"))
        assert "now ipmi" in str(view.blocks)
        assert str(before["power_address"]) not in str(view.blocks), "what MAAS has is not shown either"
        plan = await entered(talk, view, {"power_pass": SECRET, "power_user": "operator-of-bmc"})
        text = said(plan)
        assert "Set the power settings of node-8?" in text
        assert "sets ipmi: power_user, power_pass" in text.replace("power_pass, power_user", "power_user, power_pass")
        assert "keeps power_driver, power_boot_type, power_address" in text
        assert "Its BMC is asked then whether it answers" in text
        assert sent(world) == 0 and machine.power_parameters == before, "a plan changes nothing"
        world.region.world.alter("node-8", bmc="ok")
        await agree(talk, plan)
        end = await done(talk, plan, "Set the power settings of node-8", "now ipmi, BMC answers")
        assert "Its BMC answers: off." in end
        after = machine.power_parameters
        assert (after["power_pass"], after["power_user"]) == (SECRET, "operator-of-bmc")
        kept = {name: value for name, value in before.items() if name not in {"power_pass", "power_user"}}
        assert {name: after[name] for name in kept} == kept
        audit = said(await talk.ask("audit node-8"))
        assert "power set" in audit and "new board" in audit and "done, now ipmi, BMC answers" in audit
        shown = said(await talk.ask(f"op {operation_id(plan)}"))
        assert SECRET not in everything_said(world) + shown
        assert rows(tmp_path, "SELECT count(*) FROM sealed") == [(0,)], "MAAS has it now, so nobody keeps it"
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
        it.world.region.world.alter("node-3", power_type="manual", power_parameters={}, bmc="wrong-password")
        view = await power_form(it.talk, await it.talk.ask("power set node-3"))
        assert "ipmi.power_address" in str(view.blocks)
        await it.world.workspace.click(OLGA, ViewRef(view.id), "power.kind", block_id="kind", selected="redfish")
        changed = await until(
            lambda: next((one for one in it.world.workspace.views(OLGA) if "redfish." in str(one.blocks)), None)
        )
        assert "ipmi.power_address" not in str(changed.blocks)
        missing = await it.world.workspace.submit_view(OLGA, changed.id, {"redfish.power_user": {"power_user": "u"}})
        assert missing.result != "closed"
        given = {"power_address": "10.1.1.1", "power_user": "u", "power_pass": SECRET}
        plan = await entered(it.talk, changed, given, "redfish")
        await agree(it.talk, plan)
        text = await done(it.talk, plan, "now redfish, BMC does not answer")
        assert "MAAS has the settings, but its BMC refuses" in text and "does not accept MAAS's user" in text
        machine = machine_of(it, "node-3")
        assert (machine.power_type, machine.power_parameters["power_pass"]) == ("redfish", SECRET)

        back = await power_form(it.talk, await it.talk.ask("power set node-3"))
        await it.world.workspace.click(OLGA, ViewRef(back.id), "power.kind", block_id="kind", selected="manual")
        await until(lambda: [one for one in it.world.workspace.views(OLGA) if "presses its button" in str(one.blocks)])
        plan = await entered(it.talk, back, {}, "manual")
        assert "Its power type is redfish now: what MAAS knows for that is lost." in said(plan)
        await agree(it.talk, plan)
        assert "Its power type is manual: MAAS can neither switch it" in await done(it.talk, plan, "now manual")


async def test_maas_refuses_and_it_is_taken_up_again(tmp_path: Path) -> None:
    """MAAS's own words, none of them secret; what was entered is there still, until it is no more."""
    async with running(tmp_path) as it:
        world = it.world.region.world
        it.world.region.world.alter("node-3", bmc="ok")
        world.refused_power_types.add("ipmi")
        plan = await asked(it, "node-3", {"power_pass": SECRET})
        await agree(it.talk, plan)
        await done(it.talk, plan, "1 of 1 failed", "ipmi is not one of the available choices")
        failure = next(one for one in it.talk.replies(plan) if "power_type" in said(one))
        assert labels(failure)[0] == "Retry" and "Power settings" in labels(failure)
        assert machine_of(it, "node-3").power_parameters["power_pass"] != SECRET

        world.refused_power_types.clear()
        again = await it.talk.ask(f"retry {operation_id(plan)}")
        await agree(it.talk, again)
        await done(it.talk, again, "now ipmi, BMC answers")
        assert machine_of(it, "node-3").power_parameters["power_pass"] == SECRET
        assert SECRET not in everything_said(it.world)

        rows(tmp_path, "DELETE FROM sealed")
        late = said(await it.talk.ask(f"retry {operation_id(plan)}"))
        assert "can't be read any more" in late and "give it anew" in late


@pytest.mark.parametrize("fault", ["reset", "reset-before"])
async def test_a_lost_answer_is_looked_at_and_not_sent_again(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-3", bmc="ok")
        plan = await asked(it, "node-3", {"power_pass": SECRET})
        it.world.region.faults.set(fault, path="machines/*", method="PUT", count=1)
        await agree(it.talk, plan)
        await done(it.talk, plan, "now ipmi, BMC answers")
        assert machine_of(it, "node-3").power_parameters["power_pass"] == SECRET
        assert effects(it.world, "node-3") == {"update": 1}
        assert sent(it.world) == (1 if fault == "reset" else 2)


async def test_what_changes_before_the_yes_makes_it_void(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        gone = await asked(it, "node-3", {"power_pass": SECRET})
        plan = await asked(it, "node-10", {"power_pass": SECRET})
        view = await power_form(it.talk, await it.talk.ask("power set node-7"))
        for name in ("node-3", "node-7"):
            del world.machines[machine_of(it, name).system_id]
        await agree(it.talk, gone)
        await it.talk.reads(gone, "is void", "node-3: New → no longer there")
        fleet = it.bot.regions["default"].fleet
        await fleet.refresh(list(fleet.machines()))
        assert "matches no machine" in said(await entered(it.talk, view, {"power_pass": SECRET}))
        world.alter("node-10", power_type="redfish", power_parameters={})
        await agree(it.talk, plan)
        await it.talk.reads(plan, "is void", "ipmi needs")
        assert sent(it.world) == 0
        assert "Nothing was done" in it.talk.read(plan)


async def test_it_waits_in_line_for_the_machine(tmp_path: Path) -> None:
    """One operation a machine; what was entered is sealed until its turn."""
    async with running(tmp_path, speed=10.0) as it:
        first = await it.talk.ask("commission node-3")
        offer = await it.talk.ask("power set node-3 --queue")
        early = await it.talk.ask("power set node-3")
        await it.talk.click(first, "operation.confirm")
        await it.talk.reads(first, "Commissioning node-3")
        refusal = await power_form(it.talk, early)
        assert "/maas power set node-3 --queue waits for it" in str(refusal.blocks)
        second = await entered(it.talk, await power_form(it.talk, offer), {"power_pass": SECRET})
        assert "It waits until" in said(second)
        await it.talk.click(second, "operation.confirm")
        await it.talk.reads(second, "Its turn has come")
        await agree(it.talk, second)
        await done(it.talk, second, "now ipmi")
        assert machine_of(it, "node-3").power_parameters["power_pass"] == SECRET


async def test_who_may_and_when(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "needs the role operator" in said(await it.talk.ask("power set node-3", user=VICTOR))
        assert "can only switch a machine on" in said(await it.talk.ask("power set node-3 wake-on-lan"))
        refusal = said(await it.talk.ask(f"power set node-3 {SECRET}"))
        assert "opens a form" in refusal
        assert SECRET not in refusal
        assert "too long for a form" in said(await it.talk.ask(f"power set node-3 --reason '{'why ' * 400}'"))
        view = await power_form(it.talk, await it.talk.ask("power set node-5"))
        assert "node-5 is locked; unlock it first" in str(view.blocks)

        offer = await it.talk.mention("power set node-3")
        await it.talk.click(offer, "power.form", user=VICTOR)
        seen = await until(
            lambda: [one for one in it.world.workspace.views(VICTOR) if "One moment" not in str(one.blocks)]
        )
        assert "power set is not for you here" in str(seen[-1].blocks)

        plan = await asked(it, "node-3", {"power_pass": SECRET})
        await it.talk.click(plan, "operation.confirm", user=VICTOR)
        await told(it.talk, VICTOR, "You can't do this: this needs the role operator")
        assert "Nothing was done" in await withdrawn(it, plan)
        assert sent(it.world) == 0


async def withdrawn(it: Running, plan: Message) -> str:
    await it.talk.click(plan, "operation.withdraw")
    return await it.talk.reads(plan, "was withdrawn")


async def test_cancelled_before_its_turn_it_is_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        before = dict(machine_of(it, "node-3").power_parameters)
        plan = await asked(it, "node-3", {"power_pass": SECRET})
        it.world.region.faults.set("server-error", path="rackcontrollers/", status=503)
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Setting the power settings of node-3")
        await it.talk.ask(f"cancel {operation_id(plan)}")
        it.world.region.faults.clear()
        await it.talk.reads(plan, "was cancelled", "Not touched: node-3")
        assert machine_of(it, "node-3").power_parameters == before


async def test_power_check_offers_what_maas_carries_out(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        for name, state, owner, fitting in [
            ("node-3", "off", None, ["Power settings"]),  # New
            ("node-2", "off", None, ["Power settings"]),  # Ready
            ("node-2", "on", None, ["Power off", "Power settings"]),
            ("node-11", "off", "admin", ["Power on", "Power settings"]),  # Deployed
            ("node-5", "on", "admin", []),  # locked
        ]:
            world.alter(name, power_state=state, power_type="ipmi", bmc="ok", owner=owner)
            await it.bot.regions["default"].fleet.refresh([machine_of(it, name).system_id])
            answer = await it.talk.ask(f"power check {name}")
            assert f"answers: {state}" in said(answer)
            assert labels(answer) == fitting, (name, state)


async def test_power_check_tells_what_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        world.alter("node-2", power_type="manual")
        world.alter("node-10", bmc="timeout")
        await it.bot.regions["default"].fleet.refresh([world.machine("node-2").system_id])
        assert "its BMC (ipmi) answers: on" in said(await it.talk.ask("power check node-1", user=VICTOR))
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
