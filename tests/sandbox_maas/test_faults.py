"""Faults on demand: each does what it says, to whom it says, as often as it says."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest


def test_every_fault_of_the_catalogue_can_be_set_and_cleared(region) -> None:
    for name, description in region.faults.catalog():
        assert description
        region.faults.set(name)
        assert name in region.faults.active()
    region.faults.clear("down")
    assert "down" not in region.faults.active()
    region.faults.clear()
    assert region.faults.active() == {}


def test_wrong_names_are_refused(region) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        region.faults.set("nonsense")
    with pytest.raises(ValueError, match="colour"):
        region.faults.set("slow", colour="red")


async def test_down_breaks_old_and_new_connections_and_ends(region, call) -> None:
    assert (await call("GET", "version/")).status == 200
    region.faults.set("down")
    for _ in range(3):
        with pytest.raises(aiohttp.ClientConnectionError):
            await call("GET", "version/")
    region.faults.clear("down")
    assert (await call("GET", "version/")).status == 200


async def test_server_errors_concern_a_path_and_a_count(region, call) -> None:
    region.faults.set("server-error", status=503, path="machines/*", count=2)
    assert (await call("GET", "zones/")).status == 200
    assert [(await call("GET", "machines/")).status for _ in range(3)] == [503, 503, 200]
    assert region.faults.active() == {}


async def test_unauthorized_and_slow(region, call) -> None:
    region.faults.set("unauthorized", count=1)
    assert (await call("GET", "zones/")).status == 401
    region.faults.set("slow", seconds=0.2, count=1)
    begun = time.monotonic()
    await call("GET", "zones/")
    assert time.monotonic() - begun >= 0.2


async def test_hang_does_not_answer(region, call) -> None:
    region.faults.set("hang", path="zones/")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call("GET", "zones/"), 0.3)
    assert (await call("GET", "tags/")).status == 200


@pytest.mark.parametrize(("name", "done"), [("reset", 1), ("reset-before", 0)])
async def test_a_lost_answer_is_not_a_lost_order(region, call, machine, name: str, done: int) -> None:
    region.faults.set(name, method="POST", op="commission", count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await call("POST", f"machines/{machine('node-3')}/?op=commission")
    assert region.effects[("commission", machine("node-3"))] == done
    expected = "Commissioning" if done else "New"
    assert (await call("GET", f"machines/{machine('node-3')}/")).json["status_name"] == expected


async def test_a_dead_rack(region, call, machine) -> None:
    region.faults.set("dead-rack")
    rack = (await call("GET", "rackcontrollers/")).json[0]
    services = {s["name"]: s["status"] for s in rack["service_set"]}
    assert services["rackd"] == "dead"
    state = await call("GET", f"machines/{machine('node-1')}/?op=query_power_state")
    assert (state.status, state.text) == (
        503,
        "No rack controllers can access the BMC of node node-1",
    )
    answer = await call("POST", f"machines/{machine('node-3')}/?op=commission")
    assert answer.status == 400
    assert answer.text.endswith("is unavailable.")
    region.faults.clear("dead-rack")
    rack = (await call("GET", "rackcontrollers/")).json[0]
    assert {s["name"]: s["status"] for s in rack["service_set"]}["rackd"] == "running"


async def test_a_bmc_that_times_out(region, call, machine) -> None:
    region.faults.set("bmc-timeout", machine="node-1")
    begun = time.monotonic()
    answer = await call("GET", f"machines/{machine('node-1')}/?op=query_power_state")
    assert answer.status == 504
    assert answer.text.startswith("Unexpected exception: TimeoutError.")
    assert time.monotonic() - begun >= 60 / 100
    assert (await call("GET", f"machines/{machine('node-2')}/?op=query_power_state")).status == 200


async def test_commissioning_fails_as_often_as_told(region, call, machine) -> None:
    region.faults.set("commissioning-fails", machine="node-3", script="maas-lshw", count=1)
    await call("POST", f"machines/{machine('node-3')}/?op=commission")
    await call.until("node-3", "Failed commissioning")
    assert ("Script", "maas-lshw failed") in await call.events("node-3", "INFO")
    await call("POST", f"machines/{machine('node-3')}/?op=commission")
    await call.until("node-3", "Ready")
