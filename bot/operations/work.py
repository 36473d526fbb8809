"""What the engine runs for an operation: look again, take the locks, work on each target, write the outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import sqlalchemy as sa
import structlog

from bot import audit
from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.operations import locks, sealed
from bot.operations.engine import Step
from bot.operations.kinds import Kind
from bot.operations.live import Live
from bot.operations.pacing import told
from bot.operations.plan import Plan, difference
from bot.operations.records import UNDER_WAY, Operation, OperationState, TargetState
from bot.operations.runner import MachineRunner
from bot.operations.step_runner import StepRunner
from bot.operations.steps import StepKind
from bot.operations.store import OperationStore
from bot.operations.verdict import entry_for
from bot.policy import Risk

#: How long an operation's start waits for a region that does not answer, in seconds.
_REGION_PATIENCE = 120.0


class _HeldError(Exception):
    """Somebody else holds a lock; carries the holder's operation id."""


class OperationWork:
    """The engine's side of operations. Every method may run again after a crash."""

    def __init__(
        self,
        store: OperationStore,
        regions: Mapping[str, RegionService],
        kinds: Mapping[str, Kind],
        machines: MachineRunner,
        steps: StepRunner,
        live: Live,
        *,
        pause: float,
    ) -> None:
        self._store = store
        self._regions = regions
        self._kinds = kinds
        self._machines = machines
        self._steps = steps
        self._live = live
        self._changed = live.changed
        self._pause = pause
        self._log = structlog.get_logger("work")

    async def begin(self, operation_id: str) -> list[str]:
        """Make the plan anew and take the locks, then say which targets to work on (none: it ended or waits again)."""
        while True:
            operation = await self._store.get(operation_id)
            if operation.state in {OperationState.RUNNING, OperationState.CANCELLING}:
                return [target.key for target in operation.targets]
            if operation.state.open:
                # A new plan took the place of one whose turn has come; people have to give their word on it first.
                await asyncio.sleep(2 * self._pause)
                continue
            if operation.state is not OperationState.QUEUED:
                return []
            holder = await self._start(operation)
            if holder is None:
                continue
            if holder != operation.queued_behind:
                await self._store.set(operation_id, queued_behind=holder)
                self._changed(operation_id)
            await asyncio.sleep(2 * self._pause)

    async def _start(self, operation: Operation) -> str | None:
        """Take the locks and start. Returns the operation that holds one of them, None when the state has moved on."""
        if operation.glass_ends is not None and operation.glass_ends < time.time():
            await self._void(operation, ["the break-glass was for a limited time, and that has passed"])
            return None
        held = await self._held(operation)
        if held is not None:
            return held
        now = await self._plan_now(operation)
        if isinstance(now, str):
            await self._void(operation, [now])
            return None
        changes = difference(operation.plan, now) if now.fingerprint != operation.plan.fingerprint else []
        late = operation.queued_behind is not None and now.targets
        if late and (not operation.agreed or (changes and operation.plan.risk is Risk.CHANGE)):
            # Its turn has come and the world moved on, as it had to: people give their word on the plan as it is now.
            entry = entry_for(operation, "operation.turn", None, {"changes": changes, "fingerprint": now.fingerprint})
            await self._store.plan_again(operation.id, now, entry)
            self._changed(operation.id)
            return None
        if not changes and not operation.agreed:
            self._log.error("begun_without_a_word", operation=operation.id, risk=operation.plan.risk)
            changes = [f"it is {operation.plan.risk}, and nobody approved it"]
        if changes:
            await self._void(operation, changes)
            return None

        def take(connection: sa.Connection) -> None:
            keys = operation.plan.lock_keys
            taken = locks.acquire(connection, operation.region, keys, operation.id, time.time())
            if taken:
                raise _HeldError(next(iter(taken.values())))

        try:
            await self._store.move(
                operation.id,
                [OperationState.QUEUED],
                OperationState.RUNNING,
                entry=entry_for(operation, "operation.started"),
                also=take,
                started_at=time.time(),
            )
        except _HeldError as held_error:
            return str(held_error)
        self._changed(operation.id)
        return None

    async def _held(self, operation: Operation) -> str | None:
        holders = await self._store.holders(operation.region, operation.plan.lock_keys)
        others = [holder for holder in holders.values() if holder.id != operation.id and holder.started_at is not None]
        return others[0].id if others else None

    async def run_target(self, operation_id: str, key: str, step: Step) -> None:
        """Work on one target: a machine, or a step at its turn."""
        operation = await self._store.get(operation_id)
        if operation.state is OperationState.CANCELLING:
            # The word may have been taken by another bot, or before a crash: it holds before anything is asked of MAAS.
            self._live.cancelled(operation_id).set()
        kind = self._kinds.get(operation.kind)
        if isinstance(kind, StepKind):
            await self._steps.run(operation, kind, key, step)
        else:
            await self._machines.run(operation, key, step)

    async def finish(self, operation_id: str) -> None:
        """Write how it ended, and give the locks back in the same transaction."""
        operation = await self._store.get(operation_id)
        if operation.state not in {OperationState.RUNNING, OperationState.CANCELLING}:
            return  # it ended without being begun, or waits for people again
        failed, done = operation.count(TargetState.FAILED), operation.count(TargetState.DONE)
        stopped = operation.count(TargetState.STOPPED, TargetState.UNTOUCHED)
        if operation.state is OperationState.CANCELLING and stopped:
            state = OperationState.CANCELLED
        else:
            # A target that never came to an end is no success: the thread must not say so.
            state = OperationState.DONE if done == len(operation.targets) else OperationState.FAILED
        outcome = outcome_of(operation, done, failed)

        region = self._regions.get(operation.region)
        if operation.plan.in_steps and region is not None:
            region.watcher.look_now()  # whoever reads that it has ended, and asks for the status, sees what it changed

        def let_go(connection: sa.Connection) -> None:
            locks.release(connection, operation_id)
            if state is OperationState.DONE:  # otherwise a retry needs them
                sealed.discard(connection, operation.plan.options)

        moved = await self._store.move(
            operation_id,
            UNDER_WAY,
            state,
            entry=entry_for(operation, "operation.ended", None, {"state": state.value, "outcome": outcome}),
            also=let_go,
            outcome=outcome,
            ended_at=time.time(),
        )
        if moved:
            self._machines.forget(operation)
            self._steps.forget(operation)
            self._live.forget(operation)
            self._log.info("operation_ended", operation=operation_id, state=state, done=done, failed=failed)
            self._changed(operation_id)

    async def _plan_now(self, operation: Operation) -> Plan | str:
        region = self._regions.get(operation.region)
        kind = self._kinds.get(operation.kind)
        if region is None or kind is None:
            return f"the region {operation.region} is no longer in the settings"
        deadline = time.monotonic() + _REGION_PATIENCE * self._pause
        while True:
            try:
                return told(await kind.plan(region, operation.plan.options))
            except MaasError as error:
                if time.monotonic() > deadline:
                    return f"{error.source} could not be asked: {error.problem}"
                await asyncio.sleep(5 * self._pause)

    async def _void(self, operation: Operation, changes: list[str]) -> None:
        outcome = "Nothing was done: the plan no longer fits. " + "; ".join(changes) + "."
        entry: audit.Entry = entry_for(operation, "operation.void", None, {"changes": changes})
        await self._store.move(
            operation.id,
            [OperationState.QUEUED],
            OperationState.VOID,
            entry=entry,
            ended_at=time.time(),
            outcome=outcome,
        )
        self._changed(operation.id)


def outcome_of(operation: Operation, done: int, failed: int) -> str:
    """How it came out: in counts of MAAS's own states and of what was never begun, or by the step that broke it off."""
    if operation.plan.in_steps:
        return _outcome_of_steps(operation, done)
    labels: dict[str, int] = {}
    halted = operation.count(TargetState.UNTOUCHED) if failed else 0
    for target in operation.targets:
        if not halted or target.state is not TargetState.UNTOUCHED:
            labels[target.label] = labels.get(target.label, 0) + 1
    states = ", ".join(f"{count} {label}" for label, count in sorted(labels.items(), key=lambda item: -item[1]))
    total = len(operation.targets)
    if failed:
        rest = f", {halted} not begun" if halted else ""
        return f"{failed} of {total} failed{rest} ({states})"
    return f"{done} of {total} done ({states})"


def _outcome_of_steps(operation: Operation, done: int) -> str:
    total = len(operation.targets)
    if done == total:
        return "done" if total == 1 else f"all {total} steps done"
    broken = next((row for row in operation.targets if row.state in {TargetState.FAILED, TargetState.STOPPED}), None)
    rest = operation.count(TargetState.UNTOUCHED)
    counts = f"{done} of {total} steps done" + (f", {rest} not begun" if rest else "")
    if broken is None:
        return counts
    word = "failed" if broken.state is TargetState.FAILED else "was stopped"
    return f"{broken.name} {word}; {counts}"
