"""The watcher: availability, the snapshot's sections, and a life without leftovers."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.maas.errors import RegionUnreachable, ServerFault, Unauthorized
from bot.maas.region import Region
from bot.maas.transport import Transport
from bot.maas.watcher import WatchSettings
from tests.maas.conftest import RETRIES, TIMEOUTS
from tests.maas.test_fleet import QUICK, SYNC, filled, until, watching


async def test_the_snapshot_holds_every_section(live):
    async with watching(live) as (_, watcher):
        snapshot = await watcher.wait_for_snapshot(10)
        for name in ("version", "racks", "region_controllers", "images", "vlans", "notifications"):
            section = getattr(snapshot, name)
            assert section.value is not None, name
            assert section.error is None
            assert section.age is not None
            assert 0 <= section.age < 10
        assert all(image.complete for image in snapshot.images.value.resources)
        assert not snapshot.images.value.importing
        assert any(vlan.dhcp_on for vlan in snapshot.vlans.value)


async def test_one_section_that_fails_does_not_blank_the_others(live, standin):
    async with watching(live) as (_, watcher):
        first = await watcher.wait_for_snapshot(10)
        standin.faults.set("server-error", path="rackcontrollers/", status=500)
        watcher.look_now()
        await until(lambda: watcher.snapshot.racks.error is not None)
        second = watcher.snapshot
        assert isinstance(second.racks.error, ServerFault)
        assert second.racks.value == first.racks.value
        assert second.racks.at == first.racks.at
        await until(lambda: watcher.snapshot.notifications.at > first.notifications.at)
        assert watcher.availability.up
        standin.faults.clear()
        await until(lambda: watcher.snapshot.racks.error is None)


async def test_complete_images_are_not_read_each_time(live, standin):
    async with watching(live) as (_, watcher):
        await watcher.wait_for_snapshot(10)
        await until(lambda: sum(call.path == "boot-resources/" and not call.op for call in standin.log) >= 3)
        reads = [call.path for call in standin.log if call.path.startswith("boot-resources/") and call.path[15:]]
        assert len(reads) == len(set(reads))


async def test_down_and_up_again(live, standin):
    async with watching(live) as (view, watcher):
        await filled(view)
        async with watcher.subscribe_availability() as changes:
            standin.faults.set("down")
            async with asyncio.timeout(10):
                down = await anext(changes)
            assert down.up is False
            assert isinstance(down.error, RegionUnreachable)
            assert down.last_ok is not None
            since = watcher.availability.since
            await asyncio.sleep(0.3)
            assert watcher.availability.since == since
            standin.faults.clear("down")
            async with asyncio.timeout(10):
                up = await anext(changes)
            assert up.up
            assert up.error is None
            assert up.since > down.since
        assert (await watcher.wait_until_up(1)).up


async def test_a_revoked_key_is_told_as_such(live, standin):
    async with watching(live) as (view, watcher):
        await filled(view)
        standin.faults.set("unauthorized")
        await until(lambda: watcher.availability.up is False)
        assert isinstance(watcher.availability.error, Unauthorized)
        standin.faults.clear()
        await until(lambda: watcher.availability.up)


@pytest.fixture
async def impatient(standin):
    transport = Transport(standin.url, SecretStr(standin.api_key), timeouts=TIMEOUTS, retries=RETRIES)
    yield Region(transport)
    await transport.close()


@pytest.mark.parametrize(
    "fault",
    [{"name": "slow", "seconds": 3.0}, {"name": "reset-before"}, {"name": "server-error", "status": 504}],
)
async def test_it_survives_every_fault(impatient, standin, fault):
    async with watching(impatient) as (view, watcher):
        await filled(view)
        standin.faults.set(**fault, count=4)
        view.bump(next(iter(view.machines())))
        await until(lambda: not standin.faults.is_active(fault["name"]), 30)
        await until(lambda: watcher.availability.up is True and view.status.last_error is None, 30)
        assert view.status.count == 30


async def test_it_starts_while_the_region_is_down(live, standin):
    standin.faults.set("down")
    async with watching(live) as (view, watcher):
        assert watcher.availability.up is None
        await until(lambda: watcher.availability.up is False)
        with pytest.raises(TimeoutError):
            await watcher.wait_for_snapshot(0.1)
        assert view.status.count == 0
        standin.faults.clear()
        await filled(view)
        await watcher.wait_for_snapshot(10)


async def test_calls_while_idle_are_few(live, standin):
    settings = WatchSettings(events_every=0.2, snapshot_every=60, sync=SYNC)
    async with watching(live, settings=settings) as (view, watcher):
        await filled(view)
        await watcher.wait_for_snapshot(10)
        before = len(standin.log)
        await asyncio.sleep(1.5)
        calls = [call for call in list(standin.log)[before:] if call.op != "power_parameters"]
        # Each look at the log goes with a read of a few machines; a count of the ids with a look at the newest event.
        assert len(calls) <= 2 * 1.5 / 0.2 + 1.5 / SYNC.count_every + 3
        assert {call.path for call in calls} == {"events/", "machines/"}


async def test_starting_and_stopping_leave_nothing_behind(live):
    before = asyncio.all_tasks()
    for _ in range(3):
        async with watching(live, settings=QUICK) as (_, watcher):
            await watcher.start()
            await asyncio.sleep(0.05)
        await watcher.stop()
    # The stand-in has tasks of its own, one a connection and one for its clock.
    left = {task.get_name(): task.get_coro().cr_code.co_filename for task in asyncio.all_tasks() - before}
    assert not [name for name, file in left.items() if name.startswith("maas-") or "/bot/" in file]
