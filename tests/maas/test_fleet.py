"""The fleet view: filled in portions, kept true by the event log, cheap for any number of waiters."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from bot.maas.errors import MaasError, RegionUnreachable
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.models import Machine, MachineStatus
from bot.maas.rereads import Haste, Rereads
from bot.maas.watcher import WatchSettings
from tests.maas.fleet_kit import QUICK, SYNC, filled, list_calls, until, watching


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


async def test_who_is_patient_comes_after_who_is_held_up_and_before_what_is_marked():
    rereads = Rereads(time.time)
    rereads.mark(["m"])
    assert rereads.haste is Haste.NONE
    begun = [asyncio.ensure_future(rereads.ask([f"b{number}"], patient=True)) for number in range(4)]
    await asyncio.sleep(0)
    assert rereads.haste is Haste.PATIENT
    held_up = asyncio.ensure_future(rereads.ask(["z"]))
    await asyncio.sleep(0)
    assert rereads.haste is Haste.URGENT
    first = rereads.take(50, 3)
    assert first.ids == ("z", "b0", "b1")
    rereads.done(first, {name: Machine(system_id=name) for name in first.ids})
    assert set(await held_up) == {"z"} and set(await begun[1]) == {"b1"}
    assert rereads.haste is Haste.PATIENT
    second = rereads.take(50, 3)
    assert second.ids == ("b2", "b3", "m"), "nobody is held up, so one call takes all"
    rereads.done(second, {name: Machine(system_id=name) for name in second.ids})
    await asyncio.gather(*begun)
    assert rereads.haste is Haste.NONE


async def test_hundreds_that_begin_leave_the_burst_to_people(live, standin):
    settings = WatchSettings(events_every=60, snapshot_every=60, sync=SyncSettings(gap=0.5, count_every=60))
    async with watching(live, settings=settings) as (view, _):
        await filled(view)
        ids = list(view.machines())
        await asyncio.sleep(0.6)
        standin.log.clear()
        begun = []
        for system_id in ids[:20]:
            begun.append(asyncio.ensure_future(view.refresh([system_id], patient=True)))
            await asyncio.sleep(0.01)
        await asyncio.gather(*begun[:2])
        calls = len(list_calls(standin))
        assert calls <= 2, "one after the other, they share a call"
        await asyncio.wait_for(view.refresh([ids[-1]]), 0.4)
        await asyncio.gather(*begun)
