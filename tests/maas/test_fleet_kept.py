"""The fleet view on disk: kept between runs, and never taken from a file that is broken or another region's."""

from __future__ import annotations

import asyncio

from bot.maas.errors import RegionUnreachable
from bot.maas.fleet import FleetView
from bot.maas.models import Machine
from tests.maas.fleet_kit import filled, list_calls, until, watching


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
