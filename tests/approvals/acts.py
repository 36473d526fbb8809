"""The single acts of the model: clicks and words, mostly as they should be, and what else may happen at any moment."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.people import Standing
from bot.tables import operations
from tests.approvals.life import Life, Request
from tests.approvals.switch import NAME, PEOPLE

#: Mostly as it should be: a run of random clicks would hardly ever come to an effect, and prove nothing.
MOSTLY = st.sampled_from([True] * 5 + [False])
ANYBODY = st.sampled_from(PEOPLE)
ASKERS = st.sampled_from(PEOPLE[:3])


class Acts(Life):
    """Each rule is one thing that one person does, or that happens to the bot."""

    plans = Life.plans

    def requester_or(self, plan: Request, right: bool, other: str) -> str:
        return str(self.now(plan).requester_id) if right else other

    @rule(target=plans, who=ASKERS, risk=st.sampled_from(["change", "irreversible"]))
    def somebody_proposes(self, who: str, risk: str) -> Request:
        return self.propose(who, risk)

    @rule(target=plans, who=ASKERS, risk=st.sampled_from(["destructive", "irreversible"]))
    def somebody_requests(self, who: str, risk: str) -> Request:
        """Plan and ask in one, as people do."""
        return self.requested(who, risk)

    def requested(self, who: str, risk: str = "destructive") -> Request:
        request = self.propose(who, risk)
        self.ask(request, who, request.nonce, "disk is dying", NAME)
        return request

    @rule(plan=plans, right=MOSTLY, other=ANYBODY, fresh=MOSTLY)
    def somebody_confirms(self, plan: Request, right: bool, other: str, fresh: bool) -> None:
        self.confirm(plan, self.requester_or(plan, right, other), plan.nonce if fresh else "stale")

    @rule(plan=plans, right=MOSTLY, other=ANYBODY, fresh=MOSTLY, reasoned=MOSTLY, named=MOSTLY)
    def somebody_asks(self, plan: Request, right: bool, other: str, fresh: bool, reasoned: bool, named: bool) -> None:
        reason, typed = "disk is dying" if reasoned else "", NAME if named else "node"
        self.ask(plan, self.requester_or(plan, right, other), plan.nonce if fresh else "stale", reason, typed)

    @rule(
        plan=plans,
        who=ANYBODY,
        themselves=st.booleans(),
        approve=MOSTLY,
        nonce=st.sampled_from(["own"] * 4 + ["typed", "stale"]),
        reasoned=MOSTLY,
        standing=st.sampled_from([Standing.MEMBER] * 8 + [Standing.GUEST, Standing.FOREIGN, Standing.BOT]),
    )
    def somebody_decides(
        self, plan: Request, who: str, themselves: bool, approve: bool, nonce: str, reasoned: bool, standing: Standing
    ) -> None:
        given = {"own": plan.nonce, "typed": None}.get(nonce, nonce)
        reason = "because" if reasoned else ""
        who = self.requester_or(plan, themselves, who)
        self.decide(plan, who, given, approve=approve, reason=reason, standing=standing)

    @rule(plan=plans, other=plans, who=ANYBODY)
    def a_button_is_taken_from_another_card(self, plan: Request, other: Request, who: str) -> None:
        self.decide(plan, who, other.nonce)

    @rule(plan=plans, who=ANYBODY, fresh=MOSTLY)
    def somebody_withdraws(self, plan: Request, who: str, fresh: bool) -> None:
        self.withdraw(plan, who, plan.nonce if fresh else "stale")

    @rule(plan=plans, right=MOSTLY, other=ANYBODY, fresh=MOSTLY, reasoned=MOSTLY, named=MOSTLY)
    def somebody_breaks_the_glass(
        self, plan: Request, right: bool, other: str, fresh: bool, reasoned: bool, named: bool
    ) -> None:
        reason, typed = "outage" if reasoned else "", NAME if named else "node"
        self.break_glass(plan, self.requester_or(plan, right, other), plan.nonce if fresh else "stale", reason, typed)

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(who=ANYBODY)
    def the_policy_names_others(self, who: str) -> None:
        self.name_or_not(who)

    def name_or_not(self, who: str) -> None:
        """Somebody edits the file, and the bot is started anew."""
        if who in self.approvers:
            self.approvers.remove(who)
        else:
            self.approvers.append(who)
        self.crash()

    @rule(needed=st.sampled_from([1, 1, 2]))
    def the_policy_needs_others(self, needed: int) -> None:
        self.need(needed)

    def need(self, needed: int) -> None:
        self.needed = needed
        self.crash()

    @rule()
    def the_world_changes(self) -> None:
        self.kind.world += 1

    @rule(plan=plans, really=st.sampled_from([True, False, False]))
    def time_passes(self, plan: Request, really: bool) -> None:
        if really:
            self.let_time_pass(plan)

    def let_time_pass(self, plan: Request) -> None:
        past = time.time() - 7200
        update: Any = operations.update().where(operations.c.id == plan.id)
        self.run(
            self.database.run(lambda connection: connection.execute(update.values(created_at=past, expires_at=past)))
        )

    @rule()
    def the_housekeeping_comes_by(self) -> None:
        self.run(self.operations.approvals.tend())
        assert not [one for one in self.run(self.operations.awaiting()) if (one.expires_at or 0) < time.time()]

    @rule()
    def the_bot_is_killed(self) -> None:
        self.crash()

    @rule()
    def the_engine_works(self) -> None:
        self.work()
