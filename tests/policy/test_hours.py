"""Working hours: by the wall's clock, over midnight, when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.hours import parse_hours

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("span", "moment", "holds"),
    [
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-18T09:00", True),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-18T16:59:59", True),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-18T17:00", False),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-21T12:00", False),
        ("Fri 22:00-06:00 Europe/Berlin", "2026-11-20T22:00", True),
        ("Fri 22:00-06:00 Europe/Berlin", "2026-11-21T05:59", True),
        ("Fri 22:00-06:00 Europe/Berlin", "2026-11-21T06:00", False),
        ("Fri 22:00-06:00 Europe/Berlin", "2026-11-20T05:00", False),
        ("Fri 22:00-06:00 Europe/Berlin", "2026-11-21T22:30", False),
        ("Sun 22:00-06:00 Europe/Berlin", "2026-11-23T01:00", True),
        ("Sat-Mon 10:00-11:00 Europe/Berlin", "2026-11-22T10:30", True),
        ("Sat-Mon 10:00-11:00 Europe/Berlin", "2026-11-24T10:30", False),
        ("Mon, Wed 10:00-11:00 Europe/Berlin", "2026-11-18T10:30", True),
        ("10:00-24:00 Europe/Berlin", "2026-11-21T23:59", True),
        ("Sat 00:00-24:00 Europe/Berlin", "2026-11-21T00:00", True),
        ("Sat 00:00-24:00 Europe/Berlin", "2026-11-22T00:00", False),
    ],
)
def test_spans(span: str, moment: str, holds: bool) -> None:
    assert parse_hours(span).hold(at(moment)) is holds
    assert parse_hours(span).hold(at(moment).astimezone(UTC)) is holds


def test_the_repeated_hour_counts_both_times() -> None:
    span = parse_hours("02:00-03:00 Europe/Berlin")
    first = at("2026-10-25T02:30", fold=0)
    assert span.hold(first)
    assert span.hold(at("2026-10-25T02:30", fold=1))
    begins = first.astimezone(UTC) - timedelta(minutes=30)
    assert sum(span.hold(begins + timedelta(minutes=minute)) for minute in range(-60, 180)) == 120


def test_the_hour_left_out_never_comes() -> None:
    span = parse_hours("02:00-03:00 Europe/Berlin")
    begins = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert not any(span.hold(begins + timedelta(minutes=minute)) for minute in range(180))


def test_a_night_shift_ends_at_six_on_the_wall_when_the_clocks_change() -> None:
    span = parse_hours("Sat 22:00-06:00 Europe/Berlin")
    for day, hours in (("2026-10-24", 9), ("2026-03-28", 7), ("2026-11-21", 8)):
        begins = at(f"{day}T22:00").astimezone(UTC)
        minutes = [begins + timedelta(minutes=minute) for minute in range(-120, 12 * 60)]
        held = [moment for moment in minutes if span.hold(moment)]
        assert (held[0], len(held)) == (begins, hours * 60)
        assert f"{(held[-1] + timedelta(minutes=1)).astimezone(BERLIN):%H:%M}" == "06:00"


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.times(),
    st.times(),
    st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_a_span_and_its_rest_make_the_whole_day(naive: datetime, begins: time, ends: time, zone: str) -> None:
    start, end = f"{begins:%H:%M}", f"{ends:%H:%M}"
    if start == end:
        return
    moment = naive.replace(tzinfo=UTC)
    assert parse_hours(f"{start}-{end} {zone}").hold(moment) is not parse_hours(f"{end}-{start} {zone}").hold(moment)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("always", "is no span of hours"),
        ("", "is no span of hours"),
        ("Mon-Fri Europe/Berlin", "is no span of hours"),
        ("09:00-17:00", "names no time zone"),
        ("Mo-Fri 09:00-17:00 UTC", "Mo is no day"),
        ("Mon- 09:00-17:00 UTC", "- is no day"),
        ("25:00-26:00 UTC", "25:00 is no time of the day"),
        ("10:00-24:01 UTC", "24:01 is no time of the day"),
        ("10:61-12:00 UTC", "10:61 is no time of the day"),
        ("24:00-06:00 UTC", "write 00:00"),
        ("09:00-09:00 UTC", "a whole day is 00:00-24:00"),
        ("09:00-17:00 Europe/Berlim", "did you mean Europe/Berlin?"),
        ("09:00-17:00 ../../etc/passwd", "is no time zone"),
        ("09:00-17:00 +01:00", "is no time zone"),
    ],
)
def test_what_is_no_span(text: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_hours(text)
    assert says in str(error.value)
