"""Finding and naming the interactive elements inside blocks."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sandbox.slack.ids import Ids
from sandbox.slack.model import Block

Element = dict[str, Any]

_PASSIVE = {"image", "mrkdwn", "plain_text"}


def walk(blocks: list[Block]) -> Iterator[Block]:
    """Every block, those inside containers and carousels too."""
    for block in blocks:
        yield block
        if block.get("type") == "container":
            yield from walk(block.get("child_blocks") or [])
        elif block.get("type") == "carousel":
            yield from walk(block.get("elements") or [])


def elements_of(block: Block) -> list[Element]:
    """The interactive elements of one block, not of the blocks inside it."""
    match block.get("type"):
        case "section":
            found = [block.get("accessory")]  # null is as good as none
        case "actions" | "context_actions":
            found = list(block.get("elements") or [])
        case "input":
            found = [block.get("element")]
        case "card":
            found = list(block.get("actions") or [])
        case _:
            found = []
    return [element for element in found if isinstance(element, dict) and element.get("type") not in _PASSIVE]


def find(blocks: list[Block], action_id: str, block_id: str | None, value: str | None) -> tuple[Block, Element] | None:
    """The element with this action id; `block_id` and `value` choose among several."""
    for block in walk(blocks):
        if block_id is not None and block.get("block_id") != block_id:
            continue
        for element in elements_of(block):
            if element.get("action_id") != action_id:
                continue
            if value is None or element.get("type") not in {"button", "icon_button"} or element.get("value") == value:
                return block, element
    return None


def with_ids(blocks: list[Block], ids: Ids) -> list[Block]:
    """A copy with the ids and defaults that Slack fills in."""
    filled = copy.deepcopy(blocks)
    for block in walk(filled):
        block.setdefault("block_id", ids.short())
        for element in elements_of(block):
            element.setdefault("action_id", ids.short())
    _fill_text(filled)
    return filled


def _fill_text(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _fill_text(item)
    elif isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            node.setdefault("verbatim", False)
        elif node.get("type") == "plain_text":
            node.setdefault("emoji", True)
        for item in node.values():
            _fill_text(item)


def options_of(element: Element) -> list[Element]:
    """The fixed options of a select, flat."""
    options = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options.extend(group.get("options", []))
    return options
