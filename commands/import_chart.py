"""How an import of images went, as lines: what has arrived, and what there is to load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.command.context import Context
from bot.maas.import_state import ImportState, Moment
from bot.message import Chart, File
from bot.people import Door
from bot.picture import draw

#: Seconds between two points; the first that gives few enough for a chart's labels.
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200)
_POINTS = 14
#: Seconds for which the import that ended last is shown.
_LATELY = 3600.0
_MB = 10**6


def import_chart(state: ImportState) -> Chart | None:
    """The import that runs, or that ended within the last hour; None where too little was seen of it."""
    if state.phase.importing:
        return _chart("Import of images, MB", state.course, "now")
    if state.last is not None and state.at - state.last.ended <= _LATELY:
        ended = datetime.fromtimestamp(state.last.ended, UTC)
        return _chart(f"Import until {ended:%H:%M} UTC, MB", state.last.course, "end")
    return None


async def pictures(ctx: Context, chart: Chart | None) -> tuple[File, ...]:
    """The chart as a picture, for the thread of a mention: an answer to one person has none."""
    if chart is None or ctx.origin.door is not Door.MENTION:
        return ()
    return (
        File(
            f"import-{ctx.region.name}.png",
            f"{chart.title}, {ctx.region.name}",
            "",
            await asyncio.to_thread(draw, chart),
        ),
    )


def _chart(title: str, course: Sequence[Moment], last: str) -> Chart | None:
    if len(course) < 2 or not course[-1].total:
        return None
    begin, end = course[0].at, course[-1].at
    step = next((one for one in _STEPS if (end - begin) / one < _POINTS), None) or (end - begin) / _POINTS
    moments: list[str] = []
    shown: list[Moment] = []
    at = begin
    while at < end:
        moments.append(_label(at - begin, step))
        shown.append([one for one in course if one.at <= at][-1])
        at += step
    moments.append(last)
    shown.append(course[-1])
    # While the mirror's index is read MAAS does not know yet how much it is: that is not nothing.
    first = next(one.total for one in course if one.total)
    arrived, to_load = [one.done / _MB for one in shown], [(one.total or first) / _MB for one in shown]
    return Chart(title, moments, [("Arrived", _rounded(arrived)), ("To load", _rounded(to_load))])


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(one, 0 if one >= 10 else 1) for one in values]


def _label(seconds: float, step: float) -> str:
    """Since the begin: a time of day would be another one for whoever reads it elsewhere."""
    if step < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if step < 3600 else f"{seconds / 3600:.0f} h"
