"""The few shapes that every form is made of."""

from __future__ import annotations

from typing import Any

#: Slack's limit for the label of an option.
_LABEL = 75


def plain(text: str) -> dict[str, Any]:
    """Text that Slack shows letter by letter."""
    return {"type": "plain_text", "text": text, "emoji": False}


def option(label: str, value: str) -> dict[str, Any]:
    """One choice of a select."""
    return {"text": plain(label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"), "value": value}


def field(
    action: str, block: str, label: str, element: dict[str, Any], *, optional: bool = False, hint: str = ""
) -> dict[str, Any]:
    """One input of a form; errors are shown at `block`."""
    made: dict[str, Any] = {
        "type": "input",
        "block_id": block,
        "label": plain(label),
        "optional": optional,
        "element": {**element, "action_id": action},
    }
    if hint:
        made["hint"] = plain(hint)
    return made
