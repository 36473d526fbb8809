"""What is said of images and imports, in one way wherever it is said."""

from __future__ import annotations

from collections.abc import Sequence

from bot.maas.import_state import ImportState, Phase
from bot.operations.verdict import remaining

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size(count: float) -> str:
    """`1.2 GB`, `35 MB`, `900 B`."""
    for unit, name in _UNITS:
        if count >= unit:
            value = count / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:.0f} {name}"
    return f"{count:.0f} B"


def percent(value: float) -> str:
    """Whole percent, and 100 only for what is complete."""
    return f"{int(value)} %"


def progress(state: ImportState) -> str:
    """How an import goes: `58 % of 1.1 GB, 12 MB/s, about 40 s left`."""
    match state.phase:
        case Phase.STARTING:
            said = f"reading the mirror's index{_for(state.unchanged_for)}"
            return f"{said}, {size(state.total)} to load" if state.total else said
        case Phase.STALLED:
            at = f"at {percent(state.percent)}" if state.total else "while the mirror's index is read"
            return f"stalled {at}: nothing has arrived for {remaining(state.unchanged_for)}"
        case Phase.RUNNING | Phase.SLOW:
            parts = [f"{percent(state.percent)} of {size(state.total)}"]
            if state.rate:
                slowly = " (slow)" if state.phase is Phase.SLOW else ""
                parts.append(f"{size(state.rate)}/s{slowly}")
            left = state.seconds_left
            if left is not None:
                parts.append(f"about {remaining(left)} left" if left >= 1 else "almost done")
            return ", ".join(parts)
        case Phase.IDLE:
            return "no import runs"
        case _:
            return "not known yet"


def sentence(text: str) -> str:
    """The text with a capital first letter; units stay as they are."""
    return text[:1].upper() + text[1:]


def import_line(state: ImportState) -> str:
    """The import in a few words, for lists of facts; "" when none runs."""
    if not state.phase.importing:
        return ""
    return f"import {progress(state)}" if state.phase is Phase.STALLED else f"import running ({progress(state)})"


def listing(names: Sequence[object], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and c`, and of many the first few and how many more."""
    shown = [str(one) for one in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _for(seconds: float) -> str:
    return f", for {remaining(seconds)} now" if seconds >= 30 else ""
