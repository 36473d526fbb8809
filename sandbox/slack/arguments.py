"""The arguments of one Web API call, read as strictly as Slack reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.slack.errors import SlackError


class Arguments:
    """Arguments by name, from a form (all text) or from JSON (typed). A JSON null counts as absent."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = {name: value for name, value in raw.items() if value is not None}

    def has(self, name: str) -> bool:
        return name in self.raw

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name, default)
        if isinstance(value, bool | dict | list):
            raise wrong(f"must be a string [json-pointer:/{name}]")
        return str(value)

    def needed(self, name: str) -> str:
        """A text that must be there.

        Raises:
            SlackError: `invalid_arguments`, naming it.
        """
        value = self.text(name)
        if not value:
            raise wrong(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.raw.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"1", "true"}:
            return True
        if str(value).lower() in {"0", "false", ""}:
            return False
        raise wrong(f"must be a boolean [json-pointer:/{name}]")

    def number(self, name: str, default: int) -> int:
        try:
            return int(str(self.raw.get(name, default)))
        except ValueError:
            raise wrong(f"must be an integer [json-pointer:/{name}]") from None

    def parsed(self, name: str, code: str = "invalid_arguments") -> Any:
        """A list or an object, given as such or as JSON text.

        Raises:
            SlackError: `code`, when it is text but not JSON.
        """
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(code) from None

    def blocks(self) -> list[dict[str, Any]] | None:
        """The `blocks` argument; None when it is absent."""
        value = self.parsed("blocks", "invalid_blocks_format")
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise SlackError("invalid_blocks_format")
        return value


def wrong(message: str) -> SlackError:
    return SlackError("invalid_arguments", messages=[f"[ERROR] {message}"])
