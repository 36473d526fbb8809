"""Brings up all that knows one region, from its settings."""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog

from bot.host.service import HostService
from bot.maas.diagnoses import Diagnoses
from bot.maas.errors import MaasError, Unauthorized
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.import_watcher import ImportPace, ImportWatcher
from bot.maas.region import Region
from bot.maas.service import RegionService
from bot.maas.transport import Transport
from bot.maas.watcher import RegionWatcher, WatchSettings
from bot.operations.host_mirror import HostMirror
from bot.pace import Pace
from bot.settings import RegionSettings, Settings, key_in
from bot.telemetry import Metrics


class FatalRegionError(Exception):
    """A region does not accept its key. Says which, and what to do."""


async def start_region(
    name: str, region: RegionSettings, settings: Settings, pace: Pace, metrics: Metrics, closers: AsyncExitStack
) -> RegionService:
    """Bring up what knows one region: its API, the view of its machines, what watches it, its host where it has one.

    A region that does not answer now is brought up all the same, so that the bot can say so.

    Args:
        name: the region's.
        region: its settings.
        settings: the bot's.
        pace: how often is looked.
        metrics: where its calls are counted.
        closers: get to know how to let each part go.

    Raises:
        FatalRegionError: it does not accept its key.
    """
    state = settings.state_dir

    def count(method: str, endpoint: str, status: int | None, seconds: float) -> None:
        del method
        metrics.maas_calls.labels(name, endpoint, str(status or "none")).inc()
        metrics.maas_seconds.labels(name, endpoint).observe(seconds)

    key = settings.key_of(name)
    transport = Transport(region.url, key, cache_dir=state / "describe", on_call=count)
    api = Region(transport, name)
    closers.push_async_callback(api.close)
    fleet = FleetView(api.url, state / f"fleet-{name}.json")
    watcher = RegionWatcher(
        api,
        fleet,
        WatchSettings(
            events_every=pace.events,
            snapshot_every=pace.snapshot,
            sync=SyncSettings(gap=pace.rereads, count_every=30 * pace.rereads),
        ),
    )
    try:
        await _present_key(api, name, settings)
    except Unauthorized as error:
        raise FatalRegionError(f"Region {name}: {error.problem} {error.remedy}") from None
    except MaasError as error:
        structlog.get_logger("regions").warning("region_not_reached", region=name, error=error.problem)
    await watcher.start()
    closers.push_async_callback(watcher.stop)
    diagnoses = Diagnoses(api, fleet)
    diagnoses.start()
    closers.push_async_callback(diagnoses.stop)
    stalled_after = settings.import_stalled_after.total_seconds()
    import_pace = pace.imports or ImportPace(stalled_after=stalled_after)
    imports = ImportWatcher(api, watcher, import_pace, file=state / f"import-{name}.json")
    await imports.start()
    closers.push_async_callback(imports.stop)
    host = None
    if region.host is not None:
        host = HostService.of(region.host, settings.own_key_file(name), pace.host)
        closers.push_async_callback(host.close)
    return RegionService(
        name, region.url, api, fleet, watcher, diagnoses, imports, host, HostMirror(host) if host else None
    )


async def _present_key(api: Region, name: str, settings: Settings) -> None:
    """See that the region takes the bot's key: that of the settings, or the one that was made at its installation.

    Raises:
        Unauthorized, MaasError: it takes neither, or does not answer.
    """
    try:
        await api.whoami()
    except Unauthorized:
        own = settings.own_key_file(name)
        if not own.exists():
            raise
        api.use_key(key_in(own))
        await api.whoami()
        structlog.get_logger("regions").warning("key_of_settings_refused", region=name, used=str(own))
