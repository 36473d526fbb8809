"""Following a region's event log: what is new since the last look, without missing what was written late."""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence

from bot.maas.models import Event
from bot.maas.region import MAX_EVENTS, Region

#: MAAS numbers events before it commits them, so a smaller number can appear after a larger one. Events
#: this young (seconds since they were first seen) are asked for again, so that such latecomers are found.
SETTLE = 10.0

#: And no more of them than this, so that one page holds them and what is new, however much goes on.
_MOST_YOUNG = MAX_EVENTS // 2
#: Pages of the log that are read in one look. More than that is not caught up with: reading all machines costs less.
MOST_PAGES = 20

#: The ends of a script's run that change what MAAS says of the machine; the others come by the dozen and do
#: not.
_SCRIPT_ENDS_BADLY = ("Failed", "Timed out", "Aborted", "Degraded")
_SCRIPT_TYPES = {"Script result", "Running test"}
#: "From 'Ready' to 'Allocated' (to admin)"
_CHANGED_STATUS = re.compile(r"From '[^']*' to '([^']+)'")
#: maasserver/models/node.py, status_message(): DEBUG and AUDIT events are not shown.
_SHOWN_LEVELS = {"INFO", "WARNING", "ERROR", "CRITICAL"}


class LogGap(Exception):  # noqa: N818 - it is a finding, not an error
    """The log does not continue where the view left off: it was reset, or far too much was written."""


class EventLog:
    """Reads the log forward. Not for use by two tasks at once."""

    def __init__(self, region: Region, *, settle: float = SETTLE, clock: Callable[[], float] = time.monotonic) -> None:
        self._region = region
        self._settle = settle
        self._clock = clock
        #: The newest event ever seen; None before the first look.
        self.last_id: int | None = None
        self._young: OrderedDict[int, float] = OrderedDict()
        self._settled_id = 0

    async def start(self, last_id: int | None) -> None:
        """Find the end of the log; continue at `last_id` when it still makes sense.

        Raises:
            LogGap: it does not, or there is no `last_id`. Reading continues at the end of the log.
            MaasError: the region can't be asked.
        """
        page = await self._region.events(limit=1, retry=False)
        newest = max((event.id for event in page), default=0)
        if last_id is None or newest < last_id or newest - last_id >= MOST_PAGES * MAX_EVENTS:
            self._continue_at(newest)
            raise LogGap
        self._continue_at(last_id)

    async def new_events(self) -> list[Event]:
        """What was written since the last call, oldest first. A burst of events is read page by page.

        Raises:
            LogGap: more than `MOST_PAGES` were written; reading continues at the end of the log.
            MaasError: the region can't be asked; the next call continues at the same place.
        """
        now = self._clock()
        while self._young and (
            len(self._young) > _MOST_YOUNG or next(iter(self._young.values())) <= now - self._settle
        ):
            self._settled_id = max(self._settled_id, self._young.popitem(last=False)[0])
        fresh: list[Event] = []
        settled_id = self._settled_id
        for _ in range(MOST_PAGES):
            page = await self._region.events(after=settled_id, retry=False)
            fresh += sorted((event for event in page if event.id not in self._young), key=lambda event: event.id)
            if len(page) < MAX_EVENTS:
                break
            settled_id = max(event.id for event in page)
        else:
            await self.start(None)
        # Whole pages are not asked for again, or a burst would be read anew with every look until it has settled.
        self._settled_id = settled_id
        for event in fresh:
            if event.id > settled_id:
                self._young[event.id] = now
            self.last_id = max(self.last_id or 0, event.id)
        for event_id in [one for one in self._young if one <= settled_id]:
            del self._young[event_id]
        return fresh

    def _continue_at(self, event_id: int) -> None:
        self.last_id = self._settled_id = event_id
        self._young.clear()


class RecentEvents:
    """The latest events of each machine, bounded in both directions."""

    def __init__(self, per_machine: int = 60, machines: int = 400) -> None:
        self._per_machine = per_machine
        self._machines = machines
        self._events: OrderedDict[str, deque[Event]] = OrderedDict()

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.node:
                self._events.setdefault(event.node, deque(maxlen=self._per_machine)).append(event)
                self._events.move_to_end(event.node)
        while len(self._events) > self._machines:
            self._events.popitem(last=False)

    def of(self, system_id: str) -> list[Event]:
        """Oldest first."""
        return list(self._events.get(system_id, ()))

    def clear(self) -> None:
        self._events.clear()


def touched(events: Sequence[Event]) -> set[str]:
    """The system ids whose machine may look different after `events`."""
    return {event.node for event in events if event.node and _changes_machine(event)}


def _changes_machine(event: Event) -> bool:
    if event.type not in _SCRIPT_TYPES:
        return True
    return any(f"to '{end}" in event.description for end in _SCRIPT_ENDS_BADLY)


def latest_messages(events: Sequence[Event]) -> dict[str, str]:
    """The status message that MAAS shows for each machine after `events`: the last of INFO or above."""
    return {event.node: event.text for event in events if event.node and event.level in _SHOWN_LEVELS}


def latest_states(events: Sequence[Event]) -> dict[str, str]:
    """The state in which `events` leave each machine, in MAAS's word, for those whose state changes in them."""
    told = {}
    for event in events:
        if event.type == "Node changed status" and (found := _CHANGED_STATUS.match(event.description)):
            told[event.node] = found[1]
    return told
