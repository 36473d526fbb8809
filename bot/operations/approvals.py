"""Approvals: another person's decision on one plan. The rows are the truth; buttons and words ask to change them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.maas.errors import clean
from bot.operations.plan import Plan, Target
from bot.operations.records import Operation, OperationState
from bot.operations.store import OperationStore
from bot.operations.verdict import Verdict, entry_for, remaining
from bot.people import Identity, Origin
from bot.policy import Approvers, Ask, AskTarget, Policy, Risk

#: Shortest reason that is taken: enough for a ticket's number or two words.
_SHORTEST_REASON = 4
_LONGEST_NAME = 300
#: How long a plan waits for its confirmation, or for its requester to ask for an approval.
PLAN_TTL = timedelta(minutes=15)
#: Reminders, as shares of the time that an approval waits.
_REMINDERS = (0.5, 0.85)


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """Where cards go, and how long they wait."""

    channel: str | None = None
    ttl: timedelta = timedelta(minutes=30)


def ask_of(plan: Plan) -> Ask:
    """What a plan asks of the policy: its command, on each of its machines with its pool and tags."""
    targets = [AskTarget(_pool(target), _tags(target)) for target in plan.targets]
    return Ask.of(plan.kind.replace("-", " "), plan.risk, plan.region, targets)


def _pool(target: Target) -> str | None:
    pool = target.facts.get("pool")
    return "" if pool == "none" else pool


def _tags(target: Target) -> frozenset[str]:
    tags = target.facts.get("tags", "none")
    return frozenset() if tags == "none" else frozenset(tags.split(", "))


def typed_name(plan: Plan) -> str:
    """What has to be typed before something that can't be undone: the target's name, or how many there are.

    Without the control characters that a name may carry: they can neither be seen nor typed.
    """
    if plan.in_steps:
        return clean(plan.typed or plan.subject, _LONGEST_NAME)
    return clean(plan.targets[0].name, _LONGEST_NAME) if len(plan.targets) == 1 else f"{len(plan.targets)} machines"


def names_it(typed: str, plan: Plan) -> bool:
    """Whether what was typed is that name. Host names know no upper case; phones write it at every beginning."""
    return " ".join(typed.split()).casefold() == typed_name(plan).casefold()


class Approvals:
    """Asks for approvals and takes decisions on them. Who may decide is looked up at the moment of the decision."""

    def __init__(
        self,
        store: OperationStore,
        policy: Policy,
        settings: ApprovalSettings,
        *,
        changed: Callable[[str], None],
        start: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._policy = policy
        self._settings = settings
        self._changed = changed
        self._start = start
        self._log = structlog.get_logger("approvals")

    async def ask(
        self, operation_id: str, nonce: str, person: Identity, origin: Origin, *, reason: str, typed: str
    ) -> Verdict:
        """The requester asks for approval of their plan, with a reason, and the typed name where it can't be undone."""
        operation = await self._find(operation_id)
        if operation is None or operation.nonce != nonce:
            return Verdict(False, "This belongs to no plan that I know. Ask again.")
        wrong = self._not_theirs(operation, person) or self._wrong_words(operation, reason, typed)
        if wrong is not None:
            return wrong
        if operation.queued_behind is not None:
            return Verdict(False, f"{operation_id} waits for {operation.queued_behind}; ask when its turn has come.")
        if too_old(operation):
            return Verdict(False, f"{operation_id} has expired. Ask again: the plan has to fit the world as it is now.")
        asked = ask_of(operation.plan)
        decision = await self._policy.may(person, asked, origin)
        if not decision.allowed:
            return Verdict(False, f"You can't ask for this: {decision.reason}.")
        approvers = await self._policy.approvers(asked, person.user_id)
        if len(approvers.people) < approvers.needed:
            return Verdict(False, f"Nobody could approve this: {approvers.missing}.")
        now = time.time()
        moved = await self._store.move(
            operation_id,
            [OperationState.PLANNED],
            OperationState.AWAITING,
            entry=entry_for(operation, "operation.asked", person, {"reason": reason, "needed": approvers.needed}),
            reason=reason.strip(),
            needed=approvers.needed,
            approval_channel=self._settings.channel or operation.channel,
            expires_at=now + self._settings.ttl.total_seconds(),
        )
        if not moved:
            return Verdict(False, f"{operation_id} is no longer waiting.")
        self._changed(operation_id)
        return Verdict(True)

    async def approvers_of(self, operation: Operation, *, fresh: bool = True) -> Approvers:
        """Who could decide on it now; without `fresh`, by user groups that are up to a minute old."""
        return await self._policy.approvers(ask_of(operation.plan), operation.requester_id, fresh=fresh)

    async def decide(
        self, operation_id: str, nonce: str | None, person: Identity, origin: Origin, *, approve: bool, reason: str = ""
    ) -> Verdict:
        """Approve or deny. `nonce` is that of a button; None when it was typed. A denial needs a reason."""
        operation = await self._find(operation_id)
        if operation is None or (nonce is not None and operation.nonce != nonce):
            return Verdict(False, "This belongs to no request that I know; look at its newest card.")
        if operation.state is not OperationState.AWAITING:
            return Verdict(False, f"{operation_id} waits for no approval: it is {operation.state}.")
        if person.user_id == operation.requester_id:
            return Verdict(False, f"You asked for {operation_id} yourself: another person has to decide.")
        policy, asked = self._policy.at_this_moment(), ask_of(operation.plan)
        decision = await policy.may_decide(person, asked, operation.requester_id, origin)
        if not decision.allowed:
            return Verdict(False, f"You can't decide on {operation_id}: {decision.reason}.")
        if operation.expires_at is not None and operation.expires_at < time.time():
            await self._expire(operation)
            return Verdict(False, f"{operation_id} has expired. Nothing was done.")
        if not approve and len(reason.strip()) < _SHORTEST_REASON:
            return Verdict(False, f"Say why you deny {operation_id}: {operation.requester_name} will read it.")
        kind = "operation.approved" if approve else "operation.denied"
        said = {"reason": reason.strip(), "rule": decision.reason, "door": origin.door.value, "in": origin.channel}
        entry = entry_for(operation, kind, person, said)
        # Whoever approved before and may not any more does not count; nor does what the policy needed before.
        able = await policy.approvers(asked, operation.requester_id)
        state = await self._store.decisions.decide(
            operation.id,
            person,
            approved=approve,
            reason=reason.strip(),
            entry=entry,
            able=able.people | {person.user_id},
            needed=max(operation.needed, able.needed),
            lapsed=lambda who: entry_for(operation, "operation.lapsed", who),
        )
        if state is None:
            return Verdict(False, f"{operation_id} was decided a moment ago, or you have decided already.")
        self._log.info("decided", operation=operation.id, by=person.user_id, approve=approve, state=state)
        self._changed(operation.id)
        if state is OperationState.QUEUED:
            await self._start(operation.id)
        return Verdict(True)

    async def break_glass(
        self, operation_id: str, nonce: str, person: Identity, origin: Origin, *, reason: str, typed: str
    ) -> Verdict:
        """Go on without an approval. Its own permission, off by default; told to everybody who could have approved."""
        operation = await self._find(operation_id)
        if operation is None or operation.nonce != nonce:
            return Verdict(False, "This belongs to no plan that I know. Ask again.")
        wrong = self._not_theirs(operation, person) or self._wrong_words(operation, reason, typed, always=True)
        if wrong is not None:
            return wrong
        decision = await self._policy.may_break_glass(person, ask_of(operation.plan), origin)
        if not decision.allowed:
            return Verdict(False, f"You can't break the glass: {decision.reason}.")
        lasts = self._policy.break_glass_lasts
        if lasts is None or too_old(operation):
            return Verdict(False, f"{operation_id} has expired; break-glass is for what is planned now. Ask again.")
        if operation.queued_behind is not None:
            return Verdict(False, f"{operation_id} waits for {operation.queued_behind}; its plan is made at its turn.")
        now = time.time()
        said = {"reason": reason.strip(), "rule": decision.reason, "lasts": lasts.total_seconds()}
        entry = entry_for(operation, "break_glass", person, said)
        moved = await self._store.move(
            operation.id,
            [OperationState.PLANNED, OperationState.AWAITING],
            OperationState.QUEUED,
            entry=entry,
            reason=reason.strip(),
            broke_glass=True,
            confirmed_at=now,
            expires_at=now + lasts.total_seconds(),
            approval_channel=self._settings.channel or operation.channel,
        )
        if not moved:
            return Verdict(False, f"{operation_id} was decided a moment ago.")
        self._log.warning("glass_broken", operation=operation.id, by=person.user_id)
        self._changed(operation.id)
        await self._start(operation.id)
        return Verdict(True)

    async def tend(self) -> None:
        """Let what waited too long expire, and remind of what waits long. Called every few seconds."""
        now = time.time()
        for operation in await self._store.newest(states=[OperationState.AWAITING], limit=500):
            if operation.expires_at is None:
                continue
            if operation.expires_at < now:
                await self._expire(operation)
            elif operation.reminders < (
                due := _due(operation, now, self._settings.ttl)
            ) and await self._store.decisions.remind(operation.id, due):
                self._changed(operation.id)

    async def _expire(self, operation: Operation) -> None:
        outcome = f"Nobody decided within {remaining(self._settings.ttl.total_seconds())}. Nothing was done."
        moved = await self._store.move(
            operation.id,
            [OperationState.AWAITING],
            OperationState.EXPIRED,
            entry=entry_for(operation, "operation.expired"),
            ended_at=time.time(),
            outcome=outcome,
        )
        if moved:
            self._changed(operation.id)

    async def _find(self, operation_id: str) -> Operation | None:
        try:
            return await self._store.get(operation_id.lower())
        except KeyError:
            return None

    def _not_theirs(self, operation: Operation, person: Identity) -> Verdict | None:
        if operation.requester_id != person.user_id or operation.team_id != person.team_id:
            return Verdict(False, f"Only {operation.requester_name}, who asked for it, can do that.")
        return None

    def _wrong_words(self, operation: Operation, reason: str, typed: str, *, always: bool = False) -> Verdict | None:
        if len(reason.strip()) < _SHORTEST_REASON:
            return Verdict(False, "Give a reason: the approver decides on it, and the audit keeps it.", "reason")
        wants_name = always or operation.plan.risk is Risk.IRREVERSIBLE
        if wants_name and not names_it(typed, operation.plan):
            return Verdict(False, f"Type {typed_name(operation.plan)} to show that you mean it.", "typed")
        return None


def too_old(operation: Operation) -> bool:
    """Whether a plan or a request has waited for too long, swept away or not."""
    if operation.state is OperationState.PLANNED:
        return operation.created_at + PLAN_TTL.total_seconds() < time.time()
    return operation.expires_at is not None and operation.expires_at < time.time()


def _due(operation: Operation, now: float, ttl: timedelta) -> int:
    """How many reminders should have been given by now."""
    assert operation.expires_at is not None
    passed = 1 - (operation.expires_at - now) / ttl.total_seconds()
    return sum(1 for share in _REMINDERS if passed >= share)
