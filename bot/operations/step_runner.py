"""Works on one step of an operation in steps, at its turn; a crash at any point neither loses nor repeats it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from bot.maas.errors import MaasError, clean, ended
from bot.maas.service import RegionService
from bot.operations.engine import Step
from bot.operations.live import Live
from bot.operations.records import FailureCause, Operation, TargetRow, TargetState
from bot.operations.step_wait import StepWait
from bot.operations.steps import (
    AsItWas,
    OperationStep,
    SharedFiles,
    StepAgainError,
    StepContext,
    StepFailedError,
    StepKind,
    StepStoppedError,
)
from bot.operations.store import OperationStore
from bot.operations.verdict import entry_for
from bot.storage import StorageUnavailableError

_OPEN = frozenset({TargetState.WAITING, TargetState.ASKING})
#: Longest label of a row, as the database takes it.
_LABEL = 120
#: Seconds between looks whether the steps before have ended: their ends are told, but not those seen elsewhere.
_LOOK = 5.0


class StepRunner:
    """Runs step kinds. A step begins when all before it have ended well; after a failure the rest is not begun."""

    def __init__(
        self,
        store: OperationStore,
        regions: Mapping[str, RegionService],
        live: Live,
        *,
        shared: SharedFiles | None = None,
        pause: float = 1.0,
    ) -> None:
        self._shared = shared
        self._store = store
        self._regions = regions
        self._live = live
        self._pause = pause
        self._ended: dict[str, asyncio.Event] = {}
        self._log = structlog.get_logger("step_runner")

    def forget(self, operation: Operation) -> None:
        """Let go of what was kept for an operation that has ended."""
        self._ended.pop(operation.id, None)

    async def run(self, operation: Operation, kind: StepKind, key: str, step: Step) -> None:
        """Wait for the step's turn, then do it: one durable step, safe to repeat."""
        await step("do", partial(self._do, operation, kind, key))

    async def _do(self, operation: Operation, kind: StepKind, key: str) -> str:
        target = await self._turn(operation, key)
        if target is None or target.state.ended:
            return "ended"
        try:
            region = self._regions.get(operation.region)
            one = next((one for one in kind.steps(operation.plan.options) if one.key == key), None)
            if region is None:
                problem = f"The region {operation.region} is no longer in the settings."
                raise StepFailedError(problem, "Set it up again, then retry.")
            if one is None:
                raise StepFailedError(f"{target.name} is a step of another version of the bot.", "Ask for it again.")
            context = self._context(operation, key, region, repeated=target.state is TargetState.ASKING)
            if target.state is TargetState.WAITING:
                await self._begin(operation, target)
            await self._work(kind, one, operation, target, context)
        except StepStoppedError as stopped:
            await self._end(operation, target, TargetState.STOPPED, "Stopped", str(stopped) or "Stopped on request")
        except StepFailedError as error:
            cause = FailureCause(f"{ended(error.problem)} {error.remedy}".strip(), error.script, error.tail, error.log)
            await self._end(operation, target, TargetState.FAILED, "Failed", cause.summary, cause)
        except MaasError as error:
            cause = FailureCause(f"{ended(error.problem)} {error.remedy}".strip())
            await self._end(operation, target, TargetState.FAILED, "Failed", cause.summary, cause)
        except StorageUnavailableError:
            raise  # the engine runs the step again when the database is back
        except Exception as error:
            self._log.exception("step_failed", operation=operation.id, step=key)
            problem = f"The bot itself failed ({type(error).__name__}); look at its log for {operation.id}."
            await self._end(operation, target, TargetState.FAILED, "Unknown", problem, FailureCause(problem))
        return "ended"

    # -- its turn ----------------------------------------------------------------------------------------------

    async def _turn(self, operation: Operation, key: str) -> TargetRow | None:
        """The step's row when its turn has come; None when it came to its end without being begun."""
        while True:
            ended = self._ended.setdefault(operation.id, asyncio.Event())
            rows = (await self._store.get(operation.id)).targets
            target = next(row for row in rows if row.key == key)
            before = [row for row in rows if row.seq < target.seq]
            broken = next((row for row in before if row.state.ended and row.state is not TargetState.DONE), None)
            if target.state is TargetState.WAITING and (broken or self._live.cancelled(operation.id).is_set()):
                said = f"{broken.name} did not end well" if broken and broken.state is TargetState.FAILED else ""
                await self._end(operation, target, TargetState.UNTOUCHED, "Not begun", said)
                return None
            if all(row.state.ended for row in before):
                return target
            try:
                await asyncio.wait_for(ended.wait(), _LOOK * self._pause)
            except TimeoutError:
                continue

    # -- doing it ----------------------------------------------------------------------------------------------

    async def _work(
        self, kind: StepKind, one: OperationStep, operation: Operation, target: TargetRow, context: StepContext
    ) -> None:
        """Look, act, look again. When what it works on goes away in between, wait for it and begin with the look."""
        wait = StepWait(kind, context, runs_on=one.detached and context.repeated)
        while True:
            try:
                label = await one.check(context)
                was_so = label is not None and not context.repeated
                if label is None:
                    if one.can_stop or not context.repeated:
                        context.stop_if_cancelled()
                    await one.apply(context)
                    label = await one.verify(context)
                    was_so = isinstance(label, AsItWas)
                detail = "It was so already" if was_so else ""
                await self._end(operation, target, TargetState.DONE, label, detail)
                return
            except (StepAgainError, MaasError) as error:
                context.note(wait.after(error))
                if one.can_stop:
                    context.stop_if_cancelled("What was begun may still go on.")
                await context.sleep(wait.next())
                context = self._context(operation, target.key, context.region, repeated=True)

    def _context(self, operation: Operation, key: str, region: RegionService, *, repeated: bool) -> StepContext:
        return StepContext(
            operation.id,
            key,
            region,
            operation.plan.options,
            repeated,
            self._live.cancelled(operation.id),
            partial(self._live.note, operation.id, key),
            self._pause,
            self._shared,
            next((one.state for one in operation.plan.targets if one.key == key), ""),
        )

    async def _begin(self, operation: Operation, target: TargetRow) -> None:
        details = {"step": target.key, "outcome": "begun"}
        await self._store.targets.move(
            operation.id,
            target.key,
            [TargetState.WAITING],
            TargetState.ASKING,
            entry=entry_for(operation, "operation.step", None, details, (operation.plan.subject, target.name)),
            asked_at=time.time(),
        )
        self._live.changed(operation.id)

    async def _end(
        self,
        operation: Operation,
        target: TargetRow,
        state: TargetState,
        label: str,
        detail: str = "",
        cause: FailureCause | None = None,
    ) -> None:
        values: dict[str, Any] = {"label": clean(label, _LABEL), "detail": detail, "ended_at": time.time()}
        if cause is not None:
            values["cause"] = cause
        details = {"step": target.key, "outcome": state.value, "state": label, "detail": detail}
        entry = entry_for(operation, "operation.step", None, details, (operation.plan.subject, target.name))
        await self._store.targets.move(operation.id, target.key, _OPEN, state, entry=entry, **values)
        self._live.quiet(operation.id, target.key)
        self._ended.pop(operation.id, asyncio.Event()).set()
        self._live.changed(operation.id)
