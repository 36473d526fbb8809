"""How a bulk goes about its machines, from the rows alone."""

from __future__ import annotations

import pytest

from bot.operations.pacing import Pacing, told
from bot.operations.plan import Plan, Target
from bot.operations.records import TargetState
from bot.policy import Risk

W, K, D, F, S, U = (
    TargetState.WAITING, TargetState.ASKED, TargetState.DONE, TargetState.FAILED, TargetState.STOPPED,
    TargetState.UNTOUCHED,
)  # fmt: skip


def rows(*states: TargetState) -> list[tuple[int, str, TargetState]]:
    return [(at, f"node-{at + 1}", state) for at, state in enumerate(states)]


@pytest.mark.parametrize(
    ("pacing", "states", "seq", "says"),
    [
        (Pacing(), (F, F, F, W), 3, ""),
        (Pacing(stop_after=2), (F, D, K, W), 3, ""),
        (Pacing(stop_after=2), (F, D, F, W), 3, "Not begun: 2 failed (node-1, node-3), and it was to stop after 2."),
        (Pacing(stop_after=1), (S, U, D, W), 3, ""),
        (Pacing(canary=1), (D, W, W, W), 1, ""),
        (Pacing(canary=1), (F, W, W, W), 1, "Not begun: node-1 went first and did not end well."),
        (Pacing(canary=2), (D, S, W, W), 3, "Not begun: node-2 went first and did not end well."),
        (Pacing(canary=2), (F, W, W, W), 1, ""),
        (Pacing(canary=2, stop_after=1), (F, W, W, W), 1, "Not begun: 1 failed (node-1), and it was to stop after 1."),
    ],
)
def test_who_must_not_begin_any_more(pacing: Pacing, states: tuple[TargetState, ...], seq: int, says: str) -> None:
    assert pacing.halted(seq, rows(*states)) == says


def test_those_that_go_first_are_over_when_all_of_them_have_ended() -> None:
    assert not Pacing(canary=2).first_are_over(rows(D, K, W))
    assert Pacing(canary=2).first_are_over(rows(D, F, W))
    assert Pacing().first_are_over(rows(W, W))


def test_options_there_and_back() -> None:
    assert Pacing.of({"at_once": 3, "canary": None, "ids": []}) == Pacing(at_once=3)
    assert Pacing(3, 1, 2).options == {"at_once": 3, "canary": 1, "stop_after": 2}
    assert Pacing().options == {}


@pytest.mark.parametrize(
    ("count", "options", "says"),
    [
        (3, {"canary": 1}, ["node-1 first; the other 2 begin only if it ends well."]),
        (
            3,
            {"canary": 2, "at_once": 1},
            ["node-1, node-2 first; the other one begins only if all of them end well.", "At most 1 at a time."],
        ),
        (2, {"canary": 5}, []),
        (1, {"canary": 1, "at_once": 4, "stop_after": 1}, []),
        (
            2,
            {"stop_after": 1},
            ["After the first failure no further machine is begun; those under way go on to their end."],
        ),
    ],
)
def test_what_the_plan_says_of_it(count: int, options: dict[str, int], says: list[str]) -> None:
    targets = tuple(Target(str(at), f"node-{at + 1}", "Ready") for at in range(count))
    plan = told(Plan("x", Risk.CHANGE, "default", "X", targets, ("first",), options=options))
    assert list(plan.steps) == ["first", *says]
