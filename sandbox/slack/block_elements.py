"""Block elements and composition objects: buttons, selects, inputs, options, confirmations.

Limits: docs.slack.dev/reference/block-kit/block-elements and composition-objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.block_rich_text import RICH_TEXT
from sandbox.slack.schema import (
    Check,
    Problems,
    anything,
    array,
    boolean,
    every,
    exactly_one,
    integer,
    one_of,
    record,
    string,
    text_object,
    typed,
    url,
)

ACTION_ID = string(255, 1)

CONFIRM = record(
    {
        "title": text_object(100),
        "text": text_object(300, ("plain_text", "mrkdwn")),
        "confirm": text_object(30),
        "deny": text_object(30),
    },
    {"style": one_of("primary", "danger")},
)


def option(kinds: tuple[str, ...] = ("plain_text",), *, with_url: bool = False) -> Check:
    optional: dict[str, Check] = {"description": text_object(75, kinds)}
    if with_url:
        optional["url"] = url()
    return record({"text": text_object(75, kinds), "value": string(150)}, optional)


OPTION = option()
OPTIONS = array(OPTION, 1, 100)
OPTION_GROUPS = array(record({"label": text_object(75), "options": OPTIONS}), 1, 100)

_DISPATCH = record({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})
_FILTER = record(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_PLACEHOLDER = text_object(150)
_COMMON: Mapping[str, Check] = {
    "type": anything,
    "action_id": ACTION_ID,
    "focus_on_load": boolean,
    "confirm": CONFIRM,
    "placeholder": _PLACEHOLDER,
}


def slack_file(problems: Problems, value: Any, pointer: str) -> None:
    """A reference to an uploaded file. It fails while Slack still processes the file."""
    before = len(problems.found)
    record({}, {"id": string(None, 1), "url": url()}, also=exactly_one("id", "url"))(problems, value, pointer)
    if len(problems.found) > before:
        return
    file_id = value.get("id") or value["url"].rpartition("-")[2].partition("/")[0]
    if not problems.files(file_id):
        problems.add(pointer, "invalid slack file")


IMAGE = record(
    {"type": anything, "alt_text": string(2000)},
    {"image_url": url(), "slack_file": slack_file},
    also=exactly_one("image_url", "slack_file"),
)


def _picked_from_options(problems: Problems, value: Any, pointer: str) -> None:
    known = [entry["value"] for entry in value.get("options", [])]
    known += [entry["value"] for group in value.get("option_groups", []) for entry in group["options"]]
    if len(known) != len(set(known)):
        problems.add(f"{pointer}/options", "option values must be unique")
    initial = value.get("initial_options") or ([value["initial_option"]] if value.get("initial_option") else [])
    for entry in initial:
        if entry.get("value") not in known:
            problems.add(pointer, "initial option must exactly match a provided option")


def _select(
    optional: Mapping[str, Check], required: Mapping[str, Check] | None = None, also: Check = anything
) -> Check:
    return record(required or {}, {**_COMMON, **optional}, also=also)


_CHOICE = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_STATIC = every(exactly_one("options", "option_groups"), _picked_from_options)
_MANY: Mapping[str, Check] = {"max_selected_items": integer(1)}
_QUERY: Mapping[str, Check] = {"min_query_length": integer(0)}
_TO_URL: Mapping[str, Check] = {"response_url_enabled": boolean}
_IDS = array(string(None, 1))
_DEFAULT: Mapping[str, Check] = {"default_to_current_conversation": boolean, "filter": _FILTER}

SELECTS: Mapping[str, Check] = {
    "static_select": _select({**_CHOICE, "initial_option": OPTION}, also=_STATIC),
    "external_select": _select({**_QUERY, "initial_option": OPTION}),
    "users_select": _select({"initial_user": string(None, 1)}),
    "conversations_select": _select({**_DEFAULT, **_TO_URL, "initial_conversation": string(None, 1)}),
    "channels_select": _select({**_TO_URL, "initial_channel": string(None, 1)}),
    "multi_static_select": _select({**_CHOICE, **_MANY, "initial_options": array(OPTION)}, also=_STATIC),
    "multi_external_select": _select({**_QUERY, **_MANY, "initial_options": array(OPTION)}),
    "multi_users_select": _select({**_MANY, "initial_users": _IDS}),
    "multi_conversations_select": _select({**_DEFAULT, **_MANY, "initial_conversations": _IDS}),
    "multi_channels_select": _select({**_MANY, "initial_channels": _IDS}),
}

BUTTON = record(
    {"type": anything, "text": text_object(75)},
    {
        "action_id": ACTION_ID,
        "value": string(2000),
        "url": url(),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
WORKFLOW_BUTTON = record(
    {"type": anything, "text": text_object(75), "workflow": anything},
    {"action_id": ACTION_ID, "style": one_of("primary", "danger"), "accessibility_label": string(75)},
)
ICON_BUTTON = record(
    {"type": anything, "icon": string(None, 1), "text": text_object(75)},
    {
        "action_id": ACTION_ID,
        "value": string(2000),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": array(string(None, 1), 0, 10),
    },
)
_FEEDBACK = record({"text": text_object(75), "value": string(2000)}, {"accessibility_label": string(75)})
FEEDBACK_BUTTONS = record(
    {"type": anything, "positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, {"action_id": ACTION_ID}
)
OVERFLOW = record(
    {"type": anything, "options": array(option(with_url=True), 1, 5)},
    {"action_id": ACTION_ID, "confirm": CONFIRM},
)

_RICH_OPTION = option(("plain_text", "mrkdwn"))
_BOXES = array(_RICH_OPTION, 1, 10)
CHECKBOXES = record(
    {"type": anything, "options": _BOXES},
    {"action_id": ACTION_ID, "initial_options": _BOXES, "confirm": CONFIRM, "focus_on_load": boolean},
    also=_picked_from_options,
)
RADIO_BUTTONS = record(
    {"type": anything, "options": _BOXES},
    {"action_id": ACTION_ID, "initial_option": _RICH_OPTION, "confirm": CONFIRM, "focus_on_load": boolean},
    also=_picked_from_options,
)
PICKERS: Mapping[str, Check] = {
    "datepicker": record({}, {**_COMMON, "initial_date": string(10, 10)}),
    "timepicker": record({}, {**_COMMON, "initial_time": string(5, 5), "timezone": string(None, 1)}),
    "datetimepicker": record(
        {},
        {
            "type": anything,
            "action_id": ACTION_ID,
            "initial_date_time": integer(0),
            "confirm": CONFIRM,
            "focus_on_load": boolean,
        },
    ),
}


def _text_input(more: Mapping[str, Check], also: Check = anything) -> Check:
    optional = {"action_id": ACTION_ID, "focus_on_load": boolean, "placeholder": _PLACEHOLDER}
    return record(
        {"type": anything},
        {**optional, "dispatch_action_config": _DISPATCH, "initial_value": string(), **more},
        also=also,
    )


def _length_range(problems: Problems, value: Any, pointer: str) -> None:
    if value.get("min_length", 0) > value.get("max_length", 3000):
        problems.add(f"{pointer}/min_length", "must not exceed max_length")
    if len(value.get("initial_value", "")) > value.get("max_length", 3000):
        problems.add(f"{pointer}/initial_value", "must not exceed max_length")


def _decimal_said(problems: Problems, value: Any, pointer: str) -> None:
    if "is_decimal_allowed" not in value:
        problems.add(pointer, "missing required field: is_decimal_allowed")


INPUTS: Mapping[str, Check] = {
    "plain_text_input": _text_input(
        {"multiline": boolean, "min_length": integer(0, 3000), "max_length": integer(1, 3000)}, _length_range
    ),
    "email_text_input": _text_input({}),
    "url_text_input": _text_input({}),
    "number_input": _text_input(
        {"is_decimal_allowed": boolean, "min_value": string(), "max_value": string()}, _decimal_said
    ),
    "rich_text_input": record(
        {"type": anything},
        {
            "action_id": ACTION_ID,
            "focus_on_load": boolean,
            "placeholder": _PLACEHOLDER,
            "dispatch_action_config": _DISPATCH,
            "initial_value": typed({"rich_text": RICH_TEXT}),
            "min_lines": integer(1, 100),
            "max_lines": integer(1, 100),
        },
    ),
    "file_input": record(
        {"type": anything},
        {"action_id": ACTION_ID, "filetypes": array(string(None, 1)), "max_files": integer(1, 10)},
    ),
}

_BOXED: Mapping[str, Check] = {"checkboxes": CHECKBOXES, "radio_buttons": RADIO_BUTTONS}

#: What an actions block holds.
IN_ACTIONS = typed(
    {
        "button": BUTTON,
        "workflow_button": WORKFLOW_BUTTON,
        "overflow": OVERFLOW,
        **_BOXED,
        **PICKERS,
        **SELECTS,
    }
)
#: What a section shows beside its text.
IN_SECTION = typed(
    {
        "button": BUTTON,
        "workflow_button": WORKFLOW_BUTTON,
        "overflow": OVERFLOW,
        "image": IMAGE,
        "datepicker": PICKERS["datepicker"],
        "timepicker": PICKERS["timepicker"],
        **_BOXED,
        **SELECTS,
    }
)
IN_INPUT = typed({**INPUTS, **_BOXED, **PICKERS, **SELECTS})
IN_CONTEXT = typed(
    {
        "image": IMAGE,
        "mrkdwn": text_object(3000, ("mrkdwn",)),
        "plain_text": text_object(3000, ("plain_text",)),
    }
)
IN_CONTEXT_ACTIONS = typed({"feedback_buttons": FEEDBACK_BUTTONS, "icon_button": ICON_BUTTON})
IN_CARD = typed({"button": BUTTON, "workflow_button": WORKFLOW_BUTTON})
