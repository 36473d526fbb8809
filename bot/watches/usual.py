"""What is longer than usual, learnt from how long machines were in a state before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: Fewer spans than this teach nothing.
_ENOUGH = 5
#: Nothing is called stuck sooner than this, in seconds: a state that mostly takes a moment may take some.
_AT_LEAST = 600.0
#: What is taken for long before there is anything to go by, in seconds, by the state. Tests of disks run for hours.
_UNTAUGHT = {"Commissioning": 3600.0, "Deploying": 3600.0, "Testing": 86400.0, "Disk erasing": 86400.0}
_OTHERWISE = 1800.0


@dataclass(frozen=True, slots=True)
class Usual:
    """How long a state takes: the middle of what was seen, of how many, and from when on it is too long (seconds)."""

    middle: float | None
    count: int
    limit: float


def usual(state: str, spans: Sequence[float], scale: float = 1.0) -> Usual:
    """What the spans of a state (seconds, in any order) teach."""
    if len(spans) < _ENOUGH:
        return Usual(None, len(spans), _UNTAUGHT.get(state, _OTHERWISE) * scale)
    ordered = sorted(spans)
    long = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    middle = median(ordered)
    return Usual(middle, len(ordered), max(3 * middle, 1.5 * long, _AT_LEAST * scale))
