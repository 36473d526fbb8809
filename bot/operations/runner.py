"""Works on one target of an operation so that a crash at any point neither loses nor repeats it.

The intent (`asking`, with the newest event before it) is written before MAAS is asked. Whoever finds the intent after
a crash looks for the request's traces first, in the machine and in its events, and asks only when there are none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from bot.maas.causes import why_failed
from bot.maas.errors import MaasError, RegionBusy, RegionUnreachable
from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations.engine import Step
from bot.operations.kinds import End, MachineKind
from bot.operations.live import Live
from bot.operations.pacing import Pacing
from bot.operations.plan import Target
from bot.operations.records import FailureCause, Operation, TargetRow, TargetState
from bot.operations.sealed import OPTION, Sealed
from bot.operations.store import OperationStore
from bot.operations.turns import Turns
from bot.operations.verdict import entry_for
from bot.storage import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_OPEN = frozenset({TargetState.WAITING, TargetState.ASKING, TargetState.ASKED})

#: Seconds for the traces of a request to show in the region before it counts as not taken.
_TRACE_PATIENCE = 4.0
#: How often MAAS is asked anew after a look showed that it did not take the request.
_ATTEMPTS = 3


class MachineRunner:
    """Runs machine kinds, target by target, with a bound on how many at once per operation."""

    def __init__(
        self,
        store: OperationStore,
        regions: Mapping[str, RegionService],
        kinds: Mapping[str, MachineKind],
        live: Live,
        *,
        sealed: Sealed | None = None,
        pause: float = 1.0,
        silence_limit: float = 3600.0,
    ) -> None:
        """Make a runner.

        Args:
            store: where operations are kept.
            regions: the regions by name.
            kinds: the kinds by name.
            live: what people see of operations while they run.
            sealed: opens what the options of operations keep sealed.
            pause: scales every wait, in seconds; tests make it small.
            silence_limit: seconds without a sign of life from a machine after which it counts as failed.
        """
        self._store = store
        self._regions = regions
        self._kinds = kinds
        self._live = live
        self._sealed = sealed
        self._changed = live.changed
        self.cancelled = live.cancelled
        self._note = live.note
        self._pause = pause
        self._silence_limit = silence_limit
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._turns = Turns(store, live.cancelled, pause=pause)
        self._log = structlog.get_logger("runner")

    def forget(self, operation: Operation) -> None:
        """Let go of what was kept for an operation that has ended."""
        self._slots.pop(operation.id, None)
        self._turns.forget(operation.id)

    async def run(self, operation: Operation, key: str, step: Step) -> None:
        """Ask, then wait, for each phase of the kind. Each is one durable step, safe to repeat."""
        kind = self._kinds[operation.kind]
        await self._turns.come(operation, key)
        limit = Pacing.of(operation.plan.options).at_once or kind.at_once
        slots = self._slots.setdefault(operation.id, asyncio.Semaphore(limit))
        async with self._slot(slots, operation.id):
            for number in range(len(kind.phases())):
                suffix = f" {number + 1}" if number else ""
                asked = await step(f"ask{suffix}", partial(self._guard, operation, key, number, self._ask))
                if asked != "asked":
                    return
                if await step(f"wait{suffix}", partial(self._guard, operation, key, number, self._wait)) != "next":
                    return

    @asynccontextmanager
    async def _slot(self, slots: asyncio.Semaphore, operation_id: str) -> AsyncIterator[None]:
        # A cancelled operation does not queue for slots: what waits is to be marked as not touched at once.
        if self.cancelled(operation_id).is_set():
            yield
            return
        acquire = asyncio.ensure_future(slots.acquire())
        cancelled = asyncio.ensure_future(self.cancelled(operation_id).wait())
        try:
            await asyncio.wait({acquire, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            yield
        finally:
            cancelled.cancel()
            if acquire.done() and not acquire.cancelled():
                slots.release()
            else:
                acquire.cancel()

    async def _guard(self, operation: Operation, key: str, number: int, work: Callable[..., Any]) -> str:
        """Run one step; a defect of ours ends the target with a plain word instead of hanging the operation.

        The row, not the step's name, tells which phase the target is in: an operation may be run anew from its rows.
        """
        region = self._regions.get(operation.region)
        kind = self._kinds[operation.kind].phases()[number]
        kind = kind.bound(operation.plan.options, _planned(operation, key))
        try:
            if region is None:
                raise MaasError(f"The region {operation.region} is no longer in the settings.", "Set it up again.")
            target = await self._store.targets.get(operation.id, key)
            if target.state.ended:
                return "ended"
            if target.phase > number:
                return "asked" if work == self._ask else "next"
            return str(await work(operation, target, kind, region))
        except MaasError as error:
            cause = FailureCause(f"{kind.preamble} {error.problem} {error.remedy}".strip())
            await self._fail(operation.id, key, cause, "Half done" if kind.preamble else "Not done")
        except StorageUnavailableError:
            raise  # the engine runs the step again when the database is back
        except Exception as error:
            self._log.exception("step_failed", operation=operation.id, target=key)
            problem = f"The bot itself failed ({type(error).__name__}); look at its log for {operation.id}."
            cause = FailureCause(f"{kind.preamble} {problem}".strip())
            await self._fail(operation.id, key, cause, "Unknown")
        return "ended"

    # -- asking ------------------------------------------------------------------------------------------------

    async def _ask(self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService) -> str:
        if target.state is TargetState.ASKED:
            return "asked"
        repeated = target.state is TargetState.ASKING
        if not repeated:
            # Half-way is no safe point: a machine that was switched off to be switched on again is switched on.
            if self.cancelled(operation.id).is_set() and target.phase == 0:
                await self._end(operation.id, target.key, TargetState.UNTOUCHED, "Not touched")
                return "ended"
            if not await self._until_due(operation, target, kind, region):
                await self._end(operation.id, target.key, TargetState.UNTOUCHED, "Not touched")
                return "ended"
            if (reason := await self._turns.over(operation, target)) != "":
                await self._end(operation.id, target.key, TargetState.UNTOUCHED, "Not begun", reason)
                return "ended"
            baseline = await self._baseline(operation, target, kind, region)
            details = {"target": target.key, "outcome": "asking"}
            asking = entry_for(operation, "operation.step", None, details, (target.name,))
            await self._store.targets.move(
                operation.id,
                target.key,
                [TargetState.WAITING],
                TargetState.ASKING,
                entry=asking,
                baseline=baseline,
                asked_at=target.asked_at or time.time(),
            )
            self._changed(operation.id)
            target = await self._store.targets.get(operation.id, target.key)
        for attempt in range(_ATTEMPTS):
            look_first = repeated or attempt > 0
            if look_first:
                target = await self._store.targets.get(operation.id, target.key)
                if await self._find_traces(operation, target, kind, region):
                    break
            if kind.looks_first:
                await self._see_that_it_is_as_planned(operation, target, kind, region)
            if await self._ask_once(operation, target, kind, region):
                break
        else:
            problem = f"MAAS did not take the request in {_ATTEMPTS} tries."
            raise MaasError(problem, f"Look at {target.name}, then ask again.")
        await self._store.targets.move(operation.id, target.key, [TargetState.ASKING], TargetState.ASKED)
        self._changed(operation.id)
        return "asked"

    async def _until_due(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> bool:
        """Wait until nothing holds the machine up, for days if need be; False when it was cancelled meanwhile.

        Nothing was asked yet, and nothing of it is written: whoever goes on after a crash waits on.
        """

        async def look() -> str:
            return await kind.held_up(region, target.key, operation.plan.options)

        cancelled = self.cancelled(operation.id)
        while reason := await self._patiently(operation.id, target.key, look):
            self._note(operation.id, target.key, f"Waiting: {reason}")
            with suppress(TimeoutError):
                await asyncio.wait_for(cancelled.wait(), 5 * self._pause)
            if cancelled.is_set():
                return False
        return True

    async def _baseline(self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService) -> int:
        """The newest event from before the request; 0 where the log is not asked for traces of it."""
        if not kind.logged:
            return 0
        newest = await self._patiently(operation.id, target.key, lambda: region.newest_event_id(target.key))
        return int(newest)

    async def _see_that_it_is_as_planned(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> None:
        """Look at the machine right before MAAS is asked: the yes was given to what the plan said of it."""

        async def look() -> Machine | None:
            return await kind.find(region, target.key)

        planned = _planned(operation, target.key)
        changed = kind.changed_since(await self._patiently(operation.id, target.key, look), planned) if planned else ""
        if changed:
            raise MaasError(f"{target.name} is not as it was planned: {changed}.", "It was left alone; ask again.")

    async def _ask_once(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> bool:
        """Ask. True: MAAS took it. False: look for traces, then perhaps ask again."""
        try:
            options = operation.plan.options
            if self._sealed is not None and options.get(OPTION):
                options = await self._sealed.opened(options)
            await kind.ask(region, target.key, options)
        except RegionBusy as error:
            if "no rack" in error.problem.lower():
                raise
            self._note(operation.id, target.key, error.problem)
            await self._forget_traces(operation, target, kind, region)
            await asyncio.sleep(self._pause * max(error.retry_after or 0.0, 10.0))
            return False
        except RegionUnreachable as error:
            self._note(operation.id, target.key, f"{error.problem} Looking whether the request arrived.")
            await asyncio.sleep(self._pause * 2)
            return False
        except MaasError as error:
            if error.outcome_unknown:
                return False
            # A request of ours that arrived after all makes the second one a wrong-state error: look before failing.
            if await self._find_traces(operation, target, kind, region, patience=0.0):
                return True
            raise
        return True

    async def _forget_traces(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> None:
        """Of a request that MAAS refused: it logs who ordered what before it finds that it can't be done now."""
        baseline = await self._baseline(operation, target, kind, region)
        asking = [TargetState.ASKING]
        await self._store.targets.move(operation.id, target.key, asking, TargetState.ASKING, baseline=baseline)

    async def _find_traces(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        patience: float = _TRACE_PATIENCE,
    ) -> bool:
        """Look whether an earlier request was taken; give one that is still under way a moment to show."""
        until = time.monotonic() + patience * self._pause

        async def look() -> tuple[Machine | None, list[Event]]:
            events = await self._events_since(target, region) if kind.logged else []
            return await kind.find(region, target.key), events

        while True:
            machine, events = await self._patiently(operation.id, target.key, look)
            if kind.taken(machine, events):
                return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(self._pause)

    async def _events_since(self, target: TargetRow, region: RegionService) -> list[Event]:
        """What MAAS logged of the machine since before it was asked."""
        events = await region.api.events(id=target.key, after=target.baseline or 0, level="DEBUG")
        return [event for event in events if event.id > (target.baseline or 0)]

    async def _patiently(self, operation_id: str, key: str, read: Callable[[], Any]) -> Any:
        """Read from the region, waiting while it is away: reads can be repeated, and giving up would lose the work."""
        delay = self._pause * 2
        until = time.monotonic() + self._silence_limit
        while True:
            try:
                return await read()
            except (RegionUnreachable, RegionBusy) as error:
                if time.monotonic() > until or self.cancelled(operation_id).is_set():
                    raise
                self._note(operation_id, key, f"{error.problem} Waiting for the region.")
                await asyncio.sleep(delay)
                delay = min(delay * 1.5, 30.0)

    # -- waiting -----------------------------------------------------------------------------------------------

    async def _wait(self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService) -> str:
        # A read begun after the request: the view may still hold the machine as it was before.
        await self._patiently(operation.id, target.key, lambda: region.fleet.refresh([target.key]))
        watch = asyncio.ensure_future(self._follow(operation, target, kind, region))
        cancelled = asyncio.ensure_future(self.cancelled(operation.id).wait())
        try:
            await asyncio.wait({watch, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if not watch.done():
                self._note(operation.id, target.key, "Stopping.")
                with suppress(MaasError):
                    await kind.stop(region, target.key)
                    await region.fleet.refresh([target.key])
            machine, end = await watch
        finally:
            cancelled.cancel()
            watch.cancel()
        last = target.phase + 1 == len(self._kinds[operation.kind].phases())
        if end is not None and end.good and not last:
            asked, waiting = [TargetState.ASKED], TargetState.WAITING
            phase = target.phase + 1
            await self._store.targets.move(operation.id, target.key, asked, waiting, phase=phase, label=end.label)
            self._changed(operation.id)
            return "next"
        await self._conclude(operation, target, kind, region, (machine, end))
        return "ended"

    async def _follow(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> tuple[Machine | None, End | None]:
        """Wait for the machine's end. No end: it showed no sign of life for too long; no machine: it is gone."""
        last_label = target.label
        limit = (kind.patience or self._silence_limit) * self._pause
        async with region.fleet.subscribe(target.key) as changes:
            machine = region.fleet.get(target.key)
            heard = time.monotonic()
            while True:
                if machine is None:
                    return None, kind.gone()
                end = await self._outcome(operation, target, kind, region, machine)
                if end is not None:
                    return machine, end
                if machine.status_name != last_label:
                    last_label = machine.status_name
                    await self._store.targets.label(operation.id, target.key, last_label)
                self._note(operation.id, target.key, machine.status_message or "")
                left = heard + limit - time.monotonic()
                if left <= 0:
                    return machine, None
                until = time.monotonic() + min(left, kind.look_every * self._pause or left)
                try:
                    while (change := await asyncio.wait_for(anext(changes), until - time.monotonic())).word:
                        # What MAAS's log says already; whether that is the end shows when the machine was read.
                        if change.word != last_label:
                            last_label = change.word
                            await self._store.targets.label(operation.id, target.key, last_label)
                            self._note(operation.id, target.key, "")
                            self._changed(operation.id)
                except TimeoutError:
                    seen = await self._patiently(operation.id, target.key, lambda: region.fleet.refresh([target.key]))
                    machine = seen.get(target.key)
                    continue
                except StopAsyncIteration:
                    # The view was closed: the bot is stopping. The next start goes on from here.
                    await asyncio.Event().wait()
                machine, heard = change.after, time.monotonic()

    async def _outcome(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService, machine: Machine
    ) -> End | None:
        def events() -> Awaitable[list[Event]]:
            return self._events_since(target, region)

        if kind.by_events:
            return kind.outcome(machine, await self._patiently(operation.id, target.key, events))
        end = kind.outcome(machine, ())
        if end is None or not end.good or not kind.may_look_done:
            return end
        return kind.aborted(await self._patiently(operation.id, target.key, events)) or end

    async def _conclude(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        seen: tuple[Machine | None, End | None],
    ) -> None:
        machine, end = seen
        if end is not None and end.good:
            await self._end(operation.id, target.key, TargetState.DONE, end.label, end.detail)
        elif machine is None:
            cause = FailureCause(f"{target.name} was deleted from MAAS while this ran.")
            await self._fail(operation.id, target.key, cause, "Deleted")
        elif end is None:
            hours = self._silence_limit / 3600
            problem = kind.overdue(machine) or (
                f"{target.name} showed no sign of life for {hours:g} h; MAAS still says {machine.status_name}. "
                f"Last: {machine.status_message or 'nothing'}."
            )
            cause = await self._cause(region, machine, f"{kind.preamble} {problem}".strip(), machine.status_name)
            await self._fail(operation.id, target.key, cause, machine.status_name)
        elif self.cancelled(operation.id).is_set() and not machine.status_name.startswith("Failed"):
            await self._end(operation.id, target.key, TargetState.STOPPED, end.label, "Stopped on request")
        else:
            cause = await self._cause(region, machine, end.detail, end.label)
            cause = replace(cause, summary=f"{kind.preamble} {cause.summary}".strip())
            await self._fail(operation.id, target.key, cause, end.label)

    async def _cause(self, region: RegionService, machine: Machine, said: str, label: str) -> FailureCause:
        """Why it failed: what is `said` already, or what MAAS's events and scripts tell; and the whole log."""
        try:
            cause = await why_failed(region.api, machine)
        except MaasError as error:
            untold = f"{machine.status_message or label}. The details could not be read: {error.problem}"
            return FailureCause(said or untold)
        if said:
            return FailureCause(said, log=cause.log or "")
        return FailureCause(cause.summary, cause.script or "", cause.tail or "", cause.log or "")

    async def _fail(self, operation_id: str, key: str, cause: FailureCause, label: str) -> None:
        if cause.log:
            await self._store.logs.keep(operation_id, key, cause.log)
        await self._end(operation_id, key, TargetState.FAILED, label, cause.summary, replace(cause, log=""))

    async def _end(
        self,
        operation_id: str,
        key: str,
        state: TargetState,
        label: str,
        detail: str = "",
        cause: FailureCause | None = None,
    ) -> None:
        values: dict[str, Any] = {"label": label, "detail": detail, "ended_at": time.time()}
        if cause is not None:
            values["cause"] = cause
        operation = await self._store.get(operation_id)
        name = next((row.name for row in operation.targets if row.key == key), key)
        details = {"target": key, "outcome": state.value, "state": label, "detail": detail}
        entry = entry_for(operation, "operation.step", None, details, (name,))
        await self._store.targets.move(operation_id, key, _OPEN, state, entry=entry, **values)
        await self._turns.ended(operation)
        self._live.quiet(operation_id, key)
        self._changed(operation_id)


def _planned(operation: Operation, key: str) -> Target | None:
    """What the plan says of one target; None when a plan that took its place does not have it."""
    return next((one for one in operation.plan.targets if one.key == key), None)
