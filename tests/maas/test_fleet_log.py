"""The fleet view and the event log: what it tells, what it leaves out, where it continues."""

from __future__ import annotations

import asyncio

import pytest

from bot.maas.errors import NotFound
from bot.maas.event_log import EventLog, LogGap, latest_messages, latest_states, touched
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.watcher import WatchSettings
from sandbox.maas.region import RegionStandIn
from tests.maas.fleet_kit import filled, until, watching
from tests.maas.wire import Reply


def test_the_state_that_the_log_tells_of():
    def event(number, text, kind="Node changed status"):
        return Event(id=number, node="abc", level="DEBUG", type=kind, description=text)

    assert latest_states([event(1, "From 'Ready' to 'Allocated' (to admin)")]) == {"abc": "Allocated"}
    assert latest_states(
        [event(1, "From 'New' to 'Commissioning'"), event(2, "From 'Commissioning' to 'Testing'")]
    ) == {"abc": "Testing"}
    assert (
        latest_states([event(1, ""), event(2, "lshw changed status from 'Running' to 'Passed'", "Script result")]) == {}
    )


async def test_the_log_is_told_of_before_the_machine_is_read(live, standin):
    sync = SyncSettings(gap=3.0, count_every=60)
    async with watching(live, settings=WatchSettings(events_every=0.05, snapshot_every=60, sync=sync)) as (view, _):
        await filled(view)
        new = next(m for m in view.machines().values() if m.status is MachineStatus.NEW and m.name != "node-7")
        async with view.subscribe(new.system_id) as changes:
            standin.faults.set("slow", seconds=1.0, path="machines/", method="GET")
            await live.commission(new.system_id)
            async with asyncio.timeout(10):
                first = read = await anext(changes)
                while read.word:
                    read = await anext(changes)
    assert (first.word, first.after) == ("Commissioning", new), "the machine is as it was read last"
    assert read.before == new and read.after.status is not MachineStatus.NEW


async def test_an_event_log_that_begins_anew_is_noticed(live, standin):
    async with watching(live) as (view, watcher):
        await filled(view)
        first = view.status.filled_at
        standin.world.events._events.clear()
        standin.world.events._next = 1
        await until(lambda: view.status.filled_at != first)
        assert watcher.availability.up
        new = next(m for m in view.machines().values() if m.status is MachineStatus.NEW and m.name != "node-7")
        async with view.subscribe(new.system_id) as changes:
            await live.commission(new.system_id)
            async with asyncio.timeout(10):
                await anext(changes)


async def test_machines_that_vanish_and_appear_without_an_event(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        gone = next(iter(view.machines()))
        waiting = asyncio.ensure_future(view.wait_for(gone, lambda _: False))
        async with view.subscribe() as changes:
            await asyncio.sleep(0.05)
            del standin.world.machines[gone]
            async with asyncio.timeout(5):
                change = await anext(changes)
            assert (change.system_id, change.after) == (gone, None)
            assert change.before is not None
            with pytest.raises(NotFound):
                await waiting
            added = standin.world.add_machine("brand-new").system_id
            async with asyncio.timeout(5):
                while (change := await anext(changes)).system_id != added:
                    pass
            assert (change.before, change.after.name, change.first_sight) == (None, "brand-new", False)
        assert view.status.expected == 30
        assert view.get(gone) is None


async def test_a_change_without_an_event_is_found_in_time(live, standin):
    sync = SyncSettings(gap=0.05, count_every=60)
    async with watching(live, settings=WatchSettings(events_every=0.05, sync=sync)) as (view, _):
        await filled(view)
        system_id = sorted(view.machines())[17]
        standin.world.alter(system_id, description="changed behind its back")
        await until(lambda: view.get(system_id).description == "changed behind its back", 8)


@pytest.mark.parametrize("away", [False, True], ids=["between two looks", "while the region was away"])
async def test_more_events_than_a_page_do_not_lead_to_a_new_filling(live, standin, away):
    async with watching(live) as (view, watcher):
        await filled(view)
        first = view.status.filled_at
        early, late = sorted(view.machines())[:2]
        if away:
            standin.faults.set("down")
            await until(lambda: watcher.availability.up is False)
        before = len(standin.log)
        for system_id in (early, late):
            standin.world.node_event(standin.world.machines[system_id], "DEBUG", "Node changed status", "From A to B")
            standin.world.machines[system_id].description = "changed meanwhile"
            for number in range(1300):
                standin.world.events.add("INFO", "Region import info", f"{number}")
        standin.faults.clear("down")
        await until(lambda: all(view.get(one).description == "changed meanwhile" for one in (early, late)))
        assert view.status.filled_at == first
        pages = [call for call in list(standin.log)[before:] if call.path == "events/" and "after=" in call.query]
        await asyncio.sleep(0.3)
        again = [call for call in list(standin.log)[before:] if call.path == "events/" and "after=" in call.query]
        assert len(again) - len(pages) <= 7, "the burst is not read anew with every look"


async def test_far_more_events_than_pages_lead_to_a_new_filling(live, standin, monkeypatch):
    monkeypatch.setattr("bot.maas.event_log.MOST_PAGES", 2)
    async with watching(live) as (view, _):
        await filled(view)
        first = view.status.filled_at
        for number in range(2500):
            standin.world.events.add("INFO", "Region import info", f"{number}")
        await until(lambda: view.status.filled_at != first)
        machine = next(m for m in view.machines().values() if m.status is MachineStatus.NEW and m.name != "node-7")
        await live.commission(machine.system_id)
        await view.wait_for(machine.system_id, lambda m: m.status is MachineStatus.READY, 20)


async def test_a_region_that_was_set_up_anew(live, standin):
    port = int(standin.url.rsplit(":", 1)[1].split("/")[0])
    for _ in range(50):
        standin.world.events.add("INFO", "Region import info", "filler")
    async with watching(live) as (view, watcher):
        await filled(view)
        await standin.stop()
        await until(lambda: watcher.availability.up is False)
        fresh = RegionStandIn(version=standin.version, machines=3, seed=99, speed=50)
        fresh.world.users = standin.world.users
        await fresh.start(port=port)
        try:
            await until(lambda: view.machines().keys() == fresh.world.machines.keys())
            new = next(m for m in view.machines().values() if m.status is MachineStatus.NEW)
            await live.commission(new.system_id)
            await view.wait_for(new.system_id, lambda m: m.status is MachineStatus.READY, 20, fresh=True)
        finally:
            await fresh.stop()


def events_page(*ids):
    rows = ",".join(f'{{"id": {one}, "node": "n{one}", "level": "INFO", "type": "Ready"}}' for one in ids)
    return Reply(200, f'{{"count": {len(ids)}, "events": [{rows}]}}')


async def test_an_event_that_was_committed_late_is_not_lost(wire, region):
    now = [0.0]
    log = EventLog(region, settle=10.0, clock=lambda: now[0])
    wire.on(
        "GET",
        "events/",
        events_page(10),
        events_page(12),
        events_page(12, 11),
        events_page(12, 11),
        op="query",
    )
    with pytest.raises(LogGap):
        await log.start(None)
    assert [event.id for event in await log.new_events()] == [12]
    now[0] = 3.0
    assert [event.id for event in await log.new_events()] == [11]
    now[0] = 4.0
    assert await log.new_events() == []
    now[0] = 20.0
    await log.new_events()
    assert dict(wire.seen[-2].query)["after"] == "10"
    assert dict(wire.seen[-1].query)["after"] == "12"


@pytest.mark.parametrize(("last", "gap"), [(None, True), (50, True), (10, False), (-1000, False), (-20_000, True)])
async def test_where_the_log_continues(wire, region, last, gap):
    wire.on("GET", "events/", events_page(10), op="query")
    log = EventLog(region)
    if gap:
        with pytest.raises(LogGap):
            await log.start(last)
        assert log.last_id == 10
    else:
        await log.start(last)
        assert log.last_id == last


def test_which_events_touch_a_machine():
    def event(kind, description="", level="DEBUG", node="a"):
        return Event(id=1, node=node, type=kind, description=description, level=level)

    assert touched([event("Node changed status", "From 'New' to 'Commissioning'")]) == {"a"}
    assert touched([event("Failed to query node's BMC", level="WARNING")]) == {"a"}
    assert touched([event("Script result", "x changed status from 'Pending' to 'Running'")]) == set()
    assert touched([event("Script result", "x changed status from 'Running' to 'Failed'")]) == {"a"}
    assert touched([event("Region import info", node="")]) == set()
    assert latest_messages([event("Running test", "a", "INFO"), event("Running test", "b", "INFO")]) == {
        "a": "Running test - b"
    }
    assert latest_messages([event("Script result", "x")]) == {}


async def test_a_state_that_it_left_and_came_back_to_is_told_of_before_it_is_read():
    ready = Machine(system_id="abc", hostname="a", status=MachineStatus.READY, status_name="Ready")
    view = FleetView("http://maas.test")
    view.take([ready], 1.0)

    def logged(number, text):
        view.witness([Event(id=number, node="abc", level="DEBUG", type="Node changed status", description=text)])

    async with view.subscribe("abc") as changes, asyncio.timeout(5):
        logged(1, "From 'Ready' to 'Commissioning'")
        logged(2, "From 'Commissioning' to 'Ready'")
        assert [(await anext(changes)).word for _ in range(2)] == ["Commissioning", "Ready"]
        view.take([ready], 2.0)
        logged(3, "From 'Commissioning' to 'Ready'")
        logged(4, "From 'Ready' to 'Allocated'")
        assert (await anext(changes)).word == "Allocated", "it was read in the state before"
