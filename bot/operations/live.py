"""What is known of an operation only while it runs here: that it is to stop, and what each target does right now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.operations.records import Operation


class Live:
    """Shared by the runners and by who shows operations. Lost with the process; the rows tell all that matters."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """`changed` is called with an operation's id whenever something of it that people see has changed."""
        self.changed = changed
        self._cancelled: dict[str, asyncio.Event] = {}
        self._details: dict[tuple[str, str], str] = {}

    def cancelled(self, operation_id: str) -> asyncio.Event:
        """The flag that is looked at between the steps of an operation, and while it waits."""
        return self._cancelled.setdefault(operation_id, asyncio.Event())

    def detail(self, operation_id: str, key: str) -> str:
        """What the target does at the moment; empty when nothing is known."""
        return self._details.get((operation_id, key), "")

    def note(self, operation_id: str, key: str, detail: str) -> None:
        """Say what the target does at the moment."""
        if self._details.get((operation_id, key)) != detail:
            self._details[operation_id, key] = detail
            self.changed(operation_id)

    def quiet(self, operation_id: str, key: str) -> None:
        """The target has ended: its row has the last word."""
        self._details.pop((operation_id, key), None)

    def forget(self, operation: Operation) -> None:
        """Let go of what was kept for an operation that has ended."""
        self._cancelled.pop(operation.id, None)
        for target in operation.targets:
            self.quiet(operation.id, target.key)
