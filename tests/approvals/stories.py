"""What random acts come to too seldom: several acts that follow one another, or that are done at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.operations.records import OperationState
from bot.operations.verdict import Verdict
from tests.approvals.acts import ASKERS
from tests.approvals.attacks import Attacks
from tests.approvals.life import Request, person
from tests.approvals.switch import GLASS, NAME, PEOPLE


class Stories(Attacks):
    """Each rule is a story with an end that is known."""

    plans = Attacks.plans

    def approvers_but(self, request: Request) -> list[str]:
        return [one for one in self.approvers if one != self.now(request).requester_id]

    @rule(plan=plans, who=ASKERS)
    def approved_and_done(self, plan: Request, who: str) -> None:
        self.decide(plan, who, plan.nonce)
        self.work()

    @rule(plan=plans, who=ASKERS)
    def approved_and_the_world_changes(self, plan: Request, who: str) -> None:
        self.decide(plan, who, plan.nonce)
        self.kind.world += 1
        self.work()

    @rule(plan=plans, who=ASKERS)
    def approved_and_killed(self, plan: Request, who: str) -> None:
        self.decide(plan, who, plan.nonce)
        for _ in range(2):
            self.crash()
            self.work()

    @rule(who=ASKERS, before=st.sampled_from([1, 2]), after=st.sampled_from([1, 2]))
    def the_policy_needs_another_number_while_it_waits(self, who: str, before: int, after: int) -> None:
        self.need(before)
        request = self.requested(who)
        self.need(after)
        for one in PEOPLE:
            self.decide(request, one, request.nonce)

    @rule(who=ASKERS)
    def the_first_of_two_loses_the_right(self, who: str) -> None:
        self.need(2)
        request = self.requested(who)
        for first in self.approvers_but(request)[:1]:
            self.decide(request, first, request.nonce)
            self.name_or_not(first)
        for one in PEOPLE:
            self.decide(request, one, request.nonce)

    @rule(who=ASKERS, swept=st.booleans())
    def nobody_decides_in_time(self, who: str, swept: bool) -> None:
        request = self.requested(who)
        self.let_time_pass(request)
        if swept:
            self.run(self.operations.approvals.tend())
        for one in PEOPLE:
            self.decide(request, one, request.nonce)

    @rule(risk=st.sampled_from(["change", "irreversible"]), waits=st.booleans())
    def the_glass_is_broken(self, risk: str, waits: bool) -> None:
        request = self.propose(GLASS, risk)
        self.break_glass(request, GLASS, request.nonce, "outage", NAME)
        if waits:
            self.let_time_pass(request)
        self.work()

    # -- at the same moment ----------------------------------------------------------------------------------------

    def at_once(self, *acts: Any) -> list[Verdict]:
        async def all_of_them() -> list[Verdict]:
            return list(await asyncio.gather(*acts))

        return self.run(all_of_them())

    @rule(who=ASKERS, typed=st.booleans())
    def a_click_and_a_withdrawal_at_once(self, who: str, typed: bool) -> None:
        request = self.requested(who)
        if self.now(request).state is not OperationState.AWAITING:
            return
        one = self.approvers_but(request)[0]
        approved, withdrawn = self.at_once(
            self.deciding(request, one, None if typed else request.nonce),
            self.operations.withdraw(request.id, request.nonce, person(who)),
        )
        state = self.now(request).state
        assert withdrawn.done == (state is OperationState.WITHDRAWN), state
        assert approved.done or withdrawn.done
        if state is OperationState.QUEUED:
            self.legal[request.id] = "approved"

    @rule(who=ASKERS, same=st.booleans())
    def two_clicks_at_once(self, who: str, same: bool) -> None:
        self.need(1)
        request = self.requested(who)
        able = self.approvers_but(request)
        if not able:
            return
        verdicts = self.at_once(
            *(self.deciding(request, one, request.nonce) for one in (able[0], able[0 if same else -1]))
        )
        assert [one.done for one in verdicts].count(True) == 1
        assert self.now(request).state is OperationState.QUEUED
        self.legal[request.id] = "approved"

    @rule(who=ASKERS)
    def an_approval_and_a_denial_at_once(self, who: str) -> None:
        self.need(1)
        request = self.requested(who)
        able = self.approvers_but(request)
        if not able:
            return
        approved, denied = self.at_once(
            self.deciding(request, able[0], request.nonce), self.deciding(request, able[-1], None, approve=False)
        )
        assert approved.done != denied.done
        assert (self.now(request).state is OperationState.QUEUED) == approved.done
        if approved.done:
            self.legal[request.id] = "approved"

    @rule(who=ASKERS)
    def confirmed_twice_at_once_and_withdrawn(self, who: str) -> None:
        request = self.propose(who, "change")
        if self.held(request):
            return
        confirm = self.operations.confirm
        *yes, no = self.at_once(
            *(confirm(request.id, request.nonce, person(who)) for _ in range(2)),
            self.operations.withdraw(request.id, request.nonce, person(who)),
        )
        assert [one.done for one in (*yes, no)].count(True) == 1
        assert (self.now(request).state is OperationState.QUEUED) == (not no.done)
        if not no.done:
            self.legal[request.id] = "confirmed"
