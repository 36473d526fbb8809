"""When what is told goes out, and how much of it in one message: no floods, no noise at night, nothing lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.policy.hours import parse_hours
from bot.watches.records import Notice, Sort

#: Under which a watch's own word is told: it is not held back at night.
HELLO = "watch"


@dataclass(frozen=True, slots=True)
class DeliveryPace:
    """How things are gathered, in seconds.

    Attributes:
        gather: so long nothing more may have come before what is there goes out.
        longest: and so long at most it is waited for.
        apart: up to so many at a time get a message each; more go into one.
        window: seconds in which a watch says at most `most` messages; what comes beyond is gathered.
    """

    gather: float = 5.0
    longest: float = 20.0
    apart: int = 3
    window: float = 600.0
    most: int = 6


def is_quiet(quiet: str, now: float) -> bool:
    """Whether a watch is silent at this moment; hours that can't be read (any more) silence nothing."""
    if not quiet:
        return False
    try:
        return parse_hours(quiet).hold(datetime.fromtimestamp(now, UTC))
    except ValueError:
        return False


def ready(pending: Sequence[Notice], told: Sequence[float], now: float, pace: DeliveryPace) -> list[Sequence[Notice]]:
    """What of one watch goes out now, by message.

    Args:
        pending: what was not told, oldest first.
        told: when its latest messages were posted.
        now: seconds since the epoch.
        pace: see there.
    """
    hello = [one for one in pending if one.happening.subject == HELLO]
    rest = [one for one in pending if one.happening.subject != HELLO]
    groups: list[Sequence[Notice]] = [[one] for one in hello]
    if not rest or is_quiet(rest[0].watch.quiet, now):
        return groups
    if now - rest[-1].at < pace.gather and now - rest[0].at < pace.longest:
        return groups
    room = pace.most - sum(1 for at in told if at > now - pace.window)
    if room <= 0:
        return groups
    if len(rest) <= min(pace.apart, room):
        return [*groups, *([one] for one in rest)]
    return [*groups, *_by_sort(rest)]


def _by_sort(pending: Sequence[Notice]) -> list[Sequence[Notice]]:
    """One message for each sort of thing: they have different buttons."""
    found: dict[Sort, list[Notice]] = {}
    for one in pending:
        found.setdefault(one.happening.sort, []).append(one)
    return list(found.values())
