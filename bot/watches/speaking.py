"""What posts for watches, as they know it: they know nothing of Slack."""

from __future__ import annotations

from typing import Protocol

from bot.message import Message


class NotHeardError(Exception):
    """The channel does not take messages of this bot. `reason` is fit for a person's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotNowError(Exception):
    """The message did not go out, and may at another time."""


class Speaker(Protocol):
    """Posts what watches tell."""

    async def say(self, channel: str, thread: str, key: str, message: Message) -> None:
        """Post once for ever under this key.

        Raises:
            NotHeardError: the channel does not take it, and won't.
            NotNowError: try again later.
            StorageUnavailableError: nothing was posted.
        """

    def correct(self, key: str, message: Message, *, final: bool) -> None:
        """Let the posted message of this key show something else; with `final` for good."""
