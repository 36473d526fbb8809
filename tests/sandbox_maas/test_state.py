"""State files, large fleets, and what a seed fixes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from sandbox.maas import RegionStandIn
from tests.sandbox_maas.caller import Caller


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "state" / "region.json"
    first = RegionStandIn(state_file=file, speed=20)
    await first.start()
    async with aiohttp.ClientSession() as session:
        call = Caller(first, session)
        node = first.world.machine("node-3").system_id
        await call("POST", f"machines/{node}/?op=commission")
        await asyncio.sleep(0.4)
    await first.stop()
    log = len(first.world.events)
    second = RegionStandIn(state_file=file, speed=20)
    assert second.api_key == first.api_key
    assert len(second.world.events) == log
    await second.start()
    try:
        async with aiohttp.ClientSession() as session:
            call = Caller(second, session)
            assert second.world.machine("node-3").status_name == "Commissioning"
            assert second.effects[("commission", node)] == 1
            shown = await call.until("node-3", "Ready")
            assert shown["system_id"] == node
    finally:
        await second.stop()


def test_a_state_file_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "region.json"
    asyncio.run(RegionStandIn(version="2.9.3", state_file=file).stop())
    with pytest.raises(ValueError, match=r"2\.9\.3"):
        RegionStandIn(version="3.4.10", state_file=file)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="can emulate"):
        RegionStandIn(version="3.1.0")


def test_the_same_seed_makes_the_same_region() -> None:
    one, same, other = (RegionStandIn(seed=s) for s in (5, 5, 6))
    assert list(one.world.machines) == list(same.world.machines) != list(other.world.machines)
    assert one.api_key == same.api_key != other.api_key


def test_a_fleet_has_the_states_that_people_meet() -> None:
    world = RegionStandIn(machines=12).world
    names = {m.status_name for m in world.machines.values()}
    assert names >= {"New", "Ready", "Deployed", "Broken", "Failed commissioning", "Failed testing"}
    assert any(m.locked for m in world.machines.values())
    assert any(m.manners.bmc == "wrong-password" for m in world.machines.values())


async def test_two_thousand_machines_are_served_quickly_and_whole() -> None:
    region = RegionStandIn(machines=2000)
    await region.start()
    try:
        async with aiohttp.ClientSession() as session:
            call = Caller(region, session)
            shown = (await call("GET", "machines/")).json
            assert [m["hostname"] for m in shown] == [f"node-{i}" for i in range(1, 2001)]
            assert len({m["system_id"] for m in shown}) == 2000
            assert len({m["interface_set"][0]["mac_address"] for m in shown}) == 2000
            addresses = [a for m in shown for a in m["ip_addresses"]]
            assert len(addresses) == len(set(addresses)) > 500
            begun = time.monotonic()
            await call("GET", "machines/?hostname=node-1500")
            assert time.monotonic() - begun < 0.5
    finally:
        await region.stop()


async def test_a_list_costs_what_it_returns() -> None:
    region = RegionStandIn(machines=20)
    region.latency_per_machine = 0.02
    await region.start()
    try:
        async with aiohttp.ClientSession() as session:
            call = Caller(region, session)
            begun = time.monotonic()
            await call("GET", "machines/")
            assert time.monotonic() - begun >= 0.4
    finally:
        await region.stop()


async def test_a_change_shows_at_once_in_lists() -> None:
    region = RegionStandIn(machines=3)
    await region.start()
    try:
        async with aiohttp.ClientSession() as session:
            call = Caller(region, session)
            await call("GET", "machines/")
            region.world.alter("node-1", description="bench")
            region.world.zones["rack-a"].description = "moved"
            region.world.groups_changed()
            shown = (await call("GET", "machines/")).json
            assert shown[0]["description"] == "bench"
            places = [m["zone"]["description"] for m in shown if m["zone"]["name"] == "rack-a"]
            assert places == ["moved"] * len(places)
    finally:
        await region.stop()


async def test_a_region_can_be_stopped_and_started_again_on_its_port() -> None:
    region = RegionStandIn(machines=3, speed=100)
    await region.start()
    async with aiohttp.ClientSession() as session:
        call = Caller(region, session)
        node = region.world.machine("node-3").system_id
        await call("POST", f"machines/{node}/?op=commission")
        port = int(region.url.split(":")[2].split("/")[0])
        await region.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call("GET", "version/")
        await asyncio.sleep(0.5)
        assert region.world.machine("node-3").status_name == "Commissioning"
        await region.start(port=port)
        await call.until("node-3", "Ready")
    await region.stop()
