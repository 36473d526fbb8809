"""Messages whose channel takes no edits: archived, or closed to the bot. Somebody may open it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

#: Tries at such a channel, which is about a day.
TRIES: Final = 150


class ClosedChannels:
    """Why, by the message's key; and somebody who is told when that begins and ends."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.on_change: Callable[[str], None] = lambda _key: None
        self._log = structlog.get_logger("slack")

    def closed(self, key: str, reason: str) -> None:
        """Its channel refused an edit."""
        if self.reasons.get(key) != reason:
            self.reasons[key] = reason
            self._log.warning("channel_takes_no_messages", key=key, reason=reason)
            self.on_change(key)

    def opened(self, key: str) -> None:
        """Its channel took an edit."""
        if self.reasons.pop(key, None) is not None:
            self.on_change(key)
