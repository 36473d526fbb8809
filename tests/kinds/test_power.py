"""`/maas power on|off|cycle`: plans, orders, and the power state that is waited for, on both versions of MAAS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import (
    ASK,
    BOTH,
    CANCEL,
    CONFIRM,
    agree,
    done,
    effects,
    has,
    machine,
    noted,
    operation_id,
    refused,
    said,
)
from tests.support.harness import Running, running, until

pytestmark = pytest.mark.parametrize("version", BOTH)


async def altered(it: Running, name: str, **fields: object) -> None:
    """Change a machine in the region, and let the bot see it."""
    one = it.world.region.world.alter(name, **fields)
    await it.bot.regions["default"].fleet.refresh([one.system_id])


async def test_off_is_told_only_when_maas_has_seen_it(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=4.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("power off node-1")
        text = said(plan)
        for part in ("Power off node-1?", "is cut off; what it has not written to disk is lost", "4 to 8 s"):
            assert part in text
        await agree(it.talk, plan)
        await until(lambda: effects(it.world, "node-1"), what="the order")
        assert one.power_state == "on"
        assert "Powered off" not in it.talk.read(plan)
        await done(it.talk, plan, "Powered off node-1", "1 of 1 done (1 off)")
        assert one.power_state == "off"
        assert effects(it.world, "node-1") == {"power_off": 1}


async def test_on(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await altered(it, "node-1", power_state="off")
        plan = await it.talk.ask("power on node-1")
        assert has(plan, CONFIRM), "switching on needs nobody else's yes"
        await agree(it.talk, plan)
        await done(it.talk, plan, "Powered on node-1", "(1 on)")
        assert effects(it.world, "node-1") == {"power_on": 1}


async def test_cycle_is_off_then_on(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("power cycle node-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Power cycled node-1", "(1 on)")
        assert effects(it.world, "node-1") == {"power_off": 1, "power_on": 1}
        system_id = machine(it.world, "node-1").system_id
        log = [event.type for event in it.world.region.world.events if event.node == system_id]
        wanted = ["User powering down node", "Node powered off", "User powering up node", "Node powered on"]
        assert [one for one in log if one in wanted] == wanted


async def test_the_power_of_a_machine_without_a_system_is_a_change(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await altered(it, "node-2", power_state="on")
        plan = await it.talk.ask("power off node-2")
        assert has(plan, CONFIRM)
        assert not has(plan, ASK)
        assert "What will be lost" not in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Powered off node-2")


async def test_one_deployed_machine_among_others_makes_it_destructive(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await altered(it, "node-2", power_state="on")
        plan = await it.talk.ask("power off node-1 node-2")
        assert has(plan, ASK)
        await agree(it.talk, plan)
        await done(it.talk, plan, "2 of 2 done (2 off)")


async def test_what_maas_would_refuse_is_left_out_with_its_rule(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        assert "it is locked; unlock it first" in await refused(it.talk, "power off node-5")
        assert "MAAS has it as off already" in await refused(it.talk, "power off node-2")
        assert "MAAS has it as on already" in await refused(it.talk, "power on node-1")
        assert "MAAS switches on no machine that nobody owns" in await refused(it.talk, "power on node-2")
        assert "MAAS deploys an Allocated machine" in await refused(it.talk, "power on node-12")
        assert "it is off; power on is enough" in await refused(it.talk, "power cycle node-2")
        await altered(it, "node-2", power_state="on")
        assert "it could not be switched on again" in await refused(it.talk, "power cycle node-2")
        await altered(it, "node-1", power_type="manual")
        for order in ("on", "off", "cycle"):
            # The machine is on: "on" tells that first.
            refusal = await refused(it.talk, f"power {order} node-1")
            assert "as on already" in refusal if order == "on" else "(power type manual)" in refusal


async def test_a_bmc_that_refuses_its_password(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await altered(it, "node-1", bmc="wrong-password")
        plan = await it.talk.ask("power off node-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Powering off node-1 failed", "power error", "Incorrect password")
        assert effects(it.world, "node-1") == {"power_off": 1}


async def test_a_bmc_that_does_not_answer(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await altered(it, "node-1", bmc="timeout")
        plan = await it.talk.ask("power off node-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Powering off node-1 failed", "Connection timed out")


async def test_a_cycle_whose_second_half_fails_says_that_the_machine_is_off(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=5.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("power cycle node-1")
        await agree(it.talk, plan)
        await until(lambda: effects(it.world, "node-1"), what="the first order")
        it.world.region.world.alter("node-1", bmc="wrong-password")
        cause = "It was switched off, and not on again: The BMC refuses MAAS: wrong user or password"
        await done(it.talk, plan, "Power cycling node-1 failed", cause, "Incorrect password")
        assert effects(it.world, "node-1") == {"power_off": 1, "power_on": 1}
        assert one.power_state == "error"
        # Taken up again, it goes on with what failed.
        it.world.region.world.alter("node-1", bmc="ok", power_state="off")
        again = await it.talk.ask(f"retry {operation_id(plan)}")
        assert "Power on node-1?" in said(again)
        await agree(it.talk, again)
        await done(it.talk, again, "Powered on node-1")
        assert effects(it.world, "node-1") == {"power_off": 1, "power_on": 2}


async def test_cancelling_a_cycle_does_not_leave_the_machine_off(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=5.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("power cycle node-1")
        await agree(it.talk, plan)
        await until(lambda: effects(it.world, "node-1"), what="the first order")
        await until(lambda: has(it.talk.now(plan), CANCEL), what="the button that cancels")
        await it.talk.click(plan, CANCEL)
        await until(lambda: effects(it.world, "node-1").get("power_on"), what="the second order")
        await done(it.talk, plan, "(1 on)")
        assert one.power_state == "on"


async def test_no_rack(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-1", bmc="no-rack")
        plan = await it.talk.ask("power off node-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "No rack controllers can access the BMC of node node-1")
        assert effects(it.world, "node-1") == {}


async def test_a_bmc_that_is_busy_is_asked_again(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        busy = it.world.region.world.power_busy
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("power off node-1")
        busy.add(one.system_id)
        await agree(it.talk, plan)
        await noted(it, "another action is already in progress")
        busy.discard(one.system_id)
        await done(it.talk, plan, "Powered off node-1")
        assert effects(it.world, "node-1") == {"power_off": 1}
