"""What all work on one target of an operation needs: reads that wait for the region, and how a target ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.maas.errors import RegionBusy, RegionUnreachable
from bot.maas.models import Event
from bot.maas.service import RegionService
from bot.operations.live import Live
from bot.operations.records import FailureCause, TargetRow, TargetState
from bot.operations.store import OperationStore
from bot.operations.turns import Turns
from bot.operations.verdict import entry_for

_OPEN = frozenset({TargetState.WAITING, TargetState.ASKING, TargetState.ASKED})


class TargetWork:
    """Shared by those who ask MAAS and those who wait for what comes of it."""

    def __init__(self, store: OperationStore, live: Live, turns: Turns, *, pause: float, silence_limit: float) -> None:
        """Make it.

        Args:
            store: where operations are kept.
            live: what people see of operations while they run.
            turns: which target of an operation is next.
            pause: scales every wait, in seconds; tests make it small.
            silence_limit: seconds for which a region may be away, or a machine be silent.
        """
        self.store = store
        self.turns = turns
        self.pause = pause
        self.silence_limit = silence_limit
        self.cancelled = live.cancelled
        self.note = live.note
        self.changed = live.changed
        self._live = live

    async def patiently(self, operation_id: str, key: str, read: Callable[[], Any]) -> Any:
        """Read from the region, waiting while it is away: reads can be repeated, and giving up would lose the work."""
        delay = self.pause * 2
        until = time.monotonic() + self.silence_limit
        while True:
            try:
                return await read()
            except (RegionUnreachable, RegionBusy) as error:
                if time.monotonic() > until or self.cancelled(operation_id).is_set():
                    raise
                self.note(operation_id, key, f"{error.problem} Waiting for the region.")
                await asyncio.sleep(delay)
                delay = min(delay * 1.5, 30.0)

    async def fail(self, operation_id: str, key: str, cause: FailureCause, label: str) -> None:
        if cause.log:
            await self.store.logs.keep(operation_id, key, cause.log)
        await self.end(operation_id, key, TargetState.FAILED, label, cause.summary, replace(cause, log=""))

    async def end(
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
        operation = await self.store.get(operation_id)
        name = next((row.name for row in operation.targets if row.key == key), key)
        details = {"target": key, "outcome": state.value, "state": label, "detail": detail}
        entry = entry_for(operation, "operation.step", None, details, (name,))
        await self.store.targets.move(operation_id, key, _OPEN, state, entry=entry, **values)
        await self.turns.ended(operation)
        self._live.quiet(operation_id, key)
        self.changed(operation_id)

    async def events_since(self, target: TargetRow, region: RegionService) -> list[Event]:
        """What MAAS logged of the machine since before it was asked."""
        events = await region.api.events(id=target.key, after=target.baseline or 0, level="DEBUG")
        return [event for event in events if event.id > (target.baseline or 0)]
