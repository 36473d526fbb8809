"""The form for a machine's power settings: which fields, and what was typed into them. Pure.

Nothing that MAAS has is put into a field: whoever opens the form may change the settings, and needs not see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.command.offers import POWER_FORM
from bot.maas.models import Machine
from bot.maas.power_calls import Hidden, PowerField, PowerType, hidden
from bot.slack.fields import field, option, plain

KIND = "kind"
KIND_ACTION = "power.kind"
#: Stands for a choice whose value is empty: Slack takes none.
_EMPTY = "(empty)"
#: Slack's limit for options, and for the value of one.
_OPTIONS = 100


def waiting(text: str = "One moment…") -> dict[str, Any]:
    """The form before it is known who asks, or in its place."""
    return {
        "type": "modal",
        "callback_id": POWER_FORM,
        "title": plain("Power settings"),
        "close": plain("Close"),
        "blocks": [{"type": "section", "text": plain(text[:2900])}],
    }


def form(machine: Machine, kinds: Sequence[PowerType], kind: PowerType, metadata: str) -> dict[str, Any]:
    """The form for one kind of BMC; choosing another one changes its fields."""
    same = machine.power_type == kind.name
    options = [option(one.description or one.name, one.name) for one in kinds[:_OPTIONS]]
    chosen = next((one for one in options if one["value"] == kind.name), options[0])
    choose = field(
        KIND_ACTION,
        KIND,
        "Kind of BMC",
        {"type": "static_select", "options": options, "initial_option": chosen},
        hint="Wake-on-LAN is none: it can't switch off, nor tell the state.",
    )
    note = "Nobody sees what you type. I keep it encrypted until MAAS has it, for three days at most."
    if same:
        note += " What you leave empty stays as MAAS has it."
    if kind.missing_packages:
        note += f" A rack lacks programs for it: {', '.join(kind.missing_packages)}."
    if not kind.fields:
        note = "MAAS can neither switch such a machine nor ask whether it is on: somebody presses its button."
    return {
        "type": "modal",
        "callback_id": POWER_FORM,
        "title": plain("Power settings"),
        "submit": plain("Go on"),
        "close": plain("Close"),
        "private_metadata": metadata,
        "blocks": [
            {"type": "section", "text": plain(f"{machine.name}, now {machine.power_type or 'without a power type'}.")},
            {**choose, "dispatch_action": True},
            # What is typed first: address, user, password; the finer points are chosen below.
            *(_field(one, kind, same=same) for one in sorted(kind.fields, key=lambda one: bool(one.choices))),
            {"type": "context", "elements": [plain(note)]},
        ],
    }


def _field(one: PowerField, kind: PowerType, *, same: bool) -> dict[str, Any]:
    required = one.required and not same and not one.defaults
    element: dict[str, Any]
    if one.choices:
        options = [option(label, value or _EMPTY) for value, label in one.choices[:_OPTIONS]]
        chosen = [made for made in options if made["value"] in (one.defaults or (_EMPTY,))]
        if one.several:
            element = {"type": "multi_static_select", "options": options}
            element |= {"initial_options": chosen} if chosen and not same else {}
        else:
            element = {"type": "static_select", "options": options}
            element |= {"initial_option": chosen[0]} if chosen and not same else {}
    else:
        element = {"type": "plain_text_input", "max_length": 500}
        if one.defaults:
            element["placeholder"] = plain(one.defaults[0][:140])
    # The block's name holds the kind: Slack would else carry a value over to a field of another kind.
    return field(one.name, f"{kind.name}.{one.name}", (one.label or one.name)[:1900], element, optional=not required)


def kind_in(view: Mapping[str, Any]) -> str:
    """The kind that is chosen."""
    chosen = view["state"]["values"].get(KIND, {}).get(KIND_ACTION, {}).get("selected_option") or {}
    return str(chosen.get("value") or "")


def given(view: Mapping[str, Any], kind: str) -> dict[str, Hidden]:
    """What was typed or chosen, by parameter; what was left empty is left out."""
    found: dict[str, Hidden] = {}
    for block, values in view["state"]["values"].items():
        owner, _, name = str(block).partition(".")
        if owner != kind or not name:
            continue
        element = values.get(name) or {}
        chosen = (
            [element["selected_option"]] if element.get("selected_option") else element.get("selected_options") or []
        )
        typed = str(element.get("value") or "").strip()
        if chosen:
            found[name] = hidden(["" if one["value"] == _EMPTY else str(one["value"]) for one in chosen])
        elif typed:
            found[name] = hidden(typed)
    return found
