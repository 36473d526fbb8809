"""Charts: a `data_visualization` of lines, or the same numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from bot.message import Chart, Table
from bot.slack.render import limits
from bot.slack.render.literal import cut, literal, size
from bot.slack.render.piece import Frame, Native, Piece, Surface
from bot.slack.render.spans import Block
from bot.slack.render.tables import table


def chart(part: Chart, frame: Frame, room: int) -> Piece:
    """The chart where the surface takes one, its first series and every so many moments where there are too many.

    What can't be drawn, or not whole, stands as a table.
    """
    native = Native.CHART in frame.native and frame.surface is not Surface.MODAL
    if not native or frame.charts_used == limits.CHARTS or not part.moments or not part.series:
        return table(as_table(part), replace(frame, native=frozenset()), room)
    frame.charts_used += 1
    kept = _kept(len(part.moments))
    moments = _unlike([part.moments[at] for at in kept])
    names = _unlike([name for name, _ in part.series[: limits.CHART_SERIES]])
    drawn = [
        {
            "name": name,
            "data": [{"label": moment, "value": _number(values, at)} for at, moment in zip(kept, moments, strict=True)],
        }
        for name, (_, values) in zip(names, part.series, strict=False)
    ]
    block: Block = {
        "type": Native.CHART.value,
        "title": cut(literal(part.title), limits.CHART_TITLE) or "Chart",
        "chart": {"type": "line", "series": drawn, "axis_config": {"categories": moments}},
    }
    if len(kept) == len(part.moments) and len(drawn) == len(part.series):
        return Piece([block])
    more = f"{len(drawn)} of {len(part.series)} lines, {len(kept)} of {len(part.moments)} moments shown"
    return Piece([block, frame.small(more)])


def as_table(part: Chart) -> Table:
    """The numbers, a row for each moment."""
    rows = [
        [moment, *(f"{_number(values, at):g}" for _, values in part.series)] for at, moment in enumerate(part.moments)
    ]
    return Table(("When", *(name for name, _ in part.series)), rows, part.title)


def _kept(count: int) -> list[int]:
    if count <= limits.CHART_POINTS:
        return list(range(count))
    last = limits.CHART_POINTS - 1
    return sorted({round(at * (count - 1) / last) for at in range(limits.CHART_POINTS)})


def _number(values: Sequence[float], at: int) -> float:
    value = values[at] if at < len(values) else 0.0
    return value if math.isfinite(value) else 0.0


def _unlike(names: Sequence[str]) -> list[str]:
    """Slack wants them short, not empty and all different."""
    made: list[str] = []
    for name in names:
        wish = cut(literal(name[: 4 * limits.CHART_LABEL]).strip(), limits.CHART_LABEL) or "–"
        fresh, count = wish, 1
        while fresh in made:
            count += 1
            tail = f" {count}"
            fresh = cut(wish, limits.CHART_LABEL - size(tail)) + tail
        made.append(fresh)
    return made
