"""When what is told goes out, and who speaks: no floods, no noise at night, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.watches.delivery import HELLO, DeliveryPace, is_quiet, ready
from bot.watches.leading import Leading
from bot.watches.records import Happening, Notice, Sort, Watch, What
from bot.watches.usual import usual

PACE = DeliveryPace()
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC).timestamp()
NIGHT = datetime(2026, 11, 27, 23, 30, tzinfo=UTC).timestamp()


def notices(count: int, at: float, quiet: str = "", sort: Sort = Sort.FAILED, subject: str = "m") -> list[Notice]:
    watch = Watch("w-1", "T1", "C1", "", What.FAILURES, "default", quiet, "U1", "adam", 0.0)
    return [
        Notice(f"{at}-{n}", watch, Happening(sort, subject, f"node-{n}", "Failed"), at + n / 1000) for n in range(count)
    ]


def sizes(groups: list[object]) -> list[int]:
    return [len(group) for group in groups]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "age", "told", "expected"),
    [
        (1, 1.0, 0, []),  # more may come
        (1, 6.0, 0, [1]),
        (3, 6.0, 0, [1, 1, 1]),
        (4, 6.0, 0, [4]),
        (100, 6.0, 0, [100]),
        (2, 6.0, 5, [2]),  # one more is what is left in these ten minutes
        (50, 6.0, 6, []),  # it has said enough: gathered, not lost
    ],
)
def test_how_much_in_one_message(count: int, age: float, told: int, expected: list[int]) -> None:
    pending = notices(count, NOON - age)
    assert sizes(ready(pending, [NOON - 60] * told, NOON, PACE)) == expected


def test_a_stream_that_does_not_end_is_told_after_a_while() -> None:
    pending = [one for second in range(25) for one in notices(1, NOON - second)]
    pending.sort(key=lambda one: one.at)
    assert sizes(ready(pending, [], NOON, PACE)) == [25]


def test_what_was_held_back_goes_out_when_there_is_room_again() -> None:
    pending = notices(5, NOON - 300)
    assert ready(pending, [NOON - 500] * 6, NOON, PACE) == []
    assert sizes(ready(pending, [NOON - 500] * 6, NOON + 200, PACE)) == [5]


def test_quiet_hours_hold_everything_but_the_watchs_own_word() -> None:
    quiet = "22:00-07:00 Europe/Berlin"
    held = notices(2, NIGHT - 60, quiet)
    hello = notices(1, NIGHT - 60, quiet, Sort.TOLD, HELLO)
    assert sizes(ready([*hello, *held], [], NIGHT, PACE)) == [1]
    morning = datetime(2026, 11, 28, 6, 1, tzinfo=UTC).timestamp()
    assert sizes(ready(held, [], morning, PACE)) == [1, 1]
    assert not is_quiet("nonsense", NIGHT)


def test_sorts_do_not_share_a_message() -> None:
    pending = sorted([*notices(4, NOON - 60), *notices(3, NOON - 50, sort=Sort.STUCK)], key=lambda one: one.at)
    assert sizes(ready(pending, [], NOON, PACE)) == [4, 3]


@pytest.mark.parametrize(
    ("spans", "middle", "limit"),
    [
        ([], None, 3600.0),
        ([100.0] * 4, None, 3600.0),
        ([100.0] * 5, 100.0, 600.0),  # never sooner than ten minutes
        ([600.0] * 20, 600.0, 1800.0),
        ([600.0] * 10 + [7200.0], 600.0, 10800.0),  # it has been slow before
    ],
)
def test_what_is_longer_than_usual(spans: list[float], middle: float | None, limit: float) -> None:
    found = usual("Commissioning", spans)
    assert (found.middle, found.limit) == (middle, limit)
    assert usual("Testing", []).limit == 86400.0


def test_one_of_several_bots_leads() -> None:
    now, living = 0.0, {"a", "b"}
    first = Leading("a", lambda: living, clock=lambda: now)
    second = Leading("b", lambda: living, clock=lambda: now)
    assert not first(), "the one that led before may not have noticed"
    now = 6.0
    assert first()
    assert not second()
    living = {"b"}
    assert not first()
    assert second(), "nobody else is there"
    assert Leading("x", lambda: {"x"})()
    assert not Leading("x", set)()
