"""Working hours as people write them: `Mon-Fri 22:00-06:00 Europe/Berlin`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(
    r"(?:(?P<days>[A-Za-z,\- ]+?)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)(?:\s+(?P<zone>\S+))?"
)
_HINT = 'write it like "Mon-Fri 22:00-06:00 Europe/Berlin"'
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of the day on some days of the week, by the clock on the wall of one time zone.

    `days` count from Monday = 0; `start` and `end` are minutes after midnight, the end not included. Where the end
    does not come after the start, the span runs into the next day and belongs to the day on which it began. By the
    wall's clock the hour that is repeated in autumn counts both times, and the one left out in spring never comes.
    """

    text: str
    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo

    def hold(self, moment: datetime) -> bool:
        """Whether `moment` (with any time zone) lies in the span."""
        there = moment.astimezone(self.zone)
        minute = there.hour * 60 + there.minute
        if self.start < self.end:
            return there.weekday() in self.days and self.start <= minute < self.end
        yesterday = (there - timedelta(days=1)).weekday()
        return (there.weekday() in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)

    def clock(self, moment: datetime) -> str:
        """The wall's clock at `moment`, such as `Sun 14:03`."""
        there = moment.astimezone(self.zone)
        return f"{_DAYS[there.weekday()].capitalize()} {there:%H:%M}"

    def __str__(self) -> str:
        return self.text


def parse_hours(text: object) -> Hours:
    """Read one span; without days it holds on every day. The time zone is never guessed.

    Raises:
        ValueError: what is wrong with it.
    """
    match = _FORM.fullmatch(str(text).strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no span of hours; {_HINT}")
    if match["zone"] is None:
        raise ValueError(f"{text!r} names no time zone; {_HINT}")
    start, end = _minutes(match["start"]), _minutes(match["end"])
    if start == _DAY:
        raise ValueError(f"{text!r} begins at 24:00; write 00:00")
    if start == end:
        raise ValueError(f"{text!r} begins when it ends; a whole day is 00:00-24:00")
    return Hours(" ".join(str(text).split()), _days(match["days"]), start, end, _zone(match["zone"]))


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute > 59 or hour * 60 + minute > _DAY:
        raise ValueError(f"{text} is no time of the day")
    return hour * 60 + minute


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in re.split(r"[\s,]+", text.strip()):
        first, dash, last = part.partition("-")
        begin = _day(first)
        length = (_day(last) - begin) % 7 if dash else 0
        found.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(found)


def _day(text: str) -> int:
    try:
        return _DAYS.index(text.lower())
    except ValueError:
        raise ValueError(f"{text or '-'} is no day; they are Mon, Tue, Wed, Thu, Fri, Sat, Sun") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        near = get_close_matches(name, known, 1, 0.7)
        hint = f"; did you mean {near[0]}?" if near else "; write one like Europe/Berlin"
        if not known:
            hint = ", and this system has no time zones at all: install its package tzdata"
        raise ValueError(f"{name} is no time zone{hint}") from None
