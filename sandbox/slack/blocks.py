"""Block Kit as strictly as Slack takes it: which block goes where, with which fields, and how much of it.

The whole-message size that Slack refuses (`msg_blocks_too_long`) is not documented; measured by others at
about 13,200 characters of text with a little for each block (slackapi/bolt-js#2509, #2867). This stand-in
counts the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack import block_tables as new
from sandbox.slack.block_elements import (
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    OPTION_GROUPS,
    OPTIONS,
    slack_file,
)
from sandbox.slack.block_rich_text import RICH_TEXT
from sandbox.slack.elements import elements_of, walk
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Block
from sandbox.slack.schema import (
    Check,
    Problems,
    anything,
    array,
    boolean,
    either,
    exactly_one,
    one_of,
    record,
    string,
    text_object,
    typed,
    url,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 13_200
MARKDOWN_TEXT = 12_000
VIEW_BYTES = 250_000

#: Blocks that reached workspaces in phases.
NATIVE = frozenset({"alert", "card", "carousel", "container", "data_table", "data_visualization", "plan", "task_card"})
_TABLES = frozenset({"table", "data_table"})
_ANY_TEXT = ("plain_text", "mrkdwn")
_ID: Mapping[str, Check] = {"block_id": string(255)}

_EVERYWHERE = (
    "actions",
    "card",
    "context",
    "divider",
    "header",
    "image",
    "input",
    "rich_text",
    "section",
    "video",
)
_WIDE = ("carousel", "data_table", "data_visualization", "table")
_SURFACES: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        (*_EVERYWHERE, *_WIDE, "container", "context_actions", "file", "markdown", "plan", "task_card")
    ),
    "modal": frozenset((*_EVERYWHERE, "alert")),
    "home": frozenset((*_EVERYWHERE, *_WIDE)),
}


def _collapsing(problems: Problems, value: Any, pointer: str) -> None:
    either("title", "rich_text_title")(problems, value, pointer)
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        problems.add(f"{pointer}/default_collapsed", "is_collapsible must be true")
    if value.get("is_collapsible") and value.get("has_header_divider"):
        problems.add(f"{pointer}/has_header_divider", "must not be set when is_collapsible is true")


def _children(problems: Problems, value: Any, pointer: str) -> None:
    inner = {kind: check for kind, check in _KINDS.items() if kind not in {"container", "input", "file"}}
    array(typed(inner), 1, 10)(problems, value, pointer)


_KINDS: Mapping[str, Check] = {
    "section": record(
        {"type": anything},
        {
            **_ID,
            "text": text_object(3000, _ANY_TEXT),
            "fields": array(text_object(2000, _ANY_TEXT), 1, 10),
            "accessory": IN_SECTION,
            "expand": boolean,
        },
        also=either("text", "fields"),
    ),
    "header": record({"type": anything, "text": text_object(150)}, _ID),
    "divider": record({"type": anything}, _ID),
    "context": record({"type": anything, "elements": array(IN_CONTEXT, 1, 10)}, _ID),
    "context_actions": record({"type": anything, "elements": array(IN_CONTEXT_ACTIONS, 1, 5)}, _ID),
    "actions": record({"type": anything, "elements": array(IN_ACTIONS, 1, 25)}, _ID),
    "input": record(
        {"type": anything, "label": text_object(2000), "element": IN_INPUT},
        {**_ID, "hint": text_object(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "image": record(
        {"type": anything, "alt_text": string(2000, 1)},
        {**_ID, "image_url": url(), "slack_file": slack_file, "title": text_object(2000)},
        also=exactly_one("image_url", "slack_file"),
    ),
    "markdown": record({"type": anything, "text": string(MARKDOWN_TEXT, 1)}, _ID),
    "rich_text": RICH_TEXT,
    "file": record({"type": anything, "external_id": string(None, 1), "source": one_of("remote")}, _ID),
    "video": record(
        {
            "type": anything,
            "alt_text": string(2000),
            "title": text_object(200),
            "thumbnail_url": url(),
            "video_url": url(),
        },
        {
            **_ID,
            "author_name": string(50),
            "description": text_object(200),
            "provider_icon_url": url(2000),
            "provider_name": string(50),
            "title_url": url(2000),
        },
    ),
    "container": record(
        {"type": anything, "child_blocks": _children},
        {
            **_ID,
            "title": text_object(150),
            "rich_text_title": typed({"rich_text": RICH_TEXT}),
            "subtitle": text_object(150, _ANY_TEXT),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": typed({"image": IMAGE}),
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
        also=_collapsing,
    ),
    "table": new.TABLE,
    "data_table": new.DATA_TABLE,
    "data_visualization": new.DATA_VISUALIZATION,
    "plan": new.PLAN,
    "task_card": new.TASK_CARD,
    "card": new.CARD,
    "carousel": new.CAROUSEL,
    "alert": new.ALERT,
}


def check_message(blocks: Any, *, native: bool = True, files: Callable[[str], bool] | None = None) -> None:
    """Check the blocks of a message. `native=False`: the workspace does not have the newer blocks.

    Raises:
        SlackError: `invalid_blocks` with what and where, `only_one_table_allowed`, `msg_blocks_too_long`,
            `invalid_blocks_format`.
    """
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = Problems("message", native=native, files=files)
    _check_blocks(problems, blocks, MESSAGE_BLOCKS)
    if not problems.found and sum(block["type"] == "data_visualization" for block in walk(blocks)) > 2:
        problems.add("/blocks", "no more than 2 data_visualization blocks allowed")
    if problems.found:
        raise SlackError("invalid_blocks", messages=problems.found)
    if sum(block["type"] in _TABLES for block in walk(blocks)) > 1:
        raise SlackError("only_one_table_allowed")
    if sum(len(block["text"]) for block in walk(blocks) if block["type"] == "markdown") > MARKDOWN_TEXT:
        raise SlackError("msg_blocks_too_long")
    if size(blocks) > MESSAGE_TEXT:
        raise SlackError("msg_blocks_too_long")


_PLAIN24 = text_object(24)
_VIEW: Mapping[str, Check] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_MODAL = record(
    {"type": one_of("modal"), "title": _PLAIN24, "blocks": anything},
    {
        **_VIEW,
        "submit": _PLAIN24,
        "close": _PLAIN24,
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = record({"type": one_of("home"), "blocks": anything}, _VIEW)


def check_view(view: Any, kind: str, *, native: bool = True, files: Callable[[str], bool] | None = None) -> None:
    """Check a modal (`kind="modal"`) or a home tab (`"home"`).

    Raises:
        SlackError: `invalid_arguments` with what and where, or `view_too_large`.
    """
    problems = Problems(kind, native=native, files=files)
    (_MODAL if kind == "modal" else _HOME)(problems, view, "/view")
    if not problems.found:
        _check_blocks(problems, view["blocks"], VIEW_BLOCKS, "/view/blocks")
    if not problems.found and kind == "modal" and "submit" not in view:
        for block in view["blocks"]:
            if block["type"] == "input":
                problems.add("/view", "missing required field: submit, when an input block is used")
                break
    if problems.found:
        raise SlackError("invalid_arguments", messages=problems.found)
    if len(str(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")


def check_options(answer: Mapping[str, Any]) -> str | None:
    """What is wrong with the answer to an external select; None when nothing is."""
    problems = Problems("options")
    record({}, {"options": array_of_options, "option_groups": OPTION_GROUPS}, also=_some_list)(
        problems, dict(answer), ""
    )
    return "; ".join(problems.found) or None


def array_of_options(problems: Problems, value: Any, pointer: str) -> None:
    """Options as in a select, but an empty list is allowed: nothing matched."""
    if value != []:
        OPTIONS(problems, value, pointer)


def _some_list(problems: Problems, value: Any, pointer: str) -> None:
    if "options" not in value and "option_groups" not in value:
        problems.add(pointer, "missing required field: options")


def size(blocks: list[Block]) -> int:
    """How large Slack takes a message's blocks to be: their text, and 16 for each object that has a type.

    The cells of a table weigh what they say; those of a data table have a limit of their own.
    """
    return sum(_weight(block) for block in blocks if block.get("type") != "data_table")


def _weight(node: Any) -> int:
    if isinstance(node, list):
        return sum(_weight(item) for item in node)
    if isinstance(node, dict):
        if node.get("type") == "table":
            return 16 + new.cell_text(node.get("rows"))
        own = 16 if "type" in node else 0
        own += sum(len(node[name]) for name in ("text", "title", "caption", "value") if isinstance(node.get(name), str))
        return own + sum(_weight(item) for item in node.values() if isinstance(item, dict | list))
    return 0


def _check_blocks(problems: Problems, blocks: Any, most: int, pointer: str = "/blocks") -> None:
    allowed = _SURFACES[problems.surface]
    kinds = {kind: check for kind, check in _KINDS.items() if kind in allowed}
    if not problems.native:
        kinds = {kind: check for kind, check in kinds.items() if kind not in NATIVE}
    array(typed(kinds), 0, most)(problems, blocks, pointer)
    if problems.found:
        return
    seen: set[str] = set()
    for block in walk(blocks):
        if not problems.native and block["type"] in NATIVE:
            problems.add(pointer, f"unsupported type: {block['type']}")
        block_id = block.get("block_id")
        if block_id in seen:
            problems.add(pointer, f"block_id already exists: {block_id}")
        if block_id:
            seen.add(block_id)
        actions = [element["action_id"] for element in elements_of(block) if element.get("action_id")]
        if len(actions) != len(set(actions)):
            problems.add(pointer, f"action_id already exists: {next(a for a in actions if actions.count(a) > 1)}")
