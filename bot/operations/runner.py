"""Takes one target of an operation through the phases of its kind: asks (`asking`), then waits (`following`).

Each is one durable step, which a crash may repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.operations.asking import Asking, planned
from bot.operations.engine import Step
from bot.operations.following import Following
from bot.operations.kinds import MachineKind
from bot.operations.live import Live
from bot.operations.pacing import Pacing
from bot.operations.records import FailureCause, Operation
from bot.operations.sealed import Sealed
from bot.operations.store import OperationStore
from bot.operations.target_work import TargetWork
from bot.operations.turns import Turns
from bot.storage import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
        self.cancelled = live.cancelled
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._turns = Turns(store, live.cancelled, pause=pause)
        self._work = TargetWork(store, live, self._turns, pause=pause, silence_limit=silence_limit)
        self._asking = Asking(self._work, sealed)
        self._following = Following(self._work)
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
                asked = await step(f"ask{suffix}", partial(self._guard, operation, key, number, "ask"))
                if asked != "asked":
                    return
                if await step(f"wait{suffix}", partial(self._guard, operation, key, number, "wait")) != "next":
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

    async def _guard(self, operation: Operation, key: str, number: int, half: str) -> str:
        """Run one step, "ask" or "wait".

        A defect of ours ends the target with a plain word instead of hanging the operation. The row, not the step's
        name, tells which phase the target is in: an operation may be run anew from its rows.
        """
        region = self._regions.get(operation.region)
        kind = self._kinds[operation.kind].phases()[number]
        kind = kind.bound(operation.plan.options, planned(operation, key))
        try:
            if region is None:
                raise MaasError(f"The region {operation.region} is no longer in the settings.", "Set it up again.")
            target = await self._store.targets.get(operation.id, key)
            if target.state.ended:
                return "ended"
            if target.phase > number:
                return "asked" if half == "ask" else "next"
            if half == "ask":
                return await self._asking.ask(operation, target, kind, region)
            last = number + 1 == len(self._kinds[operation.kind].phases())
            return await self._following.wait(operation, target, kind, region, last=last)
        except MaasError as error:
            cause = FailureCause(f"{kind.preamble} {error.problem} {error.remedy}".strip())
            await self._work.fail(operation.id, key, cause, "Half done" if kind.preamble else "Not done")
        except StorageUnavailableError:
            raise  # the engine runs the step again when the database is back
        except Exception as error:
            self._log.exception("step_failed", operation=operation.id, target=key)
            problem = f"The bot itself failed ({type(error).__name__}); look at its log for {operation.id}."
            cause = FailureCause(f"{kind.preamble} {problem}".strip())
            await self._work.fail(operation.id, key, cause, "Unknown")
        return "ended"
