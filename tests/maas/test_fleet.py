"""The fleet view: filled in portions, kept true by the event log, cheap for any number of waiters."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from pydantic import SecretStr

from bot.maas.batch_read import read_machines
from bot.maas.errors import MaasError, NotFound, RegionUnreachable, ServerFault
from bot.maas.event_log import EventLog, LogGap, latest_messages, latest_states, touched
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.region import Region
from bot.maas.rereads import Rereads
from bot.maas.transport import Transport
from bot.maas.watcher import RegionWatcher, WatchSettings
from sandbox.maas.region import RegionStandIn
from tests.maas.conftest import LIVE_TIMEOUTS, RETRIES
from tests.maas.wire import Reply

SYNC = SyncSettings(chunk=8, first_chunk=2, concurrency=2, gap=0.1, count_every=0.3)
QUICK = WatchSettings(events_every=0.05, snapshot_every=0.5, longest_backoff=0.2, save_every=0.1, sync=SYNC)


@asynccontextmanager
async def watching(region, path=None, settings=QUICK):
    view = FleetView(region.url, path)
    watcher = RegionWatcher(region, view, settings, retries=RETRIES)
    await watcher.start()
    try:
        yield view, watcher
    finally:
        await watcher.stop()


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def filled(view):
    await until(lambda: view.status.filled_at is not None)


def list_calls(standin):
    """How many ids each list of machines asked for."""
    return [
        sum(1 for name, _ in parse_qsl(call.query) if name == "id")
        for call in standin.log
        if call.path == "machines/" and call.method == "GET" and call.op is None
    ]


async def test_it_is_filled_in_small_portions(live, standin):
    sync = replace(SYNC, rolling=0)
    async with watching(live, settings=replace(QUICK, sync=sync)) as (view, _):
        await filled(view)
        assert view.machines().keys() == standin.world.machines.keys()
        status = view.status
        assert (status.count, status.expected, status.filling, status.progress) == (30, 30, False, 1.0)
        assert status.age is not None
        assert status.age < 5
        assert status.last_error is None
    sizes = list_calls(standin)
    assert sizes[0] == 2
    assert max(sizes) <= SYNC.chunk
    assert sum(sizes) == 30


async def test_it_is_of_use_before_it_is_full(live, standin):
    standin.latency_per_machine = 0.02
    async with watching(live) as (view, _):
        await until(view.machines)
        status = view.status
        assert status.count < 30
        assert status.filling
        assert 0 < status.progress < 1
        assert status.age is None
        assert status.as_of is None
        await filled(view)


async def test_a_change_is_seen_without_asking_for_the_machine(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        new = next(m for m in view.machines().values() if m.status is MachineStatus.NEW and m.name != "node-7")
        async with view.subscribe(new.system_id) as changes:
            await live.commission(new.system_id)
            seen = []
            async with asyncio.timeout(20):
                while not seen or seen[-1] is not MachineStatus.READY:
                    change = await anext(changes)
                    assert change.system_id == new.system_id
                    assert not change.first_sight
                    seen.append(change.after.status)
        assert MachineStatus.COMMISSIONING in seen
        assert any("Testing" in event.text for event in view.events_for(new.system_id))
        ids = [event.id for event in view.events_for(new.system_id)]
        assert ids == sorted(set(ids))


async def test_waiting_with_fresh_does_not_take_the_state_from_before(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        for new in [m for m in view.machines().values() if m.status is MachineStatus.NEW and m.name != "node-7"]:
            await live.commission(new.system_id)
            waited = await view.wait_for(new.system_id, lambda m: not m.status.busy, 20, fresh=True)
            assert waited.status is MachineStatus.READY


async def test_many_waiters_cost_no_more_than_few(live, standin):
    settings = WatchSettings(events_every=0.2, snapshot_every=60, sync=SyncSettings(gap=0.2, burst=3, count_every=60))
    async with watching(live, settings=settings) as (view, watcher):
        await filled(view)
        await watcher.wait_for_snapshot(10)
        chosen = [m for m in view.machines().values() if m.status in {MachineStatus.NEW, MachineStatus.READY}]
        assert len(chosen) >= 8
        before = len(standin.log)
        began = time.monotonic()
        commissioned = []
        for one in chosen:
            try:
                await live.commission(one.system_id)
            except MaasError:
                continue
            commissioned.append(one.system_id)
        waiters = [
            asyncio.ensure_future(view.wait_for(system_id, lambda m: not m.status.busy, 30, fresh=True))
            for system_id in commissioned
            for _ in range(20)
        ]
        await asyncio.gather(*waiters)
        seconds = time.monotonic() - began
        calls = list(standin.log)[before:]
    lists = [call for call in calls if call.path == "machines/"]
    polls = [call for call in calls if call.path == "events/"]
    assert len(waiters) >= 100
    assert len(lists) <= seconds / 0.2 + 3 + 1
    assert len(polls) <= seconds / 0.2 + 2
    assert len(calls) == len(lists) + len(polls) + len(chosen)


async def test_refreshes_are_read_together(live, standin):
    async with watching(live) as (view, _):
        await filled(view)
        ids = sorted(view.machines())
        before = len(list_calls(standin))
        answers = await asyncio.gather(*(view.refresh([one]) for one in ids for _ in range(5)))
        assert all(len(answer) == 1 for answer in answers)
        assert len(list_calls(standin)) - before <= 3
        assert await view.refresh([]) == {}
        assert await view.refresh(["zzzzzz", ids[0], ""]) == {ids[0]: view.get(ids[0])}


async def test_a_refresh_is_never_answered_by_an_earlier_read():
    rereads = Rereads(time.time)
    early = asyncio.ensure_future(rereads.ask(["a"]))
    await asyncio.sleep(0)
    first = rereads.take(50, 10)
    late = asyncio.ensure_future(rereads.ask(["a", "b"]))
    await asyncio.sleep(0)
    rereads.done(first, {"a": Machine(system_id="a", hostname="before")})
    assert (await early)["a"].hostname == "before"
    assert not late.done()
    second = rereads.take(50, 10)
    assert second.ids == ("a", "b")
    rereads.done(second, {"a": Machine(system_id="a", hostname="after")})
    assert {key: machine.hostname for key, machine in (await late).items()} == {"a": "after"}
    assert rereads.take(50, 10).ids == ()


async def test_who_asks_comes_before_what_is_marked():
    rereads = Rereads(time.time)
    rereads.mark([f"m{number}" for number in range(60)])
    asking = asyncio.ensure_future(rereads.ask(["z"]))
    await asyncio.sleep(0)
    batch = rereads.take(50, 3)
    assert batch.ids == ("z", "m0", "m1")
    rereads.failed(batch, RegionUnreachable("gone"))
    with pytest.raises(RegionUnreachable):
        await asking
    assert set(rereads.take(100, 3).ids) == {"z", *(f"m{number}" for number in range(60))}


async def test_reading_again_is_paced_however_much_changes(live, standin):
    settings = WatchSettings(events_every=60, snapshot_every=60, sync=SyncSettings(gap=0.25, count_every=60))
    async with watching(live, settings=settings) as (view, watcher):
        await filled(view)
        await watcher.wait_for_snapshot(10)
        before = len(list_calls(standin))
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            for system_id in view.machines():
                view.bump(system_id)
            await asyncio.sleep(0.01)
        calls = list_calls(standin)[before:]
    assert 3 <= len(calls) <= 1.5 / 0.25 + 1
    assert set(calls) <= {10, 20, 30}


async def test_no_number_of_operations_makes_more_calls(live, standin):
    sync = SyncSettings(gap=0.2, count_every=60, rolling=2)
    settings = WatchSettings(events_every=0.2, snapshot_every=60, sync=sync)
    waiting = [m for m in standin.world.machines.values() if m.status_name == "New" and m.hostname != "node-7"]

    async def calls_in(view, seconds):
        begun, reads = len(standin.log), len(list_calls(standin))
        began = time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        counted = [call for call in list(standin.log)[begun:] if call.path in {"machines/", "events/"}]
        return len(counted) / took, list_calls(standin)[reads:]

    async with watching(live, settings=settings) as (view, watcher):
        await filled(view)
        await watcher.wait_for_snapshot(10)
        idle, sizes = await calls_in(view, 3.0)
        assert set(sizes) == {2}, "when nothing changed, a few are read that were not read for long"
        for one in waiting:
            await live.commission(one.system_id)
        asked_at = {one.system_id: time.monotonic() for one in waiting}
        seen = {}

        async def look(system_id):
            await view.wait_for(system_id, lambda machine: machine.status is not MachineStatus.NEW, 10)
            seen[system_id] = time.monotonic() - asked_at[system_id]

        looking = asyncio.gather(*(look(one.system_id) for one in waiting))
        busy, sizes = await calls_in(view, 3.0)
        await looking
    assert max(sizes) > 2
    assert busy <= idle * 1.1 + 0.4, "two calls in a window of three seconds are the edges of it"
    assert max(seen.values()) < 2.0


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


async def test_it_is_kept_between_runs(live, standin, tmp_path):
    path = tmp_path / "state" / "fleet.json"
    async with watching(live, path) as (view, _):
        await filled(view)
        machines = dict(view.machines())
    assert not list(path.parent.glob(".*")), "no temporary files stay"
    assert b"power_pass" not in path.read_bytes()
    standin.faults.set("down")
    async with watching(live, path) as (view, watcher):
        assert view.machines() == machines
        assert view.status.age is not None
        await until(lambda: watcher.availability.up is False)
        assert isinstance(view.status.last_error, RegionUnreachable)
        assert view.status.count == 30
        before = len(list_calls(standin))
        system_id = next(iter(machines))
        # Changed while nobody looked: an event tells.
        standin.world.node_event(standin.world.machines[system_id], "DEBUG", "Node changed status", "From 'A' to 'B'")
        standin.world.alter(system_id, description="changed while away")
        standin.faults.clear("down")
        await until(lambda: view.get(system_id).description == "changed while away")
        assert sum(list_calls(standin)[before:]) < 10, "a short absence does not lead to a new filling"


async def test_files_of_others_and_broken_files_are_not_taken(live, tmp_path):
    path = tmp_path / "fleet.json"
    path.write_text("{ broken")
    assert not await FleetView(live.url, path).load()
    view = FleetView("http://other/MAAS/api/2.0/", path)
    view.observe(Machine(system_id="x"))
    await view.save()
    assert not await FleetView(live.url, path).load()
    again = FleetView("http://other/MAAS/api/2.0/", path)
    assert await again.load()
    assert again.get("x") == Machine(system_id="x")


async def test_saving_that_is_cancelled_does_not_overwrite_what_is_saved_next(tmp_path):
    path = tmp_path / "fleet.json"
    view = FleetView("http://h/MAAS/api/2.0/", path)
    for number in range(20):
        view.observe(Machine(system_id="a", hostname=f"h{number}"))
        saving = asyncio.ensure_future(view.save(force=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        saving.cancel()
        view.observe(Machine(system_id="a", hostname="last"))
        await view.save(force=True)
        assert b'"last"' in path.read_bytes()
        assert list(tmp_path.iterdir()) == [path]


async def test_a_disk_that_refuses_does_not_stop_the_view(live, tmp_path):
    (tmp_path / "file").write_text("")
    async with watching(live, tmp_path / "file" / "fleet.json") as (view, _):
        await filled(view)
        assert view.status.count == 30


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


# -- parts ------------------------------------------------------------------------------------------


async def test_a_slow_read_does_not_overwrite_a_later_one():
    view = FleetView("http://h/")
    view.take([Machine(system_id="a", hostname="new")], started=2.0)
    view.take([Machine(system_id="a", hostname="old")], started=1.0)
    view.drop(["a"], started=1.0)
    assert view.get("a") == Machine(system_id="a", hostname="new")
    view.drop(["a"], started=3.0)
    assert view.get("a") is None


async def test_find_by_name_and_id():
    view = FleetView("http://h/")
    view.take([Machine(system_id="a", hostname="B", fqdn="b.maas"), Machine(system_id="b", hostname="x")], 1.0)
    assert {machine.system_id for machine in view.find("b")} == {"a", "b"}
    assert [machine.system_id for machine in view.find("B.MAAS")] == ["a"]
    assert view.find("A") == []


async def test_pictures_do_not_change():
    view = FleetView("http://h/")
    view.take([Machine(system_id="a")], 1.0)
    picture = view.machines()
    view.take([Machine(system_id="b")], 1.0)
    assert list(picture) == ["a"]


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


async def test_a_key_without_rights_sees_its_own_machines(standin):
    transport = Transport(standin.url, SecretStr(standin.operator_api_key), timeouts=LIVE_TIMEOUTS, retries=RETRIES)
    region = Region(transport)
    async with watching(region) as (view, _):
        await filled(view)
        assert 0 < view.status.count < 30
    await transport.close()
