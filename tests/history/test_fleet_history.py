"""The fleet's states over time: sampled from a view that can be trusted, once a moment, and not kept for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.history import FleetHistory
from bot.history.tables import fleet_states
from bot.maas.fleet import FleetView
from bot.maas.models import Machine
from bot.storage import Database

NOW = 1_795_000_000.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    await made.create()
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def view(clock: Clock, *states: str) -> FleetView:
    fleet = FleetView("http://h/", clock=clock)
    machines = [Machine(system_id=f"m{at}", status_name=state) for at, state in enumerate(states)]
    fleet.take(machines, started=1.0)
    fleet.progress.filled_at = clock.now
    fleet.checked()
    return fleet


def history(database: Database, clock: Clock, fleets: dict[str, FleetView]) -> FleetHistory:
    regions = {name: SimpleNamespace(fleet=fleet) for name, fleet in fleets.items()}
    return FleetHistory(database, regions, timedelta(days=2), clock=clock)  # type: ignore[arg-type]


async def test_one_sample_a_moment_and_region(database: Database) -> None:
    clock = Clock()
    fleets = {"default": view(clock, "Ready", "Ready", "Deployed"), "lab": view(clock, "New")}
    it = history(database, clock, fleets)
    assert await it.take() == 2
    fleets["default"].take([Machine(system_id="m0", status_name="Broken")], started=2.0)
    assert await it.take() == 2, "taken again within the interval: another bot, or a restart"
    clock.now += 900
    fleets["default"].checked()
    fleets["lab"].checked()
    assert await it.take() == 2
    day = timedelta(days=1)
    now = datetime.fromtimestamp(clock.now, UTC)
    samples = await it.between("default", now - day, now + day)
    assert [dict(one.counts) for one in samples] == [
        {"Ready": 2, "Deployed": 1},
        {"Ready": 1, "Broken": 1, "Deployed": 1},
    ]
    assert samples[1].at - samples[0].at == timedelta(seconds=900)
    assert [dict(one.counts) for one in await it.between("lab", now - day, now + day)] == [{"New": 1}] * 2
    assert await it.between("default", now + day, now + 2 * day) == []


async def test_what_is_not_known_well_is_not_written_down(database: Database) -> None:
    clock = Clock()
    incomplete, old = FleetView("http://h/", clock=clock), view(clock, "Ready")
    it = history(database, clock, {"default": old, "lab": incomplete})
    clock.now += 600
    assert await it.take() == 0
    rows = await database.run(lambda it: it.execute(fleet_states.select()).all())
    assert rows == []


async def test_old_samples_go(database: Database) -> None:
    clock = Clock()
    fleet = view(clock, "Ready")
    it = history(database, clock, {"default": fleet})
    for _ in range(5):
        await it.take()
        clock.now += 86400
        fleet.checked()
    everything = await it.between("default", datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(clock.now, UTC))
    assert len(everything) == 2, "those of the last two days"


async def test_it_begins_as_soon_as_the_view_is_full(database: Database) -> None:
    clock = Clock()
    clock.now = time.time()
    it = history(database, clock, {"default": view(clock, "Ready")})
    it.start()
    async with asyncio.timeout(5):
        while not await it.between("default", datetime.fromtimestamp(0, UTC), datetime.now(UTC)):
            await asyncio.sleep(0.02)
    await it.close()
