"""The region's event log: what `events/?op=query` reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

LEVELS = {"AUDIT": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
KEPT = 200_000


@dataclass(frozen=True)
class Event:
    """One line of the log; `node` is a system id or None, `created` seconds since the epoch."""

    id: int
    created: float
    level: str
    type: str
    description: str
    node: str | None
    hostname: str
    username: str = "unknown"

    def as_json(self) -> dict[str, Any]:
        return {
            "username": self.username,
            "node": self.node,
            "hostname": self.hostname,
            "id": self.id,
            "level": self.level,
            "created": event_date(self.created),
            "type": self.type,
            "description": self.description,
        }


class EventLog:
    """Events in the order of their ids."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._next = 1

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterable[Event]:
        return iter(self._events)

    @property
    def last_id(self) -> int:
        return self._next - 1

    def add(
        self,
        level: str,
        type_: str,
        description: str = "",
        *,
        node: str | None = None,
        hostname: str = "unknown",
        username: str = "unknown",
        created: float | None = None,
    ) -> Event:
        at = datetime.now(UTC).timestamp() if created is None else created
        event = Event(self._next, at, level, type_, description, node, hostname, username)
        self._next += 1
        self._events.append(event)
        if len(self._events) > KEPT:
            del self._events[: KEPT // 10]
        return event

    def newest_first(self) -> Iterable[Event]:
        return reversed(self._events)

    def after(self, event_id: int) -> Iterable[Event]:
        """Events with a greater id, oldest first."""
        low, high = 0, len(self._events)
        while low < high:
            middle = (low + high) // 2
            if self._events[middle].id <= event_id:
                low = middle + 1
            else:
                high = middle
        return (self._events[i] for i in range(low, len(self._events)))

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(e) for e in self._events]

    def load(self, rows: list[dict[str, Any]]) -> None:
        self._events = [Event(**row) for row in rows]
        self._next = self._events[-1].id + 1 if self._events else 1


def event_date(seconds: float) -> str:
    """A date as the events API writes it: UTC without a zone, with a dot after the month."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b. %Y %H:%M:%S")


def result_date(seconds: float) -> str:
    """A date as script results have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S -0000")


def stamp(seconds: float) -> str:
    """A date as `created` and `updated` of boot sources have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
