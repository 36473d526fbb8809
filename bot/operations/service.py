"""Operations as commands and people see them: propose, confirm, withdraw, cancel, list; and the engine's work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import Any, TypeVar

import structlog

from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.operations import view
from bot.operations.engine import Engine, Step
from bot.operations.kinds import MachineKind
from bot.operations.plan import LeftOut, Plan, difference
from bot.operations.records import UNDER_WAY, Operation, OperationState, TargetState
from bot.operations.runner import MachineRunner
from bot.operations.store import OperationStore
from bot.people import Identity, Origin
from bot.storage import StorageUnavailableError

T = TypeVar("T")

#: How long a plan waits for its confirmation.
PLAN_TTL = timedelta(minutes=15)
#: Longest age of what `under_way` answers, in seconds; changes made by this process show at once.
_UNDER_WAY_AGE = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a click or a word had its effect; if not, why, in a sentence for the person."""

    done: bool
    reason: str = ""


class Operations:
    """All operations of this bot. `subscribe` tells which ones changed; `get` then reads the truth."""

    def __init__(
        self,
        store: OperationStore,
        regions: Mapping[str, RegionService],
        kinds: Mapping[str, MachineKind],
        *,
        pause: float = 1.0,
    ) -> None:
        self._store = store
        self._regions = regions
        self._kinds = kinds
        self._listeners: list[Callable[[str], None]] = []
        self._runner = MachineRunner(store, regions, kinds, self._changed, pause=pause)
        self._engine: Engine | None = None
        self._housekeeping: asyncio.Task[None] | None = None
        self._pause = pause
        self._confirming = asyncio.Lock()  # between looking who holds a machine and taking it
        self._under_way: asyncio.Task[list[Operation]] | None = None
        self._under_way_since = 0.0
        self._log = structlog.get_logger("operations")

    # -- life --------------------------------------------------------------------------------------------------

    async def start(self, engine: Engine) -> None:
        """Launch the engine and pick up what was left: operations under way, confirmed ones never started, old plans."""
        self._engine = engine
        for operation in await self._store.newest(states=[OperationState.CANCELLING], limit=1000):
            self._runner.cancelled(operation.id).set()
        await engine.launch()
        for operation in await self._store.newest(states=UNDER_WAY, limit=1000):
            await engine.start(operation.id)
            self._changed(operation.id)
        self._housekeeping = asyncio.create_task(self._expire_plans(), name="expire-plans")

    async def close(self) -> None:
        """Park everything; the next start goes on with it."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            await asyncio.gather(self._housekeeping, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with an operation's id after each change of it. It must return at once."""
        self._listeners.append(listener)

    # -- for people --------------------------------------------------------------------------------------------

    async def propose(self, plan: Plan, person: Identity, origin: Origin, words: str) -> Operation:
        """Store a plan and wait for its confirmation."""
        return await self._store.create(plan, person, origin, words, time.time())

    async def without_held(self, plan: Plan) -> Plan:
        """The plan without the targets that another operation is at work on; they are left out with its name."""
        held = await self._store.holders(plan.region, {target.key for target in plan.targets})
        if not held:
            return plan
        free = tuple(target for target in plan.targets if target.key not in held)
        taken = [
            LeftOut(target.name, _held_by(held[target.key])) for target in plan.targets if target.key in held
        ]
        return replace(plan, targets=free, left_out=(*plan.left_out, *taken))

    async def confirm(self, operation_id: str, nonce: str, person: Identity) -> Verdict:
        """The requester's yes. Exactly one call has the effect, however often it is clicked."""
        operation = await self._find(operation_id)
        if operation is None or operation.nonce != nonce:
            return Verdict(False, "This button belongs to no plan that I know. Ask again.")
        if operation.requester_id != person.user_id or operation.team_id != person.team_id:
            return Verdict(
                False, f"Only {operation.requester_name}, who asked for it, can confirm {operation_id}."
            )
        if operation.state is not OperationState.PLANNED:
            return Verdict(False, f"{operation_id} is no longer waiting: it is {operation.state}.")
        if operation.created_at + PLAN_TTL.total_seconds() < time.time():
            await self._move(operation_id, OperationState.PLANNED, OperationState.EXPIRED)
            return Verdict(
                False, f"{operation_id} has expired. Ask again, so that the plan fits the world as it is now."
            )
        async with self._confirming:
            holders = await self._store.holders(
                operation.region, {target.key for target in operation.targets}
            )
            held = {key: holder for key, holder in holders.items() if holder.id != operation_id}
            if held:
                key, holder = next(iter(held.items()))
                name = next(target.name for target in operation.targets if target.key == key)
                return Verdict(False, f"{name}: {_held_by(holder)}. Confirm again when that has ended.")
            if not await self._store.move(
                operation_id, [OperationState.PLANNED], OperationState.QUEUED, confirmed_at=time.time()
            ):
                return Verdict(False, f"{operation_id} was decided a moment ago.")
        self._changed(operation_id)
        assert self._engine is not None
        await self._engine.start(operation_id)
        return Verdict(True)

    async def withdraw(self, operation_id: str, nonce: str, person: Identity) -> Verdict:
        """The requester's no to their own plan."""
        operation = await self._find(operation_id)
        if operation is None or operation.nonce != nonce:
            return Verdict(False, "This button belongs to no plan that I know.")
        if operation.requester_id != person.user_id or operation.team_id != person.team_id:
            return Verdict(
                False, f"Only {operation.requester_name}, who asked for it, can withdraw {operation_id}."
            )
        if not await self._move(operation_id, OperationState.PLANNED, OperationState.WITHDRAWN):
            return Verdict(False, f"{operation_id} is no longer waiting.")
        return Verdict(True)

    async def cancel(self, operation_id: str, person: Identity) -> Verdict:
        """Stop at the next safe point: machines not begun stay untouched, those under way are aborted in MAAS."""
        operation = await self._find(operation_id)
        if operation is None:
            return Verdict(False, f"There is no operation {operation_id}.")
        if operation.state is OperationState.PLANNED:
            moved = await self._move(operation_id, OperationState.PLANNED, OperationState.WITHDRAWN)
            return Verdict(moved, "" if moved else f"{operation_id} was decided a moment ago.")
        if operation.state is OperationState.CANCELLING:
            return Verdict(False, f"{operation_id} is being cancelled already.")
        moved = await self._store.move(
            operation_id,
            [OperationState.QUEUED, OperationState.RUNNING],
            OperationState.CANCELLING,
            cancelled_by=person.user_id,
        )
        if not moved:
            return Verdict(False, f"{operation_id} has ended: {operation.outcome or operation.state}")
        self._runner.cancelled(operation_id).set()
        self._changed(operation_id)
        return Verdict(True)

    async def get(self, operation_id: str) -> Operation:
        """Read one operation, with what its targets do at the moment.

        Raises:
            KeyError: there is none of that id.
        """
        operation = await self._store.get(operation_id)
        targets = tuple(
            target
            if target.state.ended
            else replace(target, detail=self._runner.detail(operation_id, target.key))
            for target in operation.targets
        )
        return replace(operation, targets=targets)

    async def recent(self, limit: int = 20) -> list[Operation]:
        """The newest operations, without their targets."""
        return await self._store.newest(limit=limit)

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

    async def holder(self, region: str, key: str) -> Operation | None:
        """The operation that is at work on this machine, if any."""
        return (await self._store.holders(region, {key})).get(key)

    async def plan(self, kind: str, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at the world and say what an operation of this kind would do. Raises MaasError."""
        return await self._kinds[kind].plan(region, options)

    def kind(self, operation: Operation) -> MachineKind:
        """The kind of an operation, for its words."""
        return self._kinds[operation.kind]

    async def usual_duration(self, kind: str, region: str) -> timedelta | None:
        """The median of how long it took lately, or None when it was done fewer than three times."""
        durations = await self._store.durations(kind, region)
        return timedelta(seconds=median(durations)) if len(durations) >= 3 else None

    # -- for the engine ----------------------------------------------------------------------------------------

    async def begin(self, operation_id: str) -> list[str]:
        """Make the plan anew; if the world is another one by now, the operation is void and says what changed."""
        return await self._until_stored(lambda: self._begin(operation_id))

    async def run_target(self, operation_id: str, key: str, step: Step) -> None:
        """Work on one target."""
        await self._runner.run(await self._until_stored(lambda: self._store.get(operation_id)), key, step)

    async def finish(self, operation_id: str) -> None:
        """Write how it ended."""
        await self._until_stored(lambda: self._finish(operation_id))

    async def _until_stored(self, work: Callable[[], Awaitable[T]]) -> T:
        # Given up, the engine would never come back to the operation, and its machines would stay held.
        while True:
            try:
                return await work()
            except StorageUnavailableError as error:
                self._log.warning("storage_awaited", reason=error.reason)
                await asyncio.sleep(5 * self._pause)

    async def _begin(self, operation_id: str) -> list[str]:
        operation = await self._store.get(operation_id)
        keys = [target.key for target in operation.plan.targets]
        if operation.state in {OperationState.RUNNING, OperationState.CANCELLING}:
            return keys
        if operation.state is not OperationState.QUEUED:
            return []
        changes = await self._changes_since(operation)
        if changes:
            outcome = "Nothing was done: the plan no longer fits. " + "; ".join(changes) + "."
            await self._move(operation_id, OperationState.QUEUED, OperationState.VOID, outcome)
            return []
        await self._store.move(
            operation_id, [OperationState.QUEUED], OperationState.RUNNING, started_at=time.time()
        )
        self._changed(operation_id)
        return keys

    async def _finish(self, operation_id: str) -> None:
        operation = await self._store.get(operation_id)
        if operation.state.ended:
            return
        failed, done = operation.count(TargetState.FAILED), operation.count(TargetState.DONE)
        stopped = operation.count(TargetState.STOPPED, TargetState.UNTOUCHED)
        if operation.state is OperationState.CANCELLING and stopped:
            state = OperationState.CANCELLED
        else:
            state = OperationState.FAILED if failed else OperationState.DONE
        outcome = _counts(operation, done, failed)
        await self._store.move(operation_id, UNDER_WAY, state, outcome=outcome, ended_at=time.time())
        self._runner.forget(operation)
        self._log.info("operation_ended", operation=operation_id, state=state, done=done, failed=failed)
        self._changed(operation_id)

    async def _changes_since(self, operation: Operation) -> list[str]:
        region = self._regions.get(operation.region)
        kind = self._kinds.get(operation.kind)
        if region is None or kind is None:
            return [f"the region {operation.region} is no longer in the settings"]
        deadline = time.monotonic() + 120 * self._pause
        while True:
            try:
                now = await kind.plan(region, operation.plan.options)
            except MaasError as error:
                if time.monotonic() > deadline:
                    return [f"MAAS could not be asked: {error.problem}"]
                await asyncio.sleep(5 * self._pause)
                continue
            return [] if now.fingerprint == operation.plan.fingerprint else difference(operation.plan, now)

    # -- small ones --------------------------------------------------------------------------------------------

    async def _find(self, operation_id: str) -> Operation | None:
        try:
            return await self._store.get(operation_id.lower())
        except KeyError:
            return None

    async def _move(
        self, operation_id: str, expected: OperationState, new: OperationState, outcome: str = ""
    ) -> bool:
        moved = await self._store.move(operation_id, [expected], new, ended_at=time.time(), outcome=outcome)
        if moved:
            self._changed(operation_id)
        return moved

    async def _expire_plans(self) -> None:
        while True:
            try:
                for operation in await self._store.newest(states=[OperationState.PLANNED], limit=500):
                    if operation.created_at + PLAN_TTL.total_seconds() < time.time():
                        await self._move(operation.id, OperationState.PLANNED, OperationState.EXPIRED)
            except StorageUnavailableError as error:
                self._log.warning("plans_not_expired", reason=error.reason)
            await asyncio.sleep(20)

    def _changed(self, operation_id: str) -> None:
        self._under_way = None
        for listener in self._listeners:
            listener(operation_id)


def _held_by(operation: Operation) -> str:
    since = f" for {view.duration(time.time() - operation.started_at)}" if operation.started_at else ""
    return f"{operation.id} ({operation.plan.title}, asked by {operation.requester_name}) is at work on it{since}"


def _counts(operation: Operation, done: int, failed: int) -> str:
    labels: dict[str, int] = {}
    for target in operation.targets:
        labels[target.label] = labels.get(target.label, 0) + 1
    states = ", ".join(
        f"{count} {label}" for label, count in sorted(labels.items(), key=lambda item: -item[1])
    )
    total = len(operation.targets)
    if failed:
        return f"{failed} of {total} failed ({states})"
    return f"{done} of {total} done ({states})"
