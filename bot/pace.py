"""How often the bot looks at what it works with."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.audit import Rhythm
from bot.host.service import HostPace
from bot.maas.import_watcher import ImportPace
from bot.watches.service import WatchPace


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the bot looks, in seconds. The defaults fit a real region; demo and tests make them smaller."""

    events: float = 2.0
    snapshot: float = 30.0
    operations: float = 1.0
    audit: Rhythm = field(default_factory=Rhythm)
    host: HostPace = field(default_factory=HostPace)
    #: Between two reads of machines that have changed.
    rereads: float = 2.0
    #: Between two notes of how many machines are in which state.
    history: float = 900.0
    watches: WatchPace = field(default_factory=WatchPace)
    #: None: as the settings have it.
    imports: ImportPace | None = None
