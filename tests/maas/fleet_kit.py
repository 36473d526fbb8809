"""What the tests of the fleet view share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.watcher import RegionWatcher, WatchSettings
from tests.maas.conftest import RETRIES

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
