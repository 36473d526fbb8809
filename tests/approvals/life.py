"""What the model of an approval's life stands on: the process, its people, and what each act has to come to.

The model knows all that an answer may depend on, and works it out by itself. An act that comes to something else, a yes
as well as a no, is a fault.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize

from bot.audit import Audit
from bot.operations.approvals import ApprovalSettings, too_old
from bot.operations.records import Operation, OperationState
from bot.operations.service import Operations
from bot.operations.store import OperationStore
from bot.operations.verdict import Verdict
from bot.people import Identity, Standing
from bot.policy import Policy, Risk, Role
from bot.storage import Database
from tests.approvals.switch import GLASS, HERE, NAME, PEOPLE, POLICY, REGION, Engine, Switch, empty_database
from tests.policy.support import rules as read_rules

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A plan as the person who asked sees it, and the nonce of its buttons."""

    id: str
    nonce: str


class Life(RuleBasedStateMachine):
    """One database, the processes that come and go on it, and what the model knows of each operation."""

    plans = Bundle("plans")

    @initialize()
    def set_up(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        file = Path(self.folder.name) / "bot.sqlite"
        shutil.copyfile(empty_database(), file)
        self.database = Database(f"sqlite:///{file}")
        self.kind = Switch()
        self.approvers: list[str] = ["U0OLGA", "U0ANDREA", "U0ALICE"]
        self.needed = 1
        self.effects: dict[str, int] = {}
        self.legal: dict[str, str] = {}
        self.fingerprints: dict[str, str] = {}
        #: How operations ended, which they may do once.
        self.ends: dict[str, OperationState] = {}
        self.build()

    def build(self) -> None:
        """A process: everything in memory is new, the database is what it was."""
        roles: dict[Role, Sequence[str]] = {Role.OPERATOR: PEOPLE[:3]}
        rules = read_rules(POLICY.format(who=self.approvers, needed=self.needed, glass=GLASS))
        self.policy = Policy("T0", _nobody, ("C0OPS",), roles, rules)
        self.engine = Engine()
        store = OperationStore(self.database, time.time)
        approval = ApprovalSettings(None, timedelta(minutes=30))
        self.operations = Operations(
            store, {"default": REGION}, {"switch": self.kind}, self.policy, approval, pause=0.0001
        )
        self.operations._engine = self.engine  # type: ignore[assignment]

    def teardown(self) -> None:
        """The audit is whole, whatever happened."""
        if not hasattr(self, "loop"):
            return
        verdict = self.run(Audit(self.database).verify())
        assert verdict.whole, verdict
        self.database.close()
        self.loop.close()
        self.folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def now(self, request: Request) -> Operation:
        return self.run(self.operations.get(request.id))

    # -- people's acts, and what has to come of them ---------------------------------------------------------------

    def propose(self, who: str, risk: str) -> Request:
        plan = self.run(self.operations.plan("switch", REGION, {"risk": risk, "ids": ["abc"]}))
        operation = self.run(self.operations.propose(plan, person(who), HERE, f"switch {NAME}"))
        self.fingerprints[operation.id] = plan.fingerprint
        return Request(operation.id, operation.nonce)

    def ask(self, request: Request, who: str, nonce: str, reason: str, typed: str) -> bool:
        before = self.now(request)
        verdict = self.run(
            self.operations.approvals.ask(request.id, nonce, person(who), HERE, reason=reason, typed=typed)
        )
        return self.comes_to(
            verdict,
            nonce == request.nonce,
            who == before.requester_id,
            bool(reason),
            typed == NAME or before.plan.risk is not Risk.IRREVERSIBLE,
            before.state is OperationState.PLANNED,
            not too_old(before),
            len(set(self.approvers) - {who}) >= self.needed,
        )

    def confirm(self, request: Request, who: str, nonce: str) -> bool:
        before, held = self.now(request), self.held(request)
        verdict = self.run(self.operations.confirm(request.id, nonce, person(who)))
        done = self.comes_to(
            verdict,
            nonce == request.nonce,
            who == before.requester_id,
            before.plan.risk is Risk.CHANGE,
            before.state is OperationState.PLANNED,
            not too_old(before),
            not held,
        )
        if done:
            self.legal[request.id] = "confirmed"
        return done

    def decide(
        self,
        request: Request,
        who: str,
        nonce: str | None,
        *,
        approve: bool = True,
        reason: str = "because",
        standing: Standing = Standing.MEMBER,
    ) -> bool:
        before = self.now(request)
        done = self.comes_to(
            self.run(self.deciding(request, who, nonce, approve=approve, reason=reason, standing=standing)),
            nonce in {None, request.nonce},
            standing is Standing.MEMBER,
            who != before.requester_id,
            who in self.approvers,
            before.state is OperationState.AWAITING,
            not too_old(before),
            who not in {one.person_id for one in before.decisions},
            approve or bool(reason),
        )
        if done:
            after = self.now(request)
            # Whoever may no more counts no more; what was needed at the request is the least.
            given = {one.person_id for one in before.decisions if one.person_id in self.approvers} | {who}
            enough = len(given) >= max(self.needed, before.needed)
            assert not approve or {one.person_id for one in after.decisions} == given
            wanted = OperationState.QUEUED if enough else OperationState.AWAITING
            assert after.state is (wanted if approve else OperationState.DENIED)
            if approve and enough:
                self.legal[request.id] = "approved"
        return done

    async def deciding(
        self,
        request: Request,
        who: str,
        nonce: str | None,
        *,
        approve: bool = True,
        reason: str = "because",
        standing: Standing = Standing.MEMBER,
    ) -> Verdict:
        return await self.operations.approvals.decide(
            request.id, nonce, person(who, standing), HERE, approve=approve, reason=reason
        )

    def withdraw(self, request: Request, who: str, nonce: str | None) -> bool:
        before = self.now(request)
        return self.comes_to(
            self.run(self.operations.withdraw(request.id, nonce, person(who))),
            nonce in {None, request.nonce},
            who == before.requester_id,
            before.state.open,
        )

    def break_glass(self, request: Request, who: str, nonce: str, reason: str, typed: str) -> bool:
        before = self.now(request)
        verdict = self.run(
            self.operations.approvals.break_glass(request.id, nonce, person(who), HERE, reason=reason, typed=typed)
        )
        done = self.comes_to(
            verdict,
            nonce == request.nonce,
            who == before.requester_id == GLASS,
            bool(reason),
            typed == NAME,  # whatever the risk
            before.state.open,
            not too_old(before),
        )
        if done:
            self.legal[request.id] = "glass"
        return done

    def comes_to(self, verdict: Verdict, *conditions: bool) -> bool:
        """It had its effect if all of these hold, and else it told why not."""
        assert verdict.done == all(conditions), (verdict, conditions)
        assert verdict.done or verdict.reason
        return verdict.done

    def held(self, request: Request) -> bool:
        """Whether another operation is to work on the same machine, or does."""
        return any(one.id != request.id for one in self.run(self.operations.under_way()))

    # -- what the world does ---------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Everything in memory goes; the next process picks up what the database holds under way."""
        self.build()
        for operation in self.run(self.operations.under_way()):
            self.run(self.engine.start(operation.id))

    def work(self) -> None:
        """The engine runs what was started; an operation that gets past its begin has its effect."""
        started, self.engine.started = self.engine.started, []
        for operation_id in dict.fromkeys(started):
            before = self.run(self.operations.get(operation_id))
            fits = self.fingerprints[operation_id] == self.plan_now(before)
            over = before.glass_ends is not None and before.glass_ends < time.time()
            keys = self.run(asyncio.wait_for(self.operations.work.begin(operation_id), 5))
            assert bool(keys) == (before.state is OperationState.QUEUED and fits and not over)
            if keys:
                self.effects[operation_id] = self.effects.get(operation_id, 0) + 1
                self.run(self.operations.work.finish(operation_id))

    def plan_now(self, operation: Operation) -> str:
        return self.run(self.operations.plan("switch", REGION, operation.plan.options)).fingerprint


async def _nobody(group: str) -> frozenset[str]:
    del group
    return frozenset()


def person(user_id: str, standing: Standing = Standing.MEMBER) -> Identity:
    return Identity("T0", user_id, user_id.lower(), standing)
