"""Somebody else takes a hand in MAAS while an operation runs: each end says what became of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.maas import machine as states
from sandbox.slack import Message
from tests.endtoend.steps import asked, confirmed, machine_of, said
from tests.support.harness import Running, running, until


async def _at_work(it: Running, name: str) -> Message:
    root = await confirmed(it.talk, f"commission {name}")
    await until(lambda: machine_of(it, name).status_name == "Commissioning")
    await it.talk.reads(root, f"{name}: Commissioning")
    return root


@pytest.mark.parametrize(("name", "after"), [("node-3", "New"), ("node-2", "Ready")])
async def test_aborted_in_maas(tmp_path: Path, name: str, after: str) -> None:
    async with running(tmp_path, speed=5.0) as it:
        root = await _at_work(it, name)
        world = it.world.region.world
        it.world.region.lifecycle.abort(machine_of(it, name), world.admin, "wrong machine")
        text = await it.talk.reads(root, "failed", "Commissioning was aborted", f"the machine is {after}")
        assert "Commissioned" not in text
        reply = (await until(lambda: [one for one in it.talk.replies(root) if one.text.startswith(name)]))[0]
        assert "aborted" in said(reply)
        assert asked(it, name) == 1


async def test_deleted_in_maas(tmp_path: Path) -> None:
    async with running(tmp_path, speed=5.0) as it:
        root = await _at_work(it, "node-3")
        world = it.world.region.world
        gone = world.machines.pop(machine_of(it, "node-3").system_id)
        world.audit(world.admin, "Node", f"Deleted the machine '{gone.hostname}'.")
        await it.talk.reads(root, "failed", "node-3 was deleted from MAAS while this ran", timeout=80)


async def test_redeployed_by_somebody(tmp_path: Path) -> None:
    async with running(tmp_path, speed=5.0) as it:
        root = await _at_work(it, "node-2")
        world = it.world.region.world
        machine = machine_of(it, "node-2")
        it.world.region.lifecycle.abort(machine, world.admin, "")
        await until(lambda: machine.status == states.READY)
        it.world.region.lifecycle.allocate(machine, world.admin, "")
        text = await it.talk.reads(root, "failed")
        assert "Somebody changed it meanwhile: it is Allocated now" in text or "aborted" in text
        assert machine.status == states.ALLOCATED, "the bot left it alone"


async def test_a_machine_that_never_boots_gets_maas_s_own_word(tmp_path: Path) -> None:
    async with running(tmp_path, speed=2000.0) as it:
        machine_of(it, "node-3").manners.never_boots = True
        root = await confirmed(it.talk, "commission node-3")
        text = await it.talk.reads(root, "failed", "Failed commissioning")
        assert "never reported to MAAS" in text and "PXE" in text


async def test_a_manual_machine_is_announced_as_such(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-3", power_type="manual", power_parameters={})
        plan = said(await it.talk.ask("commission node-3"))
        assert "can't switch node-3 on" in plan and "somebody has to" in plan
