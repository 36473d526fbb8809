"""What a source of happenings is. To watch something more, write one and list it in `bot.watches.all_sources`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.maas.fleet import MachineChange
from bot.maas.service import RegionService
from bot.watches.records import Looked, What
from bot.watches.usual import Usual


@dataclass(frozen=True, slots=True)
class Glance:
    """What a look may rest on besides the region.

    Attributes:
        now: seconds since the epoch.
        as_of: how new the fleet view is, in seconds since the epoch; it is older while the region does not answer.
        first: the first look since this bot began to look: much may have happened meanwhile.
        changes: of machines since the last look, oldest first, none left out.
        usual: how long machines are in a state, by the state's name, as far as it was learnt.
        scale: of every patience; 1 is real time, tests make it small.
    """

    now: float
    as_of: float
    first: bool
    changes: Sequence[MachineChange] = ()
    usual: Mapping[str, Usual] = field(default_factory=dict)
    scale: float = 1.0


class Source(ABC):
    """Finds out what is new by comparing the region with a memory, which is kept in the database between looks.

    The memory is JSON and small. It and what happened are written together: what was told once is not told again, and
    what happened while no bot ran is found by comparing. A source keeps no state of its own.
    """

    #: Under which its memory is kept.
    name: str
    #: Which watches are told.
    what: What
    #: Whether it looks at the fleet view: it is then asked only when the view is as new as the memory.
    of_machines = False
    #: Seconds from one look to the next; 0 looks each time, which must cost nothing but memory.
    every = 0.0

    @abstractmethod
    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Compare, and say what is new.

        `memory` is None at the very first look: what is there then is no news. None is answered when nothing can be
        said now, because what it rests on was not read yet.

        Raises:
            MaasError: the region can't be asked; the next look begins with the same memory.
        """
