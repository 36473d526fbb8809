"""What to do again of an operation that did not end well."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.operations.kinds import Kind, MachineKind
from bot.operations.records import Operation, OperationState, TargetState
from bot.operations.sealed import Sealed

_ENDED_BADLY = (TargetState.FAILED, TargetState.STOPPED, TargetState.UNTOUCHED)


class Retrying:
    """Makes the options of a further operation, which is planned as any other."""

    def __init__(self, kinds: Mapping[str, Kind], sealed: Sealed | None) -> None:
        self._kinds = kinds
        self._sealed = sealed

    async def options(
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

    def kind(self, operation: Operation) -> str:
        """The kind to go on with: of several phases the one that failed, where all that failed did so in the same."""
        kind = self._kinds[operation.kind]
        phases = {target.phase for target in operation.targets if target.state in _ENDED_BADLY}
        if len(phases) != 1 or not isinstance(kind, MachineKind):
            return operation.kind
        name = kind.phases()[phases.pop()].name
        return name if name in self._kinds else operation.kind
