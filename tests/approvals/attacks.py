"""One thing is wrong and all else as it should be: the surest way to find a check that is missing."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.people import Standing
from tests.approvals.acts import ASKERS, Acts
from tests.approvals.life import Request
from tests.approvals.switch import GLASS, NAME, PEOPLE

NONCES = ["stale", "of another"]
STANDINGS = {"guest": Standing.GUEST, "foreign": Standing.FOREIGN, "bot": Standing.BOT, "gone": Standing.GONE}


class Attacks(Acts):
    """What each act comes to is worked out by `Life`; here it is only made to be nearly right."""

    plans = Acts.plans

    def nonce(self, request: Request, wrong: str) -> str:
        return {"stale": "stale", "of another": self.propose(GLASS, "change").nonce}.get(wrong, request.nonce)

    @rule(
        who=ASKERS,
        approve=st.booleans(),
        wrong=st.sampled_from(
            [*NONCES, *STANDINGS, "their own", "no approver", "late", "again", "withdrawn", "silent"]
        ),
    )
    def a_decision_with_one_thing_wrong(self, who: str, approve: bool, wrong: str) -> None:
        self.need(2 if wrong == "again" else 1)
        request = self.requested(who)
        able = [one for one in self.approvers if one != who]
        if not able:
            return
        chosen = {"their own": who, "no approver": next((one for one in PEOPLE if one not in able), able[0])}
        if wrong == "late":
            self.let_time_pass(request)
        if wrong == "withdrawn":
            self.withdraw(request, who, request.nonce)
        for _ in range(2 if wrong == "again" else 1):
            self.decide(
                request,
                chosen.get(wrong, able[0]),
                self.nonce(request, wrong),
                approve=approve or wrong == "again",
                reason="" if wrong == "silent" else "because",
                standing=STANDINGS.get(wrong, Standing.MEMBER),
            )

    @rule(who=ASKERS, wrong=st.sampled_from([*NONCES, "of other", "late", "destructive", "irreversible", "withdrawn"]))
    def a_confirmation_with_one_thing_wrong(self, who: str, wrong: str) -> None:
        request = self.propose(who, wrong if wrong in {"destructive", "irreversible"} else "change")
        if wrong == "late":
            self.let_time_pass(request)
        if wrong == "withdrawn":
            self.withdraw(request, who, request.nonce)
        other = next(one for one in PEOPLE if one != who)
        self.confirm(request, other if wrong == "of other" else who, self.nonce(request, wrong))

    @rule(who=ASKERS, wrong=st.sampled_from([*NONCES, "of other", "late", "silent", "untyped", "twice"]))
    def a_request_with_one_thing_wrong(self, who: str, wrong: str) -> None:
        request = self.propose(who, "irreversible")
        if wrong == "late":
            self.let_time_pass(request)
        other = next(one for one in PEOPLE if one != who)
        for _ in range(2 if wrong == "twice" else 1):
            self.ask(
                request,
                other if wrong == "of other" else who,
                self.nonce(request, wrong),
                "" if wrong == "silent" else "disk is dying",
                "node" if wrong == "untyped" else NAME,
            )

    @rule(who=ASKERS, needed=st.sampled_from([1, 2, 3]))
    def a_request_that_too_few_could_approve(self, who: str, needed: int) -> None:
        self.need(needed)
        self.requested(who)

    @rule(
        wrong=st.sampled_from([*NONCES, "of other", "not theirs", "late", "silent", "untyped", "withdrawn"]),
        risk=st.sampled_from(["change", "destructive"]),
        asked=st.booleans(),
    )
    def a_glass_broken_with_one_thing_wrong(self, wrong: str, risk: str, asked: bool) -> None:
        other = next(one for one in PEOPLE if one != GLASS)
        whose = other if wrong == "not theirs" else GLASS
        request = self.requested(whose, risk) if asked else self.propose(whose, risk)
        if wrong == "late":
            self.let_time_pass(request)
        if wrong == "withdrawn":
            self.withdraw(request, whose, request.nonce)
        self.break_glass(
            request,
            other if wrong == "of other" else whose,
            self.nonce(request, wrong),
            "" if wrong == "silent" else "outage",
            "node" if wrong == "untyped" else NAME,
        )

    @rule(who=ASKERS, wrong=st.sampled_from([*NONCES, "of other", "twice"]), asked=st.booleans())
    def a_withdrawal_with_one_thing_wrong(self, who: str, wrong: str, asked: bool) -> None:
        request = self.requested(who) if asked else self.propose(who, "change")
        other = next(one for one in PEOPLE if one != who)
        for _ in range(2 if wrong == "twice" else 1):
            self.withdraw(request, other if wrong == "of other" else who, self.nonce(request, wrong))
