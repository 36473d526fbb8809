"""A chart as a PNG: for reports that leave Slack, and for workspaces that don't show charts yet."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.message import Chart

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_WIDTH, _HEIGHT = 1200, 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 260, 60, 50
_WHITE, _INK, _FAINT = (255, 255, 255), (40, 40, 40), (215, 215, 215)
#: Told apart by people who see few colours, too (after Okabe and Ito), twice: the second time dotted.
_COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (86, 180, 233), (204, 121, 167))
_LINES = 4
_DASH = 7.0


def draw(chart: Chart) -> bytes:
    """The chart's lines with their names and last values beside them. Takes some tens of milliseconds: use a thread."""
    # Test runs and most bots never draw; importing it takes time and memory.
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (_WIDTH, _HEIGHT), _WHITE)
    canvas = ImageDraw.Draw(image)
    canvas.font = ImageFont.load_default(18)
    canvas.text((_LEFT, 18), chart.title, fill=_INK)
    highest = max((value for _, values in chart.series for value in values), default=0.0)
    step = _step(highest)
    top = step * _LINES
    for line in range(_LINES + 1):
        y = _y(step * line, top)
        canvas.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], fill=_FAINT)
        canvas.text((_LEFT - 10, y), f"{step * line:g}", fill=_INK, anchor="rm")
    _moments(canvas, chart.moments)
    for at, (_, values) in enumerate(chart.series):
        points = [(_x(place, len(chart.moments)), _y(value, top)) for place, value in enumerate(values)]
        _line(canvas, points, _COLOURS[at % len(_COLOURS)], dotted=at >= len(_COLOURS))
    _legend(canvas, chart, top)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _step(highest: float) -> float:
    """A round distance between the lines across: 1, 2 or 5 times a power of ten, and whole machines."""
    power = 1.0
    while True:
        for factor in (1, 2, 5):
            if power * factor * _LINES >= highest:
                return power * factor
        power *= 10


def _x(place: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(1, count - 1)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top


def _moments(canvas: ImageDraw, moments: Sequence[str]) -> None:
    every = max(1, -(-len(moments) // 7))
    for place in range(0, len(moments), every):
        x = _x(place, len(moments))
        canvas.line([(x, _HEIGHT - _BOTTOM), (x, _HEIGHT - _BOTTOM + 6)], fill=_INK)
        canvas.text((x, _HEIGHT - _BOTTOM + 22), moments[place], fill=_INK, anchor="mm")


def _line(canvas: ImageDraw, points: list[tuple[float, float]], colour: tuple[int, int, int], *, dotted: bool) -> None:
    if not dotted:
        canvas.line(points, fill=colour, width=3, joint="curve")
    for begin, end in pairwise(points) if dotted else ():
        pieces = max(1, round(max(abs(end[0] - begin[0]), abs(end[1] - begin[1])) / _DASH))
        for piece in range(0, pieces, 2):
            canvas.line([_between(begin, end, piece / pieces), _between(begin, end, (piece + 1) / pieces)], colour, 3)
    for x, y in points:
        canvas.ellipse([x - 4, y - 4, x + 4, y + 4], fill=colour)


def _between(begin: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share


def _legend(canvas: ImageDraw, chart: Chart, top: float) -> None:
    """Names at the ends of their lines, moved apart where they would stand on each other."""
    height = 26.0
    ends = sorted((_y(values[-1], top), at) for at, (_, values) in enumerate(chart.series) if values)
    free = float(_TOP)
    room = len(ends) * height
    for y, at in ends:
        y = max(free, min(y, _HEIGHT - _BOTTOM - room + height))
        name, values = chart.series[at]
        colour = _COLOURS[at % len(_COLOURS)]
        x = _WIDTH - _RIGHT + 16
        for begin, end in ((0, 18),) if at < len(_COLOURS) else ((0, 6), (11, 17)):
            canvas.line([(x + begin, y), (x + end, y)], fill=colour, width=4)
        canvas.text((x + 26, y), f"{name[:18]} {values[-1]:g}", fill=_INK, anchor="lm")
        free, room = y + height, room - height
