"""How long it took before is said where people decide: on the plan and on the card."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.operations import cards, view
from bot.operations.plan import Plan, Target
from bot.operations.records import Operation, OperationState
from bot.operations.releasing import Releasing
from bot.policy import Risk
from bot.slack.render import render
from tests.support.harness import words_of


def operation(state: OperationState) -> Operation:
    target = Target("abc", "node-1", "Deployed", {"owner": "olga"})
    plan = Plan("release", Risk.DESTRUCTIVE, "default", "Release node-1", (target,), ("MAAS takes it",))
    return Operation(
        "op-4k2f", "release", "default", state, "T0", "U0OLGA", "olga", "C0OPS", None, "release node-1", plan,
        "nonce", "", 0.0, None, None, None, None, reason="it is old", expires_at=1.0,
    )  # fmt: skip


@pytest.mark.parametrize("usual", [None, timedelta(minutes=4, seconds=10)])
def test_plan_request_and_card_say_how_long_it_took(usual: timedelta | None) -> None:
    shown = [
        view.root(operation(OperationState.PLANNED), Releasing(), usual),
        view.root(operation(OperationState.AWAITING), Releasing(), usual),
        cards.card(operation(OperationState.AWAITING), ("U0ANDREA",), usual),
    ]
    for message in shown:
        text = words_of(render(message).blocks)
        assert ("It usually takes about 4 min 10 s a machine." in text) == (usual is not None), text
