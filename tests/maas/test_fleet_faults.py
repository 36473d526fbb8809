"""The fleet view while the region is down, slow or says nonsense."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from pydantic import SecretStr

from bot.maas.batch_read import read_machines
from bot.maas.errors import NotFound, RegionUnreachable, ServerFault
from bot.maas.region import Region
from bot.maas.transport import Transport
from tests.maas.conftest import LIVE_TIMEOUTS, RETRIES
from tests.maas.fleet_kit import SYNC, filled, list_calls, until, watching
from tests.maas.wire import Reply


async def test_asking_while_the_region_is_down_fails_soon(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        standin.faults.set("down")
        began = time.monotonic()
        with pytest.raises(RegionUnreachable):
            await view.refresh(sorted(view.machines())[:2])
        assert time.monotonic() - began < 5
        standin.faults.clear("down")
        assert len(await view.refresh(sorted(view.machines())[:2])) == 2


async def test_a_failed_read_leaves_the_machines_marked(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        system_id = next(iter(view.machines()))
        standin.faults.set("server-error", path="machines/", status=500, method="GET", count=8)
        standin.world.alter(system_id, description="changed")
        view.bump(system_id)
        await until(lambda: view.status.last_error is not None)
        await until(lambda: view.get(system_id).description == "changed")
        await until(lambda: view.status.last_error is None)


async def test_an_interruption_does_not_start_the_filling_over(live, standin):
    standin.latency_per_machine = 0.02
    async with watching(live) as (view, watcher):
        await until(lambda: view.status.count >= 10)
        standin.faults.set("down")
        await until(lambda: watcher.availability.up is False)
        standin.faults.clear()
        await filled(view)
        assert view.status.count == 30
        # Some of what was under way is asked for twice, not everything.
        assert sum(list_calls(standin)) <= 30 + SYNC.concurrency * SYNC.chunk


async def test_filling_goes_on_after_faults(live, standin):
    standin.faults.set("server-error", path="machines/", status=500, method="GET", count=3)
    async with watching(live) as (view, _):
        await filled(view)
        assert view.status.count == 30


async def test_closing_ends_who_waits(live):
    async with watching(live) as (view, _):
        await filled(view)
        system_id = next(iter(view.machines()))
        waiting = asyncio.ensure_future(view.wait_for(system_id, lambda _: False))
        await asyncio.sleep(0.05)
    with pytest.raises(RegionUnreachable):
        await waiting
    with pytest.raises(RegionUnreachable):
        await view.refresh([system_id])
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("maas-")]


async def test_waiting_can_time_out_and_be_cancelled(live):
    async with watching(live) as (view, _):
        await filled(view)
        system_id = next(iter(view.machines()))
        with pytest.raises(TimeoutError):
            await view.wait_for(system_id, lambda _: False, 0.1)
        with pytest.raises(NotFound):
            await view.wait_for("zzzzzz", lambda _: True, 5)


async def test_one_machine_that_breaks_its_list_does_not_hide_the_others(wire, region):
    def answer(seen):
        ids = [value for name, value in seen.query if name == "id"]
        if "n5" in ids:
            return Reply(500, "'NoneType' object has no attribute 'vid'", "text/plain")
        return Reply(200, json.dumps([{"system_id": one} for one in ids]))

    wire.on("GET", "machines/", answer)
    machines, unreadable = await read_machines(region, [f"n{number}" for number in range(16)])
    assert unreadable == {"n5"}
    assert {machine.system_id for machine in machines} == {f"n{number}" for number in range(16)} - {"n5"}
    assert len(wire.calls("machines/")) < 16
    wire.on("GET", "machines/", Reply(500, "broken", "text/plain"))
    before = len(wire.seen)
    with pytest.raises(ServerFault):
        await read_machines(region, [f"n{number}" for number in range(16)])
    assert len(wire.seen) - before == 3, "a region that fails for everything is not asked for every machine"


async def test_a_key_without_rights_sees_its_own_machines(standin):
    transport = Transport(standin.url, SecretStr(standin.operator_api_key), timeouts=LIVE_TIMEOUTS, retries=RETRIES)
    region = Region(transport)
    async with watching(region) as (view, _):
        await filled(view)
        assert 0 < view.status.count < 30
    await transport.close()
