"""Which operations can't be shown where they were asked for, and why: said wherever people look instead."""

from __future__ import annotations


class Showing:
    """Kept by whoever shows operations. It is of this process: after a restart it is found out anew."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def hidden(self, operation_id: str, reason: str) -> bool:
        """Its thread can't be kept, for this reason. True when that is news."""
        is_news = operation_id not in self._reasons
        self._reasons[operation_id] = reason
        return is_news

    def shown(self, operation_id: str) -> None:
        """Its thread is kept again."""
        self._reasons.pop(operation_id, None)

    def of(self, operation_id: str) -> str:
        """The reason, "" when it is shown."""
        return self._reasons.get(operation_id, "")
