"""Announcements of new machines go with the machine for a day: its name, its state and the next steps stay true."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence

from bot.maas.fleet import MachineChange
from bot.message import Message
from bot.watches.records import Notice, Sort
from bot.watches.store import WatchStore
from bot.watches.telling import Telling

#: How long an announcement follows its machine, in seconds, and how many do at a time.
_FOLLOWED = 86400.0
_MOST = 200


class Announced:
    """Knows which announcements stand, and which of them a change of a machine makes untrue."""

    def __init__(self, store: WatchStore, telling: Telling) -> None:
        self._store = store
        self._telling = telling
        #: Messages about one machine, by region and system id; None before the database was asked.
        self._standing: OrderedDict[tuple[str, str], set[str]] | None = None
        self._untrue: dict[str, None] = {}

    def posted(self, notices: Sequence[Notice]) -> None:
        """A message stands in its channel."""
        if len(notices) != 1 or notices[0].happening.sort is not Sort.APPEARED or self._standing is None:
            return
        self._follow(notices[0])

    def changed(self, region: str, changes: Sequence[MachineChange]) -> bool:
        """Machines have changed; True when an announcement has to."""
        if not self._standing:
            return False
        for change in changes:
            keys = self._standing.get((region, change.system_id))
            if keys and looks_different(change):
                self._untrue |= dict.fromkeys(keys)
        return bool(self._untrue)

    async def anew(self) -> list[tuple[str, Message]]:
        """What those show now. Raises StorageUnavailableError; they are asked for again then."""
        if self._standing is None:
            standing = await self._store.standing(Sort.APPEARED, time.time() - _FOLLOWED, _MOST)
            self._standing = OrderedDict()
            for notice in standing:
                self._follow(notice)
        found = []
        for key in list(self._untrue):
            notices = await self._store.of_message(key)
            if len(notices) == 1 and not notices[0].settled:
                found.append((key, await self._telling.message(notices)))
            del self._untrue[key]
        return found

    def _follow(self, notice: Notice) -> None:
        assert self._standing is not None
        self._standing.setdefault((notice.watch.region, notice.happening.subject), set()).add(notice.message)
        while len(self._standing) > _MOST:
            self._standing.popitem(last=False)


def looks_different(change: MachineChange) -> bool:
    """Whether a change is more than another word of MAAS's on the same state."""
    before, after = change.before, change.after
    if before is None or after is None:
        return True
    seen = ("hostname", "status", "power_type", "locked")
    return any(getattr(before, name) != getattr(after, name) for name in seen)
