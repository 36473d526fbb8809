"""Waits for what comes of the work on one machine that MAAS was asked for, and says how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace

from bot.maas.broadcast import Subscription
from bot.maas.causes import why_failed
from bot.maas.errors import MaasError
from bot.maas.fleet import MachineChange
from bot.maas.models import Event, Machine, lasts
from bot.maas.service import RegionService
from bot.operations.asking import planned
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Target
from bot.operations.records import FailureCause, Operation, TargetRow, TargetState
from bot.operations.target_work import TargetWork

#: Pauses within which a machine, or its log, shows that MAAS began with what it said yes to.
_BEGINS_WITHIN = 15.0


def _begins_visibly(kind: MachineKind, target: TargetRow, before: Target) -> bool:
    """Whether the machine must look different, or have something in its log, once MAAS has begun."""
    seen_at_it = target.label not in {"", before.state}
    return kind.logged and not kind.by_events and not seen_at_it and len(kind.phases()) == 1


class Following:
    """Follows one phase of one target to its end. Only reads, save where a person cancels."""

    def __init__(self, work: TargetWork) -> None:
        self._work = work

    async def wait(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService, *, last: bool
    ) -> str:
        """Wait for the end of the phase `kind`. Returns "next" when another phase is to be asked for, else "ended"."""
        watch = asyncio.ensure_future(self._follow(operation, target, kind, region))
        cancelled = asyncio.ensure_future(self._work.cancelled(operation.id).wait())
        try:
            await asyncio.wait({watch, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if not watch.done():
                self._work.note(operation.id, target.key, "Stopping.")
                with suppress(MaasError):
                    await kind.stop(region, target.key)
                    await region.fleet.refresh([target.key])
            machine, end = await watch
        finally:
            cancelled.cancel()
            watch.cancel()
        if end is not None and end.good and not last:
            asked, waiting = [TargetState.ASKED], TargetState.WAITING
            phase = target.phase + 1
            await self._work.store.targets.move(operation.id, target.key, asked, waiting, phase=phase, label=end.label)
            self._work.changed(operation.id)
            return "next"
        if end is not None and end.good and machine is not None and kind.looks_after:
            end = await self._look_after(operation, target, kind, region, machine, end)
        await self._conclude(operation, target, kind, region, (machine, end))
        return "ended"

    async def _look_after(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        machine: Machine,
        end: End,
    ) -> End:
        if self._work.cancelled(operation.id).is_set():
            return end
        await _Label(self._work, operation, target).say(end.label)
        self._work.note(operation.id, target.key, kind.looks_after)
        try:
            return await kind.afterwards(region, machine, end)
        except MaasError as error:  # it was done, whatever comes of the look
            return replace(end, detail=f"{end.detail} {error.problem}".strip())

    async def _follow(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService
    ) -> tuple[Machine | None, End | None]:
        """Wait for the machine's end. No end: it showed no sign of life for too long; no machine: it is gone."""
        label = _Label(self._work, operation, target)
        limit = (kind.patience or self._work.silence_limit) * self._work.pause
        async with region.fleet.subscribe(target.key) as changes:
            machine = await self._first_look(operation, target, kind, region, changes, label)
            machine = await self._begun(operation, target, kind, region, machine)
            heard = time.monotonic()
            while True:
                if machine is None:
                    return None, kind.gone()
                end = await self._outcome(operation, target, kind, region, machine)
                if end is not None:
                    return machine, end
                await label.say(machine.status_name)
                self._work.note(operation.id, target.key, machine.status_message or "")
                left = heard + limit - time.monotonic()
                if left <= 0:
                    return machine, None
                until = time.monotonic() + min(left, kind.look_every * self._work.pause or left)
                try:
                    while (change := await asyncio.wait_for(anext(changes), until - time.monotonic())).word:
                        # What MAAS's log says already; whether that is the end shows when the machine was read.
                        if lasts(change.word):
                            break
                        if await label.say(change.word):
                            self._work.note(operation.id, target.key, "")
                            self._work.changed(operation.id)
                except TimeoutError:
                    machine = await self._look(operation, target, region)
                    continue
                except StopAsyncIteration:
                    # The view was closed: the bot is stopping. The next start goes on from here.
                    await asyncio.Event().wait()
                heard = time.monotonic()
                if change.word:
                    machine = await self._look_at_end(operation, target, region, label, change.word)
                else:
                    machine = region.fleet.get(target.key)  # which may be newer than this change

    async def _first_look(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        changes: Subscription[MachineChange],
        label: _Label,
    ) -> Machine | None:
        """The machine by a read begun after the request: the view may still hold it as it was before.

        Where the work takes its time this is not urgent, until the log tells that it has come to its end.
        """
        if not kind.logged:
            return await self._look(operation, target, region)
        look = asyncio.ensure_future(self._look(operation, target, region, patient=True))
        try:
            while not look.done():
                news = asyncio.ensure_future(anext(changes, None))
                await asyncio.wait({look, news}, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                elif (change := news.result()) is None:
                    break  # the view was closed, which ends the look as well
                elif change.word and lasts(change.word):
                    return await self._look_at_end(operation, target, region, label, change.word)
                elif change.word and await label.say(change.word):
                    self._work.changed(operation.id)
            return await look
        finally:
            look.cancel()

    async def _look_at_end(
        self, operation: Operation, target: TargetRow, region: RegionService, label: _Label, word: str
    ) -> Machine | None:
        """Read the machine that came to its end, as the log says. The row says so without waiting for that."""
        look = asyncio.ensure_future(self._look(operation, target, region))
        try:
            if await label.say(word):
                self._work.note(operation.id, target.key, "")
                self._work.changed(operation.id)
            return await look
        finally:
            look.cancel()

    async def _look(
        self, operation: Operation, target: TargetRow, region: RegionService, *, patient: bool = False
    ) -> Machine | None:
        """Read the machine; None when it is gone."""

        def read() -> Awaitable[dict[str, Machine]]:
            return region.fleet.refresh([target.key], patient=patient)

        seen: dict[str, Machine] = await self._work.patiently(operation.id, target.key, read)
        return seen.get(target.key)

    async def _begun(
        self,
        operation: Operation,
        target: TargetRow,
        kind: MachineKind,
        region: RegionService,
        machine: Machine | None,
    ) -> Machine | None:
        """The machine, read since it was asked for, once MAAS shows that it began.

        What looks as it did before is not the end of anything.

        Raises:
            MaasError: it shows nothing of it.
        """
        before = planned(operation, target.key)
        until = time.monotonic() + _BEGINS_WITHIN * self._work.pause
        while True:
            if before is None or machine is None or not _begins_visibly(kind, target, before):
                return machine
            if machine.status_name != before.state or kind.taken(machine, ()):
                return machine
            if await self._work.patiently(operation.id, target.key, lambda: self._work.events_since(target, region)):
                return machine
            if time.monotonic() >= until or self._work.cancelled(operation.id).is_set():
                break
            await asyncio.sleep(self._work.pause)
            machine = await self._look(operation, target, region)
        raise MaasError(
            f"The region answered that it does it, but {target.name} is {before.state} as before, and its log shows "
            "nothing since.",
            f"Look at {target.name} in MAAS, then ask again.",
        )

    async def _outcome(
        self, operation: Operation, target: TargetRow, kind: MachineKind, region: RegionService, machine: Machine
    ) -> End | None:
        def events() -> Awaitable[list[Event]]:
            return self._work.events_since(target, region)

        if kind.by_events:
            return kind.outcome(machine, await self._work.patiently(operation.id, target.key, events))
        end = kind.outcome(machine, ())
        if end is None or not end.good or not kind.may_look_done:
            return end
        return kind.aborted(await self._work.patiently(operation.id, target.key, events)) or end

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
            await self._work.end(operation.id, target.key, TargetState.DONE, end.label, end.detail)
        elif machine is None:
            cause = FailureCause(f"{target.name} was deleted from MAAS while this ran.")
            await self._work.fail(operation.id, target.key, cause, "Deleted")
        elif end is None:
            hours = self._work.silence_limit / 3600
            problem = kind.overdue(machine) or (
                f"{target.name} showed no sign of life for {hours:g} h; MAAS still says {machine.status_name}. "
                f"Last: {machine.status_message or 'nothing'}."
            )
            cause = await self._cause(region, machine, f"{kind.preamble} {problem}".strip(), machine.status_name)
            await self._work.fail(operation.id, target.key, cause, machine.status_name)
        elif self._work.cancelled(operation.id).is_set() and not machine.status_name.startswith("Failed"):
            await self._work.end(operation.id, target.key, TargetState.STOPPED, end.label, "Stopped on request")
        else:
            cause = await self._cause(region, machine, end.detail, end.label)
            cause = replace(cause, summary=f"{kind.preamble} {cause.summary}".strip())
            await self._work.fail(operation.id, target.key, cause, end.label)

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


class _Label:
    """What a target's row says of its state, in MAAS's word; written when it changes."""

    def __init__(self, work: TargetWork, operation: Operation, target: TargetRow) -> None:
        self._work, self._operation, self._key, self._said = work, operation.id, target.key, target.label

    async def say(self, word: str) -> bool:
        """Write it down. Whether it was another one before."""
        if word == self._said:
            return False
        self._said = word
        await self._work.store.targets.label(self._operation, self._key, word)
        return True
