"""Testing, aborting, rescue mode, accepting, cloning: each from the words to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.maas import machine as states
from tests.kinds.steps import BOTH, CONFIRM, agree, done, effects, has, machine, refused, said
from tests.support.harness import running, until

each = pytest.mark.parametrize("version", BOTH)


@each
async def test_tests_pass_fail_and_destroy(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("test node-2 node-9 --scripts smartctl-validate")
        assert "Tests: smartctl-validate" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "1 of 2 failed", "1 Ready", "1 Failed testing", "smartctl-validate")
        assert effects(it.world, "node-2") == effects(it.world, "node-9") == {"test": 1}
        assert "There is no testing script smart-validate" in await refused(
            it.talk, "test node-2 --scripts smart-validate"
        )
        assert "node-3  can't be tested now: it is New" in await refused(it.talk, "test node-3")
        text = said(await it.talk.ask("test node-1 --scripts fio"))
        assert "fio destroys it" in text and "is shut down for the tests" in text
        assert not has(await it.talk.ask("test node-1"), CONFIRM), "another person approves"


async def test_aborted_tests_are_not_called_passed(tmp_path: Path) -> None:
    async with running(tmp_path, speed=8.0) as it:
        plan = await it.talk.ask("test node-2")
        await agree(it.talk, plan)
        one = machine(it.world, "node-2")
        await until(lambda: one.status == states.TESTING, what="the tests")
        await it.talk.reads(plan, "node-2: Testing")
        text = await refused(it.talk, "abort node-2")
        assert "is at work on it" in text and "/maas cancel op-" in text
        # Somebody does it in MAAS's own page.
        admin = it.world.region.world.admin
        it.world.region.lifecycle.abort(one, admin, "")
        await done(it.talk, plan, "failed", "The tests were aborted")


@each
async def test_what_others_began_is_aborted(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=8.0) as it:
        world, lifecycle = it.world.region.world, it.world.region.lifecycle
        lifecycle.test(machine(it.world, "node-2"), world.admin, None, enable_ssh=False)
        lifecycle.deploy(machine(it.world, "node-10"), world.admin, ("ubuntu", "focal", ""), "")
        ids = [machine(it.world, name).system_id for name in ("node-2", "node-10")]
        await it.bot.regions["default"].fleet.refresh(ids)
        plan = await it.talk.ask("abort node-2 node-10")
        assert "half a system on its disks" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Aborted 2 machines", "1 Allocated", "1 Ready")
        assert effects(it.world, "node-10") == {"deploy": 1, "abort": 1}
        assert "MAAS does nothing to it that could be aborted" in await refused(it.talk, "abort node-2")


@each
async def test_into_rescue_mode_and_out(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("rescue on node-1 node-2")
        assert "is cut off; what it has not written to disk is lost" in said(plan) and not has(plan, CONFIRM)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Put into rescue mode 2 machines", "2 Rescue mode")
        assert "it is Rescue mode already" in await refused(it.talk, "rescue on node-2")
        plan = await it.talk.ask("rescue off node-1 node-2")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Took out of rescue mode 2 machines", "1 Deployed", "1 Ready")
        assert effects(it.world, "node-1") == effects(it.world, "node-2") == {"rescue_mode": 1, "exit_rescue_mode": 1}


async def test_rescue_without_a_rack_and_with_a_bmc_that_refuses(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("rescue on node-8")
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "Failed to enter rescue mode", "Incorrect password")
        plan = await it.talk.ask("rescue on node-2")
        it.world.region.faults.set("dead-rack")
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "No rack controllers can access the BMC")
        assert effects(it.world, "node-2") == {}


@each
async def test_new_ones_are_accepted(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("accept status:new node-2")
        text = said(plan)
        assert "commissions it with its defaults" in text
        assert "node-2 : it is Ready; only New machines wait to be accepted" in text
        it.world.region.faults.set("reset", count=1, op="accept")  # the answer is lost
        await agree(it.talk, plan)
        await done(it.talk, plan, "Accepted", "1 of 2 failed")  # node-7's lshw never works
        assert effects(it.world, "node-3") == effects(it.world, "node-7") == {"commission": 1}


@each
async def test_a_configuration_is_cloned(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        world = it.world.region.world
        world.alter("node-10", subnet=1)
        plan = await it.talk.ask("clone node-10 node-1 node-2 --source node-2 --network")
        text = said(plan)
        assert "Clone network of node-2 to node-10?" in text
        assert "node-1 : it is Deployed; MAAS clones only" in text and "node-2 : it is the one" in text
        it.world.region.faults.set("reset", count=1, op="clone")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Cloned to node-10", "(1 Ready)")
        assert machine(it.world, "node-10").subnet == machine(it.world, "node-2").subnet
        text = await refused(it.talk, "clone node-2 --source node-3")
        assert "node-3 was not commissioned" in text
