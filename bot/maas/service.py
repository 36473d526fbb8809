"""One region as the rest of the bot sees it: its calls, its fleet view, its watchers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.host.service import HostService
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
    #: Its host over SSH; None where the settings name none.
    host: HostService | None = None
    #: Looks at the mirror of the images from that host; None where there is no way to do that.
    mirror: MirrorCheck | None = None

    async def newest_event_id(self, system_id: str) -> int:
        """The id of the newest event of a machine, 0 when it has none. Raises MaasError."""
        events = await self.api.events(id=system_id, level="DEBUG", limit=1)
        return max((event.id for event in events), default=0)
