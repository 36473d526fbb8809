"""A model of an approval's life: any order of clicks, expiries, crashes, policy changes and replays keeps the promises.

No effect without a valid word on that very plan; at most one effect; never approved by the requester; every end is
in the audit, and the chain is whole.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, TypeVar

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from bot.audit import Audit
from bot.maas.models import Event, Machine
from bot.operations.approvals import ApprovalSettings, too_old
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.operations.records import OperationState
from bot.operations.service import Operations
from bot.operations.store import OperationStore
from bot.people import Door, Identity, Origin, Standing
from bot.policy import Policy, Risk, Role
from bot.storage import Database
from bot.tables import audit_records, operations
from tests.policy.support import rules as read_rules

T = TypeVar("T")

PEOPLE = ["U0OLGA", "U0ANDREA", "U0ALICE", "U0VICTOR"]
#: Mostly as it should be: a run of random clicks would hardly ever come to an effect, and prove nothing.
MOSTLY = st.sampled_from([True] * 5 + [False])
#: Who may break the glass.
GLASS = "U0OLGA"
POLICY = """
[[policy.approve]]
name = "approvers"
who = {who}
commands = ["*"]
needed = {needed}

[policy.break_glass]
who = ["{glass}"]
for = "30m"
"""
HERE = Origin(Door.BUTTON, "C0OPS")
REGION: Any = type("Region", (), {"name": "default"})()
ENDS = {
    OperationState.WITHDRAWN: "operation.withdrawn",
    OperationState.EXPIRED: "operation.expired",
    OperationState.DENIED: "operation.denied",
    OperationState.VOID: "operation.void",
}


class Switch(MachineKind):
    """Something that can be done to one machine, in a world of one value."""

    name = "switch"
    verb, participle, past = "Switch", "Switching", "Switched"

    def __init__(self) -> None:
        self.world = 0

    async def plan(self, region: Any, options: Mapping[str, Any]) -> Plan:
        target = Target("abc", "node-1", f"state {self.world}", {"pool": "lab", "tags": ""})
        return Plan(
            "switch", Risk(options["risk"]), region.name, "Switch node-1", (target,), ("switch it",), options=options
        )

    async def ask(self, region: Any, key: str, options: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        raise NotImplementedError

    def end(self, machine: Machine) -> End | None:
        raise NotImplementedError

    async def stop(self, region: Any, key: str) -> None:
        raise NotImplementedError


class Engine:
    """Remembers what was to be started; a crash forgets it."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def launch(self) -> None:
        pass

    async def start(self, operation_id: str) -> None:
        self.started.append(operation_id)

    async def close(self) -> None:
        pass


class ApprovalLife(RuleBasedStateMachine):
    plans = Bundle("plans")

    @initialize()
    def set_up(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        file = Path(self.folder.name) / "bot.sqlite"
        shutil.copyfile(_empty_database(), file)
        self.database = Database(f"sqlite:///{file}")
        self.kind = Switch()
        self.approvers: list[str] = ["U0OLGA", "U0ANDREA", "U0ALICE"]
        self.needed = 1
        #: Who has approved what, as far as it was taken.
        self.given: dict[str, set[str]] = {}
        self.effects: dict[str, int] = {}
        self.legal: dict[str, str] = {}
        self.fingerprints: dict[str, str] = {}
        self.build()

    def build(self) -> None:
        """A process: everything in memory is new, the database is what it was."""
        roles: dict[Role, Sequence[str]] = {Role.OPERATOR: PEOPLE[:3]}
        rules = read_rules(POLICY.format(who=self.approvers, needed=self.needed, glass=GLASS))
        self.policy = Policy("T0", self.nobody, ("C0OPS",), roles, rules)
        self.engine = Engine()
        store = OperationStore(self.database, time.time)
        approval = ApprovalSettings(None, timedelta(minutes=30))
        self.operations = Operations(
            store, {"default": REGION}, {"switch": self.kind}, self.policy, approval, pause=0.0001
        )
        self.operations._engine = self.engine  # type: ignore[assignment]

    async def nobody(self, group: str) -> frozenset[str]:
        del group
        return frozenset()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def person(self, user_id: str, standing: Standing = Standing.MEMBER) -> Identity:
        return Identity("T0", user_id, user_id.lower(), standing)

    def now(self, operation_id: str) -> Any:
        return self.run(self.operations.get(operation_id))

    # -- what people and the world do ------------------------------------------------------------------------------

    @rule(target=plans, who=st.sampled_from(PEOPLE[:3]), risk=st.sampled_from(["change", "irreversible"]))
    def propose(self, who: str, risk: str) -> tuple[str, str]:
        plan = self.run(self.operations.plan("switch", REGION, {"risk": risk, "ids": ["abc"]}))
        operation = self.run(self.operations.propose(plan, self.person(who), HERE, "switch node-1"))
        self.fingerprints[operation.id] = plan.fingerprint
        return operation.id, operation.nonce

    @rule(target=plans, who=st.sampled_from(PEOPLE[:3]), risk=st.sampled_from(["destructive", "irreversible"]))
    def request(self, who: str, risk: str) -> tuple[str, str]:
        """Plan and ask in one, as people do."""
        plan = self.propose(who, risk)
        self.ask(plan, True, who, True, True)
        return plan

    @rule(plan=plans, who=st.sampled_from(PEOPLE[:3]))
    def approve_and_work(self, plan: tuple[str, str], who: str) -> None:
        self.decide(plan, who, False, True, True, Standing.MEMBER)
        self.work()

    @rule(plan=plans, who=st.sampled_from(PEOPLE[:3]))
    def the_world_changes_between_the_approval_and_the_work(self, plan: tuple[str, str], who: str) -> None:
        self.decide(plan, who, False, True, True, Standing.MEMBER)
        self.change_world()
        self.work()

    @rule(plan=plans)
    def crash_between_the_word_and_the_work(self, plan: tuple[str, str]) -> None:
        requester = str(self.now(plan[0]).requester_id)
        self.decide(plan, next(one for one in PEOPLE if one != requester), False, True, True, Standing.MEMBER)
        self.crash()
        self.work()
        self.crash()
        self.work()

    def requester_or(self, before: Any, right: bool, other: str) -> str:
        return str(before.requester_id) if right else other

    @rule(plan=plans, right=MOSTLY, other=st.sampled_from(PEOPLE), fresh=MOSTLY)
    def confirm(self, plan: tuple[str, str], right: bool, other: str, fresh: bool) -> None:
        before, stale = self.now(plan[0]), not fresh
        who = self.requester_or(before, right, other)
        verdict = self.run(self.operations.confirm(plan[0], "stale" if stale else plan[1], self.person(who)))
        if verdict.done:
            assert not stale
            assert who == before.requester_id
            assert before.plan.risk is Risk.CHANGE
            self.legal[plan[0]] = "confirmed"

    @rule(plan=plans, right=MOSTLY, other=st.sampled_from(PEOPLE), reasoned=MOSTLY, named=MOSTLY)
    def ask(self, plan: tuple[str, str], right: bool, other: str, reasoned: bool, named: bool) -> None:
        before = self.now(plan[0])
        who = self.requester_or(before, right, other)
        reason, typed = "disk is dying" if reasoned else "", "node-1" if named else "node"
        verdict = self.run(
            self.operations.approvals.ask(plan[0], plan[1], self.person(who), HERE, reason=reason, typed=typed)
        )
        if verdict.done:
            assert who == before.requester_id
            assert reason
            assert typed == "node-1" or before.plan.risk is not Risk.IRREVERSIBLE
            assert len(set(self.approvers) - {who}) >= self.needed

    @rule(
        plan=plans,
        who=st.sampled_from(PEOPLE),
        themselves=st.booleans(),
        approve=MOSTLY,
        fresh=MOSTLY,
        standing=st.sampled_from([Standing.MEMBER] * 8 + [Standing.GUEST, Standing.FOREIGN, Standing.BOT]),
    )
    def decide(
        self, plan: tuple[str, str], who: str, themselves: bool, approve: bool, fresh: bool, standing: Standing
    ) -> None:
        before, stale = self.now(plan[0]), not fresh
        who = self.requester_or(before, themselves, who)
        verdict = self.run(
            self.operations.approvals.decide(
                plan[0],
                "stale" if stale else plan[1],
                self.person(who, standing),
                HERE,
                approve=approve,
                reason="because",
            )
        )
        if verdict.done:
            assert not stale
            assert standing is Standing.MEMBER
            assert who != before.requester_id
            assert who in self.approvers
            assert before.state is OperationState.AWAITING
            after = self.now(plan[0])
            if approve:
                given = self.given.setdefault(plan[0], set())
                assert who not in given, "nobody counts twice"
                given &= set(self.approvers)  # whoever may no more counts no more
                given.add(who)
                assert {one.person_id for one in after.decisions} == given
                assert (after.state is OperationState.QUEUED) == (len(given) >= max(self.needed, before.needed))
            if approve and after.state is OperationState.QUEUED:
                self.legal[plan[0]] = "approved"

    @rule(plan=plans, who=st.sampled_from(PEOPLE))
    def withdraw(self, plan: tuple[str, str], who: str) -> None:
        before = self.now(plan[0])
        if self.run(self.operations.withdraw(plan[0], plan[1], self.person(who))).done:
            assert who == before.requester_id

    @rule(plan=plans, right=MOSTLY, other=st.sampled_from(PEOPLE), reasoned=MOSTLY, named=MOSTLY)
    def break_glass(self, plan: tuple[str, str], right: bool, other: str, reasoned: bool, named: bool) -> None:
        before = self.now(plan[0])
        who = self.requester_or(before, right, other)
        reason, typed = "outage" if reasoned else "", "node-1" if named else "node"
        verdict = self.run(
            self.operations.approvals.break_glass(plan[0], plan[1], self.person(who), HERE, reason=reason, typed=typed)
        )
        if verdict.done:
            assert who == before.requester_id == GLASS
            assert reason and typed == "node-1", "whatever the risk"
            assert before.state.open and not too_old(before)
            self.legal[plan[0]] = "glass"

    @rule(plan=plans)
    def the_policy_gets_stricter_while_it_waits(self, plan: tuple[str, str]) -> None:
        self.change_how_many(2)
        for who in PEOPLE[1:3]:
            self.decide(plan, who, False, True, True, Standing.MEMBER)

    @rule(plan=plans)
    def the_first_of_two_loses_the_right(self, plan: tuple[str, str]) -> None:
        self.change_how_many(2)
        self.decide(plan, PEOPLE[1], False, True, True, Standing.MEMBER)
        if PEOPLE[1] in self.approvers:
            self.change_policy(PEOPLE[1])
        for who in (PEOPLE[2], PEOPLE[0]):
            self.decide(plan, who, False, True, True, Standing.MEMBER)

    @rule(plan=plans)
    def break_glass_and_work(self, plan: tuple[str, str]) -> None:
        self.break_glass(plan, True, GLASS, True, True)
        self.work()

    @rule(plan=plans)
    def break_glass_and_wait(self, plan: tuple[str, str]) -> None:
        self.break_glass(plan, True, GLASS, True, True)
        self.let_time_pass(plan, True)
        self.work()

    @rule(who=st.sampled_from(PEOPLE))
    def change_policy(self, who: str) -> None:
        """Somebody edits the file, and the bot is started anew."""
        if who in self.approvers:
            self.approvers.remove(who)
        else:
            self.approvers.append(who)
        self.crash()

    @rule(needed=st.sampled_from([1, 1, 2]))
    def change_how_many(self, needed: int) -> None:
        self.needed = needed
        self.crash()

    @rule()
    def change_world(self) -> None:
        self.kind.world += 1

    @rule(plan=plans, really=st.sampled_from([True, False, False]))
    def let_time_pass(self, plan: tuple[str, str], really: bool) -> None:
        if not really:
            return
        past = time.time() - 7200
        update = operations.update().where(operations.c.id == plan[0])
        self.run(
            self.database.run(lambda connection: connection.execute(update.values(created_at=past, expires_at=past)))
        )

    @rule()
    def tend(self) -> None:
        self.run(self.operations.approvals.tend())

    @rule()
    def crash(self) -> None:
        """Everything in memory goes; the next process picks up what the database holds under way."""
        self.build()
        for operation in self.run(self.operations.under_way()):
            self.run(self.engine.start(operation.id))

    @rule()
    def work(self) -> None:
        """The engine runs what was started; an operation that gets past its begin has its effect."""
        started, self.engine.started = self.engine.started, []
        for operation_id in dict.fromkeys(started):
            before = self.now(operation_id)
            if before.state is not OperationState.QUEUED:
                continue
            plan_now = self.run(self.operations.plan("switch", REGION, before.plan.options))
            keys = self.run(asyncio.wait_for(self._begin(operation_id), 5))
            if before.broke_glass and before.glass_ends < time.time():
                assert not keys, "the time of the glass is over"
            if keys:
                self.effects[operation_id] = self.effects.get(operation_id, 0) + 1
                assert self.fingerprints[operation_id] == plan_now.fingerprint, "the plan that was shown still fits"
                self.run(self.operations.work.finish(operation_id))

    async def _begin(self, operation_id: str) -> list[str]:
        return await self.operations.work.begin(operation_id)

    # -- the promises ----------------------------------------------------------------------------------------------

    @invariant()
    def no_effect_without_a_word_and_at_most_one(self) -> None:
        for operation_id, count in self.effects.items():
            assert count == 1
            assert operation_id in self.legal

    @invariant()
    def every_end_is_in_the_audit(self) -> None:
        ended = self.run(self.operations.recent(500))
        kinds = self.run(self.database.run(_kinds_by_operation))
        for operation in ended:
            wanted = ENDS.get(operation.state)
            if wanted is not None:
                assert wanted in kinds.get(operation.id, set()), f"{operation.id} {operation.state}"
            assert operation.broke_glass == ("break_glass" in kinds.get(operation.id, set()))

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        verdict = self.run(Audit(self.database).verify())
        assert verdict.whole, verdict
        self.database.close()
        self.loop.close()
        self.folder.cleanup()


def _kinds_by_operation(connection: sa.Connection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for operation_id, kind in connection.execute(sa.select(audit_records.c.operation_id, audit_records.c.kind)):
        found.setdefault(operation_id, set()).add(kind)
    return found


@lru_cache(maxsize=1)
def _empty_database() -> Path:
    """A database with its tables, made once: the migrations would cost more than all that is tried on it."""
    file = Path(mkdtemp()) / "empty.sqlite"
    database = Database(f"sqlite:///{file}")
    asyncio.run(database.create())
    database.close()
    return file


TestApprovalLife = ApprovalLife.TestCase
TestApprovalLife.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
