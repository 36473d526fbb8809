"""Asks MAAS for the work on one machine, so that a crash at any point neither loses nor repeats the request.

The intent (`asking`, with the newest event before it) is written before MAAS is asked. Whoever finds the intent after
a crash looks for the request's traces first, in the machine and in its events, and asks only when there are none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress

from bot.maas.errors import MaasError, RegionBusy, RegionUnreachable
from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations.kinds import MachineKind
from bot.operations.plan import Target
from bot.operations.records import Operation, TargetRow, TargetState
from bot.operations.sealed import OPTION, Sealed
from bot.operations.target_work import TargetWork
from bot.operations.verdict import entry_for

#: Seconds for the traces of a request to show in the region before it counts as not taken.
_TRACE_PATIENCE = 4.0
#: How often MAAS is asked anew after a look showed that it did not take the request.
_ATTEMPTS = 3
#: Seconds for which machines share a look for the newest event before they are asked for.
_SHARED_FOR = 2.0


class Asking:
    """Asks for one phase of one target."""

    def __init__(self, work: TargetWork, sealed: Sealed | None) -> None:
        """`sealed` opens what the options of operations keep sealed."""
        self._work = work
        self._sealed = sealed

    async def ask(self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService) -> str:
        """Ask MAAS for the phase `kind`. Returns "asked", or "ended" when there is nothing to wait for.

        Raises:
            MaasError: MAAS refused, or the machine is not as it was planned.
        """
        if target.state is TargetState.ASKED:
            return "asked"
        repeated = target.state is TargetState.ASKING
        if not repeated:
            # Half-way is no safe point: a machine that was switched off to be switched on again is switched on.
            if self._work.cancelled(operation.id).is_set() and target.phase == 0:
                await self._work.end(operation.id, target.key, TargetState.UNTOUCHED, "Not touched")
                return "ended"
            if not await self._until_due(operation, target, kind, region):
                await self._work.end(operation.id, target.key, TargetState.UNTOUCHED, "Not touched")
                return "ended"
            if (reason := await self._work.turns.over(operation, target)) != "":
                await self._work.end(operation.id, target.key, TargetState.UNTOUCHED, "Not begun", reason)
                return "ended"
            baseline = await self._baseline(operation, target, kind, region, _shareable(operation, target))
            details = {"target": target.key, "outcome": "asking"}
            asking = entry_for(operation, "operation.step", None, details, (target.name,))
            await self._work.store.targets.move(
                operation.id,
                target.key,
                [TargetState.WAITING],
                TargetState.ASKING,
                entry=asking,
                baseline=baseline,
                asked_at=target.asked_at or time.time(),
            )
            self._work.changed(operation.id)
            target = await self._work.store.targets.get(operation.id, target.key)
        for attempt in range(_ATTEMPTS):
            look_first = repeated or attempt > 0
            if look_first:
                target = await self._work.store.targets.get(operation.id, target.key)
                if await self._find_traces(operation, target, kind, region):
                    break
            if kind.looks_first:
                await self._see_that_it_is_as_planned(operation, target, kind, region)
            if await self._ask_once(operation, target, kind, region):
                break
        else:
            # The last answer may have been lost like the others, and the request taken.
            if not await self._find_traces(operation, target, kind, region):
                problem = f"MAAS did not take the request in {_ATTEMPTS} tries, as far as can be seen."
                raise MaasError(problem, f"Look at {target.name}, then ask again.")
        await self._work.store.targets.move(operation.id, target.key, [TargetState.ASKING], TargetState.ASKED)
        self._work.changed(operation.id)
        return "asked"

    async def _until_due(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> bool:
        """Wait until nothing holds the machine up, for days if need be; False when it was cancelled meanwhile.

        Nothing was asked yet, and nothing of it is written: whoever goes on after a crash waits on.
        """

        async def look() -> str:
            return await kind.held_up(region, target.key, operation.plan.options)

        cancelled = self._work.cancelled(operation.id)
        while reason := await self._work.patiently(operation.id, target.key, look):
            self._work.note(operation.id, target.key, f"Waiting: {reason}")
            with suppress(TimeoutError):
                await asyncio.wait_for(cancelled.wait(), 5 * self._work.pause)
            if cancelled.is_set():
                return False
        return True

    async def _baseline(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService, max_age: float = 0.0
    ) -> int:
        """The newest event from before the request; 0 where the log is not asked for traces of it."""
        if not kind.logged:
            return 0

        def read() -> Awaitable[int]:
            return region.newest_event_id(max_age)

        return int(await self._work.patiently(operation.id, target.key, read))

    async def _see_that_it_is_as_planned(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> None:
        """Look at the machine right before MAAS is asked: the yes was given to what the plan said of it."""

        async def look() -> Machine | None:
            return await kind.find(region, target.key)

        expected = planned(operation, target.key)
        if expected is None:
            return
        changed = kind.changed_since(await self._work.patiently(operation.id, target.key, look), expected)
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
            self._work.note(operation.id, target.key, error.problem)
            await self._forget_traces(operation, target, kind, region)
            await asyncio.sleep(self._work.pause * max(error.retry_after or 0.0, 10.0))
            return False
        except RegionUnreachable as error:
            self._work.note(operation.id, target.key, f"{error.problem} Looking whether the request arrived.")
            await asyncio.sleep(self._work.pause * 2)
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
        await self._work.store.targets.move(operation.id, target.key, asking, TargetState.ASKING, baseline=baseline)

    async def _find_traces(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        patience: float = _TRACE_PATIENCE,
    ) -> bool:
        """Look whether an earlier request was taken; give one that is still under way a moment to show."""
        until = time.monotonic() + patience * self._work.pause

        async def look() -> tuple[Machine | None, list[Event]]:
            events = await self._work.events_since(target, region) if kind.logged else []
            return await kind.find(region, target.key), events

        while True:
            machine, events = await self._work.patiently(operation.id, target.key, look)
            if kind.taken(machine, events):
                return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(self._work.pause)


def planned(operation: Operation, key: str) -> Target | None:
    """What the plan says of one target; None when a plan that took its place does not have it."""
    return next((one for one in operation.plan.targets if one.key == key), None)


def _shareable(operation: Operation, target: TargetRow) -> float:
    """How old, in seconds, a look for the newest event may be: machines that are begun together share one.

    Not older than the operation, which holds its machines from then on: what came before may be traces of another one.
    """
    if target.phase or operation.started_at is None:
        return 0.0
    return min(_SHARED_FOR, max(0.0, time.time() - operation.started_at))
