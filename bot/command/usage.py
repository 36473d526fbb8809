"""What is said of words that name no command, or do not fit it."""

from __future__ import annotations

from bot.message import Message

_LONGEST_QUOTE = 60


class UsageError(Exception):
    """The words name no command, or do not fit it. `message` says which word, and what would fit."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.summary)
        self.message = message


def cut(text: str) -> str:
    """What was typed, as far as it helps to see it again."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
