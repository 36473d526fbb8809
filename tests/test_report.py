"""The report's chart: evenly spaced moments out of what was noted, and the picture of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.history import Sample
from bot.message import Chart
from bot.picture import draw
from commands.report import chart_of

END = datetime(2026, 11, 27, 8, tzinfo=UTC)


def noted(span: timedelta, every: timedelta = timedelta(minutes=15)) -> list[Sample]:
    count = int(span / every)
    return [
        Sample(END - span + at * every, {"Ready": at, "Failed testing": 1, "Failed deployment": 2, "Imaginary": 1})
        for at in range(count + 1)
    ]


@pytest.mark.parametrize(
    ("span", "moments", "first"),
    [
        (timedelta(minutes=30), 3, "07:30"),
        (timedelta(hours=10), 11, "22:00"),
        (timedelta(days=7), 15, "20 Nov 08h"),
        (timedelta(days=14), 15, "13 Nov"),
        (timedelta(days=90), 13, "29 Aug"),
    ],
)
def test_moments_fit_the_span(span: timedelta, moments: int, first: str) -> None:
    chart = chart_of(noted(span), "Machines")
    assert chart is not None
    assert len(chart.moments) <= 16
    assert abs(len(chart.moments) - moments) <= 1
    assert chart.moments[0] == first
    assert len(set(chart.moments)) == len(chart.moments)
    lines = dict(chart.series)
    assert set(lines) == {"Ready", "Failed", "Other"}
    assert set(lines["Failed"]) == {3.0}
    assert list(lines["Ready"]) == sorted(lines["Ready"])
    assert all(len(values) == len(chart.moments) for values in lines.values())


def test_too_little_for_a_chart() -> None:
    assert chart_of([], "Machines") is None
    assert chart_of(noted(timedelta(0)), "Machines") is None


def test_a_gap_is_left_out_and_not_made_up() -> None:
    samples = noted(timedelta(days=7))
    chart = chart_of(
        [one for one in samples if one.at < END - timedelta(days=4) or one.at > END - timedelta(days=1)], ""
    )
    assert chart is not None
    assert not [moment for moment in chart.moments if moment.startswith(("24 ", "25 "))]


@pytest.mark.parametrize("lines", [1, 12])
def test_the_picture(lines: int) -> None:
    chart = Chart("Machines by state", ["20 Nov", "21 Nov"], [(f"State {at}", [at, 3000.0]) for at in range(lines)])
    picture = draw(chart)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(picture) < 100_000
    assert draw(chart) == picture
    assert draw(Chart("", [], []))
    assert draw(Chart("zeros", ["a"], [("x", [0.0])]))
