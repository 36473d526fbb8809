"""Whether the bot can do its work: what `/readyz` answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bot.maas.service import RegionService
from bot.storage import Database, StorageUnavailableError
from bot.telemetry import Metrics


class Readiness:
    """Looks at Slack, the database and the regions, and notes in the metrics what it saw."""

    def __init__(
        self,
        slack_connected: Callable[[], Awaitable[bool]] | None,
        database: Database,
        regions: Mapping[str, RegionService],
        metrics: Metrics,
    ) -> None:
        """`slack_connected` is None where Slack comes to us, as in HTTP mode."""
        self._slack_connected = slack_connected
        self._database = database
        self._regions = regions
        self._metrics = metrics

    async def reasons(self) -> list[str]:
        """Why it is not ready; empty when it is."""
        reasons = []
        connected = self._slack_connected is None or await self._slack_connected()
        self._metrics.slack_connected.set(1 if connected else 0)
        if not connected:
            reasons.append("Slack is not connected")
        try:
            await self._database.check_writable()
        except StorageUnavailableError as error:
            reasons.append(f"storage: {error.reason}")
        answering = [name for name, region in self._regions.items() if region.watcher.availability.up]
        for name in self._regions:
            self._metrics.region_up.labels(name).set(1 if name in answering else 0)
        if not answering:
            reasons.append("no region answers")
        return reasons
