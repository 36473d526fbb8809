"""How far a fleet view can be trusted: how complete it is, how old, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.maas.errors import MaasError


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """How far the view can be trusted.

    Attributes:
        count: machines in the view.
        expected: machines that the region named at the last count; None before the first.
        filled_at: when every machine had been read once; None while that has never been so.
        as_of: the view shows the region as it was then; None while it is incomplete.
        age: seconds since `as_of`.
        filling: all machines are being read.
        progress: of the filling, 0 to 1.
        last_error: why the view could not be brought up to date the last time; None when it could.
    """

    count: int
    expected: int | None
    filled_at: datetime | None
    as_of: datetime | None
    age: float | None
    filling: bool
    progress: float
    last_error: MaasError | None


@dataclass(slots=True)
class Progress:
    """What `FleetSync` reports of itself."""

    expected: int | None = None
    filled_at: float | None = None
    checked_at: float | None = None
    filling: bool = False
    fill_total: int = 0
    fill_done: int = 0
    last_event_id: int | None = None
    #: By kind of work, the error of its latest try.
    errors: dict[str, MaasError] = field(default_factory=dict)

    def status(self, count: int, as_of: float | None, now: float) -> FleetStatus:
        """The same for people: with `count` machines in the view, which is as of then. Times in seconds since 1970."""
        return FleetStatus(
            count=count,
            expected=self.expected,
            filled_at=_date(self.filled_at),
            as_of=_date(as_of),
            age=None if as_of is None else max(0.0, now - as_of),
            filling=self.filling,
            progress=self._share(),
            last_error=next(iter(self.errors.values()), None),
        )

    def _share(self) -> float:
        if self.filling:
            return min(1.0, self.fill_done / self.fill_total) if self.fill_total else 0.0
        return 1.0 if self.filled_at is not None else 0.0


def _date(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
