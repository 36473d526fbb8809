"""One region as the rest of the bot sees it: its calls, its fleet view, its watchers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.maas.diagnoses import Diagnoses
    from bot.maas.fleet import FleetView
    from bot.maas.import_watcher import ImportWatcher
    from bot.maas.mirror import MirrorCheck
    from bot.maas.region import Region
    from bot.maas.watcher import RegionWatcher


@dataclass(frozen=True, slots=True)
class RegionService:
    """A region under its name in the settings."""

    name: str
    url: str
    api: Region
    fleet: FleetView
    watcher: RegionWatcher
    diagnoses: Diagnoses
    imports: ImportWatcher
    #: The way to the region's host, for looks at the mirror from there; None where the host is not set up.
    mirror: MirrorCheck | None = None

    async def newest_event_id(self, system_id: str) -> int:
        """The id of the newest event of a machine, 0 when it has none. Raises MaasError."""
        events = await self.api.events(id=system_id, level="DEBUG", limit=1)
        return max((event.id for event in events), default=0)
