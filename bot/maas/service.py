"""One region as the rest of the bot sees it: its calls, its fleet view, its watchers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.maas.shared_reads import SharedReads

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

    #: What hundreds of machines that are begun together ask for at the same time.
    reads: SharedReads = field(default_factory=SharedReads)

    async def newest_event_id(self, max_age: float = 0.0) -> int:
        """The id of the newest event of all, 0 when there is none, at most so many seconds old. Raises MaasError."""
        return await self.reads.get("newest-event", max_age, self._newest_event_id)

    async def _newest_event_id(self) -> int:
        events = await self.api.events(level="DEBUG", limit=1)
        return max((event.id for event in events), default=0)
