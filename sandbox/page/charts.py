"""Geometry of data_visualization blocks: from Slack's series and segments to what the SVG template draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 520.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 12.0, 34.0


@dataclass(frozen=True)
class Slice:
    """One pie segment: its outline, and the share of the whole in percent."""

    label: str
    value: float
    percent: float
    path: str
    colour: int


@dataclass(frozen=True)
class Bar:
    """One bar in a plot, in the SVG's units."""

    x: float
    y: float
    width: float
    height: float
    title: str
    colour: int


@dataclass(frozen=True)
class Curve:
    """One line or area; `points` and `outline` are SVG coordinates."""

    name: str
    points: str
    outline: str
    dots: Sequence[tuple[float, float, str]]
    colour: int


@dataclass(frozen=True)
class Plot:
    """Everything that the template needs of one chart, whatever its kind."""

    kind: str
    slices: Sequence[Slice] = ()
    bars: Sequence[Bar] = ()
    curves: Sequence[Curve] = ()
    ticks: Sequence[tuple[float, str]] = ()
    labels: Sequence[tuple[float, str]] = ()
    legend: Sequence[tuple[str, int]] = ()
    x_label: str = ""
    y_label: str = ""


def plot(chart: Mapping[str, Any]) -> Plot:
    """Lays out a chart of type pie, bar, line or area. An unknown type gives an empty plot of that kind."""
    kind = str(chart.get("type", ""))
    if kind == "pie":
        return _pie(chart)
    if kind in {"bar", "line", "area"}:
        return _axes(kind, chart)
    return Plot(kind)


def number(value: object) -> float:
    """A chart value as a number; what isn't one counts as 0."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return 0.0


def short(value: float) -> str:
    """A number for an axis: 1500 → 1.5k, 0.25 → 0.25."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def _pie(chart: Mapping[str, Any]) -> Plot:
    segments = [
        (str(segment.get("label", "")), max(number(segment.get("value")), 0.0))
        for segment in chart.get("segments") or []
        if isinstance(segment, Mapping)
    ]
    whole = sum(value for _, value in segments)
    slices: list[Slice] = []
    start = 0.0
    for colour, (label, value) in enumerate(segments):
        share = value / whole if whole else 0.0
        slices.append(Slice(label, value, share * 100, _wedge(start, start + share), colour))
        start += share
    return Plot("pie", slices=slices, legend=[(piece.label, piece.colour) for piece in slices])


def _wedge(start: float, end: float, *, radius: float = 90.0, hole: float = 52.0) -> str:
    """A ring's piece between two shares of a turn, clockwise from the top, about the origin."""
    end = min(end, start + 0.99999)  # an arc from a point to itself draws nothing
    wide = int(end - start > 0.5)

    def at(share: float, distance: float) -> str:
        angle = math.tau * share - math.pi / 2
        return f"{distance * math.cos(angle):.2f} {distance * math.sin(angle):.2f}"

    return (
        f"M{at(start, radius)} A{radius} {radius} 0 {wide} 1 {at(end, radius)} "
        f"L{at(end, hole)} A{hole} {hole} 0 {wide} 0 {at(start, hole)} Z"
    )


def _axes(kind: str, chart: Mapping[str, Any]) -> Plot:
    series = [one for one in chart.get("series") or [] if isinstance(one, Mapping)]
    config = chart.get("axis_config") or {}
    data = [[point for point in one.get("data") or [] if isinstance(point, Mapping)] for one in series]
    names = [str(one.get("name", "")) for one in series]
    categories = [str(name) for name in config.get("categories") or []]
    categories = categories or [str(point.get("label", "")) for point in (data[0] if data else [])]
    values = [{str(point.get("label", "")): number(point.get("value")) for point in points} for points in data]
    everything = [value for one in values for value in one.values()] or [0.0]
    low, high, step = _scale(min(0.0, *everything), max(0.0, *everything))
    slot = (WIDTH - LEFT - RIGHT) / max(len(categories), 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    def middle(index: int) -> float:
        return LEFT + slot * (index + 0.5)

    bars: list[Bar] = []
    curves: list[Curve] = []
    for colour, (name, one) in enumerate(zip(names, values, strict=True)):
        if kind == "bar":
            width = slot * 0.7 / len(series)
            for index, category in enumerate(categories):
                value = one.get(category, 0.0)
                left = middle(index) - slot * 0.35 + width * colour
                top, foot = min(y(value), y(0)), max(y(value), y(0))
                bars.append(Bar(left, top, width, foot - top, f"{category}, {name}: {value:g}", colour))
        else:
            dots = [
                (middle(index), y(one[category]), f"{category}, {name}: {one[category]:g}")
                for index, category in enumerate(categories)
                if category in one
            ]
            points = " ".join(f"{x:.1f},{top:.1f}" for x, top, _ in dots)
            outline = f"{dots[0][0]:.1f},{y(0):.1f} {points} {dots[-1][0]:.1f},{y(0):.1f}" if dots else ""
            curves.append(Curve(name, points, outline if kind == "area" else "", dots, colour))
    count = round((high - low) / step)
    every = max(1, math.ceil(len(categories) / 8))
    return Plot(
        kind,
        bars=bars,
        curves=curves,
        ticks=[(y(low + step * index), short(low + step * index)) for index in range(count + 1)],
        labels=[(middle(index), name) for index, name in enumerate(categories) if index % every == 0],
        legend=[(name, colour) for colour, name in enumerate(names)],
        x_label=str(config.get("x_label") or config.get("x_axis_label") or ""),
        y_label=str(config.get("y_label") or config.get("y_axis_label") or ""),
    )


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Round ends and step (1, 2 or 5 times a power of ten) for about four grid lines."""
    span = (high - low) or 1.0
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if rough <= power * factor)
    bottom = math.floor(low / step) * step
    top = math.ceil((low + span) / step) * step
    return bottom, top, step
