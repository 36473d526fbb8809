"""Power settings by a form: they reach MAAS, and nothing else anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.demo import World
from sandbox.slack import View, ViewRef
from tests.endtoend.steps import said
from tests.support.harness import OLGA, OPS, VICTOR, Running, Talk, running, until
from tests.support.process import BotProcess
from tests.watches.steps import press

SECRET = "hunter2-of-the-bmc"


async def form(world: World, user: str = OLGA) -> View:
    def view() -> View | None:
        views = world.workspace.views(user)
        return views[-1] if views and "One moment" not in str(views[-1].blocks) else None

    found: View = await until(view, what="the form")
    return found


async def opened(it: Running, name: str) -> View:
    answer = await it.talk.ask(f"power set {name}")
    await press(it.talk, answer, "Power settings")
    return await form(it.world)


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
        answer = await talk.ask("power set node-8")
        await press(talk, answer, "Power settings")
        view = await form(world)
        assert "now ipmi" in str(view.blocks)
        assert str(before["power_address"]) not in str(view.blocks), "what MAAS has is not shown either"
        world.region.world.alter("node-8", bmc="ok")
        values: dict[str, dict[str, Any]] = {
            "ipmi.power_pass": {"power_pass": SECRET},
            "ipmi.power_user": {"power_user": "operator-of-bmc"},
        }
        outcome = await world.workspace.submit_view(OLGA, view.id, values)
        assert outcome.result == "closed", outcome

        def told(part: str) -> list[str]:
            found = [said(one) for one in world.workspace.messages(OPS, VICTOR) if one.bot_id]
            return [one for one in found if part in one]

        await until(lambda: told("olga set the power settings of"), what="the word in the channel")
        assert "(ipmi: power_user, power_pass). The rest is as it was." in told("olga set")[0]
        await until(lambda: told("its BMC answers: off."), what="what the BMC says")
        after = machine.power_parameters
        assert (after["power_pass"], after["power_user"]) == (SECRET, "operator-of-bmc")
        kept = {name: value for name, value in before.items() if name not in {"power_pass", "power_user"}}
        assert {name: after[name] for name in kept} == kept
        audit = said(await talk.ask("audit node-8"))
        assert "power settings of node-8, ipmi (power_user, power_pass): set" in audit
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
        it.world.region.world.alter("node-3", power_type="manual", power_parameters={})
        view = await opened(it, "node-3")
        assert "ipmi.power_address" in str(view.blocks)
        await it.world.workspace.click(OLGA, ViewRef(view.id), "power.kind", block_id="kind", selected="redfish")
        changed = await until(
            lambda: next((one for one in it.world.workspace.views(OLGA) if "redfish." in str(one.blocks)), None)
        )
        assert "ipmi.power_address" not in str(changed.blocks)
        missing = await it.world.workspace.submit_view(OLGA, changed.id, {"redfish.power_user": {"power_user": "u"}})
        assert missing.result != "closed"
        values = {
            f"redfish.{name}": {name: value}
            for name, value in {"power_address": "10.1.1.1", "power_user": "u", "power_pass": SECRET}.items()
        }
        outcome = await it.world.workspace.submit_view(OLGA, changed.id, values)
        assert outcome.result == "closed", outcome
        machine = it.world.region.world.machine("node-3")
        await until(lambda: machine.power_type == "redfish", what="the new kind")
        assert machine.power_parameters["power_pass"] == SECRET


async def test_maas_refuses_and_its_words_hold_no_secret(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        view = await opened(it, "node-3")
        it.world.region.faults.set("server-error", path="machines/*", method="PUT", status=500)
        values = {"ipmi.power_pass": {"power_pass": SECRET}}
        await it.world.workspace.submit_view(OLGA, view.id, values)
        await until(lambda: [one for one in it.world.workspace.messages(OPS, OLGA) if "MAAS:" in one.text], what="a no")
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] != SECRET
        assert SECRET not in everything_said(it.world)


async def test_a_lost_answer_is_looked_at_and_not_sent_again(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        view = await opened(it, "node-3")
        it.world.region.faults.set("reset", path="machines/*", method="PUT")
        await it.world.workspace.submit_view(OLGA, view.id, {"ipmi.power_pass": {"power_pass": SECRET}})
        await until(
            lambda: [
                one for one in it.world.workspace.messages(OPS, OLGA) if "olga set the power settings" in one.text
            ],
            what="the word that it is set",
        )
        assert it.world.region.world.machine("node-3").power_parameters["power_pass"] == SECRET
        puts = [one for one in it.world.region.log if one.method == "PUT" and one.path.startswith("machines/")]
        assert len(puts) == 1


async def test_who_may_and_when(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "needs the role operator" in said(await it.talk.ask("power set node-3", user=VICTOR))
        assert "can only switch a machine on" in said(await it.talk.ask("power set node-3 wake-on-lan"))
        refusal = said(await it.talk.ask(f"power set node-3 {SECRET}"))
        assert "opens a form" in refusal
        assert SECRET not in refusal
        view = await opened(it, "node-5")
        assert "node-5 is locked; unlock it first" in str(view.blocks)


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
