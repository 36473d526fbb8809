"""`/maas power status` asks the BMCs, tells every trouble in words, and does not believe an "off" too early."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kinds.steps import BOTH, machine, refused, said
from tests.support.harness import VICTOR, running

pytestmark = pytest.mark.parametrize("version", BOTH)


async def test_on_and_off(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        assert "node-1  on" in said(await it.talk.ask("power status node-1", user=VICTOR)).replace("   ", "  ")
        assert "node-2: off" in (await it.talk.ask("power status node-2")).text
        assert not it.world.region.effects


async def test_every_trouble_has_its_words(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        world = it.world.region.world
        world.alter("node-1", bmc="timeout")
        world.alter("node-2", bmc="no-rack")
        world.alter("node-3", power_type="manual")
        await it.bot.regions["default"].fleet.refresh([world.machine("node-3").system_id])
        text = said(await it.talk.ask("power status node-1 node-2 node-3 node-8", timeout=30))
        for part in (
            "its BMC did not answer; MAAS gave up after 60 s",
            "no rack controller reaches its BMC",
            "its power type is manual",
            "its BMC refuses: Incorrect password",
            "4 machines: 0 on, 0 off, 4 unknown",
        ):
            assert part in text


async def test_right_after_an_order_the_act_is_waited_for(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=4.0) as it:
        one = machine(it.world, "node-1")
        one.power_state = "off"
        await it.bot.regions["default"].api.power_on(one.system_id)
        assert one.power_state == "off"
        assert "node-1: on." in (await it.talk.ask("power status node-1")).text


@pytest.mark.long
async def test_an_order_that_is_not_obeyed_is_told(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        one = machine(it.world, "node-1")
        it.world.region.world.node_event(one, "INFO", "Powering off")
        text = said(await it.talk.ask("power status node-1", timeout=30))
        assert "it was told to go off, and has not obeyed so far" in text


async def test_an_old_order_is_not_waited_for(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        one = machine(it.world, "node-1")
        it.world.region.world.events.add(
            "INFO", "Powering off", node=one.system_id, hostname=one.hostname, created=time.time() - 3600
        )
        began = time.monotonic()
        assert "node-1: on." in (await it.talk.ask("power status node-1")).text
        assert time.monotonic() - began < 5


async def test_too_many(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, machines=40) as it:
        assert "at most 30 BMCs" in await refused(it.talk, "power status node-*")
