"""What a person picks or types, in the words of `state.values` and of `actions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.elements import Element, elements_of, options_of, walk
from sandbox.slack.errors import NothingThereError
from sandbox.slack.model import Block

#: Element type to the field that holds its value.
_FIELDS = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "rich_text_input": "rich_text_value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "file_input": "files",
    "overflow": "selected_option",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
_INITIAL = {
    "value": "initial_value",
    "rich_text_value": "initial_value",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_users": "initial_users",
    "selected_channel": "initial_channel",
    "selected_channels": "initial_channels",
    "selected_conversation": "initial_conversation",
    "selected_conversations": "initial_conversations",
    "files": "initial_files",
}
_MANY = {"selected_options", "selected_users", "selected_channels", "selected_conversations", "files"}

Values = dict[str, dict[str, Any]]


def is_stateful(element: Element) -> bool:
    """Whether the element appears in `state.values`."""
    return element["type"] in _FIELDS and element["type"] != "overflow"


def chosen(element: Element, selected: Any) -> dict[str, Any]:
    """The state of an element after `selected`: `{"type": …, "selected_option": {…}}` and the like.

    `selected` may be an option's value (or the option itself), an id, a date, a typed text, or a list of
    them where the element takes several. None empties the element.

    Raises:
        NothingThereError: the element has no such option.
    """
    name = _FIELDS.get(element["type"])
    if name is None:
        return {"type": element["type"]}
    if name in _MANY:
        picked = [] if selected is None else list(selected) if isinstance(selected, list | tuple) else [selected]
        if name == "selected_options":
            picked = [_option(element, item) for item in picked]
        return {"type": element["type"], name: picked}
    if selected is not None and name == "selected_option":
        selected = _option(element, selected)
    elif selected is not None and name == "value":
        selected = str(selected)
    return {"type": element["type"], name: selected}


def value_in(state: Mapping[str, Any]) -> Any:
    """The bare value in an element's state; None when it is empty."""
    value = state.get(_FIELDS.get(str(state.get("type")), ""))
    return value or None


def initial_values(blocks: list[Block]) -> Values:
    """`state.values` before anybody touched anything."""
    values: Values = {}
    for block in walk(blocks):
        for element in elements_of(block):
            if is_stateful(element):
                name = _FIELDS[element["type"]]
                initial = element.get(_INITIAL[name], [] if name in _MANY else None)
                values.setdefault(block["block_id"], {})[element["action_id"]] = {
                    "type": element["type"],
                    name: initial,
                }
    return values


def carried_over(blocks: list[Block], before: Values) -> Values:
    """`state.values` after an update: what was entered stays where block and action ids stay the same."""
    values = initial_values(blocks)
    for block_id, actions in values.items():
        for action_id, state in actions.items():
            old = before.get(block_id, {}).get(action_id)
            if old is not None and old.get("type") == state["type"]:
                actions[action_id] = old
    return values


def missing_inputs(blocks: list[Block], values: Values) -> dict[str, str]:
    """What Slack's own client complains about before it sends a submission: block id to text."""
    errors: dict[str, str] = {}
    for block in walk(blocks):
        if block.get("type") != "input":
            continue
        element = block["element"]
        value = value_in(values.get(block["block_id"], {}).get(element["action_id"], {}))
        if value is None:
            if not block.get("optional", False):
                errors[block["block_id"]] = "Please complete this required field."
            continue
        problem = _out_of_range(element, value)
        if problem:
            errors[block["block_id"]] = problem
    return errors


def _out_of_range(element: Element, value: Any) -> str | None:
    if element["type"] == "plain_text_input":
        shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < shortest:
            return f"Please enter at least {shortest} characters."
        if len(value) > longest:
            return f"Please enter at most {longest} characters."
    if element["type"] == "number_input":
        try:
            number = float(value)
        except ValueError:
            return "Please enter a number."
        if not element.get("is_decimal_allowed", True) and not number.is_integer():
            return "Please enter a whole number."
        if number < float(element.get("min_value", "-inf")) or number > float(element.get("max_value", "inf")):
            return "Please enter a number within the range."
    return None


def _option(element: Element, selected: Any) -> dict[str, Any]:
    if isinstance(selected, dict):
        return selected
    for option in options_of(element):
        if option.get("value") == selected:
            return option
    if element["type"] in {"external_select", "multi_external_select"}:
        return {"text": {"type": "plain_text", "text": str(selected), "emoji": True}, "value": str(selected)}
    raise NothingThereError(f"{element.get('action_id')} has no option {selected!r}")
