"""Each act with each thing that may be wrong with it, one by one; test_life mixes them with all else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.approvals import attacks
from tests.approvals.life import Life
from tests.approvals.switch import GLASS, PEOPLE
from tests.approvals.test_life import ApprovalLife


@pytest.fixture
def life() -> Iterator[ApprovalLife]:
    it = ApprovalLife()
    Life.set_up(it)
    yield it
    it.no_effect_without_a_word_and_at_most_one()
    it.all_is_in_the_audit_and_an_end_is_an_end()
    it.teardown()


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("wrong", [*attacks.DECISIONS, "nothing"])
def test_a_decision(life: ApprovalLife, wrong: str, approve: bool) -> None:
    life.a_decision_with_one_thing_wrong(who=PEOPLE[0], approve=approve, wrong=wrong)
    life.work()


@pytest.mark.parametrize("wrong", [*attacks.CONFIRMATIONS, "nothing"])
def test_a_confirmation(life: ApprovalLife, wrong: str) -> None:
    life.a_confirmation_with_one_thing_wrong(who=PEOPLE[0], wrong=wrong)
    life.work()


@pytest.mark.parametrize("wrong", [*attacks.REQUESTS, "nothing"])
def test_a_request(life: ApprovalLife, wrong: str) -> None:
    life.a_request_with_one_thing_wrong(who=PEOPLE[0], wrong=wrong)


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_a_request_that_too_few_could_approve(life: ApprovalLife, needed: int) -> None:
    life.a_request_that_too_few_could_approve(who=PEOPLE[0], needed=needed)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("risk", ["change", "destructive"])
@pytest.mark.parametrize("wrong", [*attacks.GLASSES, "nothing"])
def test_a_glass(life: ApprovalLife, wrong: str, risk: str, asked: bool) -> None:
    life.a_glass_broken_with_one_thing_wrong(wrong=wrong, risk=risk, asked=asked)
    life.work()


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("wrong", [*attacks.WITHDRAWALS, "nothing"])
def test_a_withdrawal(life: ApprovalLife, wrong: str, asked: bool) -> None:
    life.a_withdrawal_with_one_thing_wrong(who=PEOPLE[0], wrong=wrong, asked=asked)


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("risk", ["change", "irreversible"])
def test_a_glass_that_waits_until_its_time_is_over(life: ApprovalLife, risk: str, waits: bool) -> None:
    life.the_glass_is_broken(risk=risk, waits=waits)
    assert bool(life.effects) != waits


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_the_number_of_approvers_changes_while_it_waits(life: ApprovalLife, before: int, after: int) -> None:
    life.the_policy_needs_another_number_while_it_waits(who=GLASS, before=before, after=after)


@pytest.mark.parametrize("swept", [True, False])
def test_nobody_decides_in_time(life: ApprovalLife, swept: bool) -> None:
    life.nobody_decides_in_time(who=PEOPLE[0], swept=swept)


def test_the_first_of_two_loses_the_right(life: ApprovalLife) -> None:
    life.the_first_of_two_loses_the_right(who=PEOPLE[2])
