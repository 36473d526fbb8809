"""Operations as commands and people see them: propose, confirm, withdraw, cancel, list. The work is in `work`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import Any

import structlog
from pydantic import SecretStr

from bot.maas.service import RegionService
from bot.operations.approvals import Approvals, ApprovalSettings, ask_of, too_old
from bot.operations.engine import Engine
from bot.operations.kinds import Kind, MachineKind
from bot.operations.live import Live
from bot.operations.pacing import told
from bot.operations.plan import LeftOut, Plan, Target
from bot.operations.records import UNDER_WAY, Operation, OperationState, TargetRow, TargetState
from bot.operations.runner import MachineRunner
from bot.operations.sealed import Sealed
from bot.operations.showing import Showing
from bot.operations.step_runner import StepRunner
from bot.operations.steps import SharedFiles, StepKind
from bot.operations.store import OperationStore
from bot.operations.verdict import Verdict, entry_for, remaining
from bot.operations.work import OperationWork
from bot.people import Identity, Origin
from bot.policy import Policy, Risk
from bot.storage import StorageUnavailableError

#: Longest age of what `under_way` answers, in seconds; changes made by this process show at once.
_UNDER_WAY_AGE = 1.0
_MAY_QUEUE = "Add --queue to wait for its end"
_ENDED_BADLY = (TargetState.FAILED, TargetState.STOPPED, TargetState.UNTOUCHED)


class Operations:
    """All operations of this bot. `subscribe` tells which ones changed; `get` then reads the truth."""

    def __init__(
        self,
        store: OperationStore,
        regions: Mapping[str, RegionService],
        kinds: Mapping[str, Kind],
        policy: Policy,
        approval: ApprovalSettings,
        *,
        sealed: Sealed | None = None,
        shared: SharedFiles | None = None,
        pause: float = 1.0,
    ) -> None:
        self._store = store
        self._sealed = sealed
        self._kinds = kinds
        self._regions = regions
        self._policy = policy
        self._listeners: list[Callable[[str], None]] = []
        self._live = Live(self._changed)
        self.showing = Showing()
        machine_kinds = {name: kind for name, kind in kinds.items() if isinstance(kind, MachineKind)}
        machines = MachineRunner(store, regions, machine_kinds, self._live, sealed=sealed, pause=pause)
        steps = StepRunner(store, regions, self._live, shared=shared, pause=pause)
        self.work = OperationWork(store, regions, kinds, machines, steps, self._live, pause=pause)
        self.approvals = Approvals(store, policy, approval, changed=self._changed, start=self._begin)
        self._engine: Engine | None = None
        self._housekeeping: asyncio.Task[None] | None = None
        self._pause = pause
        self._confirming = asyncio.Lock()  # between looking who holds a machine and taking it
        self._under_way: asyncio.Task[list[Operation]] | None = None
        self._under_way_since = 0.0
        self._log = structlog.get_logger("operations")

    # -- life --------------------------------------------------------------------------------------------------

    async def start(self, engine: Engine) -> None:
        """Launch the engine and pick up what was left: operations under way, confirmed ones never begun, old plans."""
        self._engine = engine
        for operation in await self._store.newest(states=[OperationState.CANCELLING], limit=1000):
            self._live.cancelled(operation.id).set()
        engine.subscribe(changed=self._changed, cancel=self._cancelled_elsewhere)
        await engine.launch()
        for operation in await self._store.newest(states=UNDER_WAY, limit=1000):
            await engine.start(operation.id)
            self._changed(operation.id)
        self._housekeeping = asyncio.create_task(self._keep_house(), name="operations-housekeeping")

    async def close(self) -> None:
        """Park everything; the next start goes on with it."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            await asyncio.gather(self._housekeeping, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    def shown_here(self, operation: Operation) -> bool:
        """Whether this bot is the one that keeps the operation's thread: where several are at it, who works on it."""
        if not operation.state.under_way or operation.replica is None:
            return True
        return self._engine is not None and self._engine.shows(operation.replica)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with an operation's id after each change of it. It must return at once."""
        self._listeners.append(listener)

    # -- for people --------------------------------------------------------------------------------------------

    async def plan(self, kind: str, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at the world and say what an operation of this kind would do. Raises MaasError."""
        return told(await self._kinds[kind].plan(region, options))

    async def seal(self, secret: SecretStr) -> str:
        """Keep what an operation needs and nobody may read; the key that opens it goes into its option `sealed`."""
        assert self._sealed is not None, "nothing keeps secrets here"
        return await self._sealed.seal(secret)

    async def without_held(self, plan: Plan) -> Plan:
        """The plan without the targets that another operation is at work on; they are left out with its name."""
        held = await self._store.holders(plan.region, plan.lock_keys)
        if not held:
            return plan
        if plan.in_steps:
            holder = next(iter(held.values()))
            return replace(plan, targets=(), left_out=(LeftOut(plan.subject, f"{held_by(holder)}. {_MAY_QUEUE}"),))
        free = tuple(target for target in plan.targets if target.key not in held)
        taken = [
            LeftOut(target.name, f"{held_by(held[target.key])}. {_MAY_QUEUE}")
            for target in plan.targets
            if target.key in held
        ]
        return replace(plan, targets=free, left_out=(*plan.left_out, *taken))

    async def with_holders(self, plan: Plan) -> Plan:
        """The plan with the reasons of those left out replaced where an operation of ours is what stands in the way."""
        held = await self._store.holders(plan.region, set(plan.options.get("ids", ())))
        reasons = {
            target.name: f"{held_by(holder)}. {_MAY_QUEUE}"
            for key, holder in held.items()
            for target in holder.plan.targets
            if target.key == key
        }
        told = tuple(replace(one, reason=reasons.get(one.name, one.reason)) for one in plan.left_out)
        return replace(plan, left_out=told)

    async def behind(self, plan: Plan) -> tuple[Plan, str | None]:
        """A plan for machines that another operation works on: it waits for that one, and is made anew at its turn.

        What needs an approval is asked for then: an approval binds to a plan, and this one is of a world that is
        about to change. Returns the plan as it is, and None, when nothing is held.
        """
        wanted = plan.lock_keys if plan.in_steps else plan.options.get("ids", ())
        held = await self._store.holders(plan.region, wanted)
        if not held:
            return plan, None
        last = max(held.values(), key=lambda holder: holder.confirmed_at or 0.0)
        if plan.in_steps:
            return plan, last.id
        known = {target.key for target in plan.targets}
        names = {target.key: target.name for holder in held.values() for target in holder.plan.targets}
        waiting = tuple(
            Target(key, names.get(key, key), f"after {holder.id}") for key, holder in held.items() if key not in known
        )
        taken = {target.name for target in waiting}
        left_out = tuple(one for one in plan.left_out if one.name not in taken)
        count = len(plan.targets) + len(waiting)
        title = (
            plan.title
            if not waiting
            else f"{self._kinds[plan.kind].verb} " + (waiting[0].name if count == 1 else f"{count} machines")
        )
        return replace(plan, title=title, targets=(*plan.targets, *waiting), left_out=left_out), last.id

    async def propose(
        self, plan: Plan, person: Identity, origin: Origin, words: str, reason: str = "", behind: str | None = None
    ) -> Operation:
        """Store a plan and wait for its confirmation. `behind` names the operation whose machines it waits for."""
        operation = await self._store.create(plan, person, origin, words, reason)
        if behind is not None:
            await self._store.set(operation.id, queued_behind=behind)
        return await self._store.get(operation.id)

    async def posted(self, operation_id: str, link: str) -> None:
        """Keep the address of the message that shows the operation: this and all later records of the audit name it."""
        operation = replace(await self._store.get(operation_id), link=link)
        await self._store.posted(operation_id, link, entry_for(operation, "operation.posted"))

    async def confirm(self, operation_id: str, nonce: str, person: Identity) -> Verdict:
        """The requester's yes to a change. Exactly one call has the effect, however often it is clicked."""
        operation = await self._find(operation_id)
        if operation is None or operation.nonce != nonce:
            return Verdict(False, "This button belongs to no plan that I know. Ask again.")
        if operation.requester_id != person.user_id or operation.team_id != person.team_id:
            return Verdict(False, f"Only {operation.requester_name}, who asked for it, can confirm {operation_id}.")
        if operation.state is not OperationState.PLANNED:
            return Verdict(False, f"{operation_id} is no longer waiting: it is {operation.state}.")
        if operation.plan.risk is not Risk.CHANGE and operation.queued_behind is None:
            return Verdict(False, f"{operation_id} is {operation.plan.risk}: another person has to approve it.")
        if too_old(operation):
            await self._drop(operation, OperationState.EXPIRED, "operation.expired")
            return Verdict(False, f"{operation_id} has expired. Ask again: the plan has to fit the world as it is now.")
        async with self._confirming:
            if operation.queued_behind is None:
                holders = await self._store.holders(operation.region, operation.plan.lock_keys)
                held = {key: holder for key, holder in holders.items() if holder.id != operation.id}
                if held:
                    key, holder = next(iter(held.items()))
                    return Verdict(
                        False, f"{operation.plan.name_of(key)}: {held_by(holder)}. Confirm again when that has ended."
                    )
            moved = await self._store.move(
                operation.id,
                [OperationState.PLANNED],
                OperationState.QUEUED,
                entry=entry_for(operation, _kind_of_yes(operation), person, {"behind": operation.queued_behind or ""}),
                confirmed_at=time.time(),
            )
        if not moved:
            return Verdict(False, f"{operation_id} was decided a moment ago.")
        self._changed(operation.id)
        await self._begin(operation.id)
        return Verdict(True)

    async def withdraw(self, operation_id: str, nonce: str | None, person: Identity) -> Verdict:
        """The requester's no to their own plan or request. `nonce` is that of a button; None when it was typed."""
        operation = await self._find(operation_id)
        if operation is None or (nonce is not None and operation.nonce != nonce):
            return Verdict(False, "This button belongs to no plan that I know.")
        if operation.requester_id != person.user_id or operation.team_id != person.team_id:
            return Verdict(False, f"Only {operation.requester_name}, who asked for it, can withdraw {operation_id}.")
        if not await self._drop(operation, OperationState.WITHDRAWN, "operation.withdrawn", person):
            return Verdict(False, f"{operation_id} is no longer waiting: it is {operation.state}.")
        return Verdict(True)

    async def cancel(self, operation_id: str, person: Identity, origin: Origin) -> Verdict:
        """Stop at the next safe point: machines not begun stay untouched, those under way are stopped in MAAS."""
        operation = await self._find(operation_id)
        if operation is None:
            return Verdict(False, f"There is no operation {operation_id}.")
        decision = await self._policy.may(person, ask_of(operation.plan), origin)
        if not decision.allowed:
            return Verdict(False, f"You can't cancel {operation_id}: {decision.reason}.")
        if operation.state.open:
            return await self.withdraw(operation.id, None, person)
        if operation.state is OperationState.CANCELLING:
            return Verdict(False, f"{operation_id} is being cancelled already.")
        moved = await self._store.move(
            operation.id,
            [OperationState.QUEUED, OperationState.RUNNING],
            OperationState.CANCELLING,
            entry=entry_for(operation, "operation.cancelled", person),
            cancelled_by=person.user_id,
        )
        if not moved:
            return Verdict(False, f"{operation_id} has ended: {operation.outcome or operation.state}")
        self._live.cancelled(operation.id).set()
        self._changed(operation.id)
        return Verdict(True)

    async def retry_options(
        self, operation: Operation, states: Collection[TargetState] = _ENDED_BADLY
    ) -> dict[str, Any] | None:
        """The options of an operation for what did not end well, or ended in these states; None when nothing did.

        Work in steps is planned anew as a whole: each step looks first, so what is done stays done.
        """
        if operation.plan.in_steps:
            return None if operation.state is OperationState.DONE else dict(operation.plan.options)
        again = [target.key for target in operation.targets if target.state in states]
        if not again:
            return None
        options = operation.plan.options
        return {**(await self._sealed.again(options) if self._sealed is not None else options), "ids": again}

    def retry_kind(self, operation: Operation) -> str:
        """The kind to go on with: of several phases the one that failed, where all that failed did so in the same."""
        kind = self._kinds[operation.kind]
        phases = {target.phase for target in operation.targets if target.state in _ENDED_BADLY}
        if len(phases) != 1 or not isinstance(kind, MachineKind):
            return operation.kind
        name = kind.phases()[phases.pop()].name
        return name if name in self._kinds else operation.kind

    async def get(self, operation_id: str) -> Operation:
        """Read one operation, with what its targets do at the moment.

        Raises:
            KeyError: there is none of that id.
        """
        operation = await self._store.get(operation_id)
        targets = tuple(
            target if target.state.ended else replace(target, detail=self._live.detail(operation_id, target.key))
            for target in operation.targets
        )
        return replace(operation, targets=targets, unshown=self.showing.of(operation_id))

    async def recent(self, limit: int = 20) -> list[Operation]:
        """The newest operations, without their targets."""
        return [replace(one, unshown=self.showing.of(one.id)) for one in await self._store.newest(limit=limit)]

    async def under_way(self) -> list[Operation]:
        """Operations that are being worked on, without their targets. Many askers at once share one read."""
        now = time.monotonic()
        if self._under_way is None or now - self._under_way_since > _UNDER_WAY_AGE:
            self._under_way = asyncio.create_task(self._store.newest(states=UNDER_WAY, limit=200))
            self._under_way_since = now
        reading = self._under_way
        try:
            return list(await asyncio.shield(reading))
        except StorageUnavailableError:
            if self._under_way is reading:
                self._under_way = None
            raise

    async def awaiting(self) -> list[Operation]:
        """Operations that wait for an approval, without their targets."""
        return await self._store.newest(states=[OperationState.AWAITING], limit=100)

    async def holder(self, region: str, key: str) -> Operation | None:
        """The operation that is at work on this machine, if any."""
        return (await self._store.holders(region, {key})).get(key)

    async def of_machine(self, region: str, key: str, limit: int = 5) -> list[tuple[Operation, TargetRow]]:
        """What was begun on this machine, newest first, and what came of it there."""
        return await self._store.of_machine(region, key, limit)

    async def failure_log(self, operation_id: str, key: str) -> str:
        """Everything that is known of why a target failed, for a file; "" when nothing is."""
        return await self._store.logs.of(operation_id, key)

    def kind(self, operation: Operation) -> Kind:
        """The kind of an operation, for its words."""
        return self._kinds[operation.kind]

    async def output_of(self, operation: Operation) -> str:
        """The last lines of what runs for an operation in steps; "" when there is no such thing. Raises MaasError."""
        kind, region = self._kinds.get(operation.kind), self._regions.get(operation.region)
        return await kind.log(region, operation.id) if isinstance(kind, StepKind) and region is not None else ""

    async def usual_duration(self, kind: str, region: str) -> timedelta | None:
        """The median of how long it took lately, or None when it was never done.

        Of machines it is the time for one; of work in steps that of the whole.
        """
        if isinstance(self._kinds.get(kind), StepKind):
            whole = await self._store.whole_durations(kind, region)
            return timedelta(seconds=median(whole)) if whole else None
        durations = await self._store.durations(kind, region)
        return timedelta(seconds=median(durations)) if durations else None

    @property
    def has_glass(self) -> bool:
        """Whether anybody may break the glass."""
        return self._policy.break_glass_lasts is not None

    # -- small ones --------------------------------------------------------------------------------------------

    async def _begin(self, operation_id: str) -> None:
        assert self._engine is not None, "operations are not started"
        await self._engine.start(operation_id)

    async def _find(self, operation_id: str) -> Operation | None:
        try:
            return await self._store.get(operation_id.lower())
        except KeyError:
            return None

    async def _drop(self, operation: Operation, new: OperationState, kind: str, person: Identity | None = None) -> bool:
        moved = await self._store.move(
            operation.id,
            [OperationState.PLANNED, OperationState.AWAITING],
            new,
            entry=entry_for(operation, kind, person),
            ended_at=time.time(),
        )
        if moved:
            self._changed(operation.id)
        return moved

    async def _keep_house(self) -> None:
        while True:
            try:
                for operation in await self._store.newest(states=[OperationState.PLANNED], limit=500):
                    if too_old(operation):
                        await self._drop(operation, OperationState.EXPIRED, "operation.expired")
                await self.approvals.tend()
            except StorageUnavailableError as error:
                self._log.warning("housekeeping_failed", reason=error.reason)
            await asyncio.sleep(max(1.0, 10 * self._pause))

    def _cancelled_elsewhere(self, operation_id: str) -> None:
        flag = self._live.cancelled(operation_id)
        if not flag.is_set():
            flag.set()
            self._changed(operation_id)

    def _changed(self, operation_id: str) -> None:
        self._under_way = None
        for listener in self._listeners:
            listener(operation_id)


def _kind_of_yes(operation: Operation) -> str:
    """In the audit: to have a place in the line is no yes to the plan that is made at its turn."""
    return "operation.confirmed" if operation.queued_behind is None else "operation.queued"


def held_by(operation: Operation) -> str:
    """Who holds a machine, what it does there, since when."""
    since = f" for {remaining(time.time() - operation.started_at)}" if operation.started_at else ""
    return f"{operation.id} ({operation.plan.title}, asked by {operation.requester_name}) is at work on it{since}"
