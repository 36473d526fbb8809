"""How the workspace says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A refusal in Slack's words. `code` becomes `error` in the answer; `details` are merged into it."""

    def __init__(self, code: str, *, messages: Sequence[str] = (), status: int = 200, **details: Any) -> None:
        super().__init__(code if not messages else f"{code}: {'; '.join(messages)}")
        self.code = code
        self.messages = list(messages)
        self.status = status
        self.details = details

    def body(self) -> dict[str, Any]:
        """The JSON that the Web API answers with."""
        answer: dict[str, Any] = {"ok": False, "error": self.code, **self.details}
        if self.messages:
            answer["response_metadata"] = {"messages": self.messages}
        return answer


class NothingThereError(LookupError):
    """A person can't act on this: no such message, view, button or option before that person's eyes."""
