"""views.* and blocks.validate"""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import wrong
from sandbox.slack.call import Call, Method
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Payload, View
from sandbox.slack.payloads import view_object
from sandbox.slack.rates import Tier


def views_open(call: Call) -> Payload:
    definition = _definition(call, "modal")
    trigger = call.ws.tickets.exchange(_trigger_id(call))
    return {"view": view_object(call.ws, call.ws.modals.open(trigger.user_id, definition))}


def views_push(call: Call) -> Payload:
    definition = _definition(call, "modal")
    trigger = call.ws.tickets.exchange(_trigger_id(call))
    if trigger.view_id is None:
        raise SlackError("invalid_trigger_id")
    return {"view": view_object(call.ws, call.ws.modals.push(trigger.user_id, definition))}


def views_update(call: Call) -> Payload:
    definition = _definition(call, "modal")
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    if bool(view_id) == bool(external_id):
        raise wrong("exactly one of view_id and external_id is needed")
    view = call.ws.modals.find(view_id or None, external_id or None)
    if view is None or view.kind != "modal":
        raise SlackError("not_found")
    return {"view": view_object(call.ws, call.ws.modals.update(view, definition, call.args.text("hash")))}


def views_publish(call: Call) -> Payload:
    user_id = call.args.needed("user_id")
    if user_id not in call.ws.users:
        raise SlackError("user_not_found")
    if not call.ws.app.home_tab:
        raise SlackError("not_enabled")
    definition = _definition(call, "home")
    view: View = call.ws.modals.publish(user_id, definition, call.args.text("hash"))
    return {"view": view_object(call.ws, view)}


def blocks_validate(call: Call) -> Payload:
    given = [name for name in ("blocks", "message", "view") if call.args.has(name)]
    if len(given) != 1:
        raise wrong("exactly one of blocks, message and view is needed")
    try:
        match given[0]:
            case "blocks":
                call.ws.check_message(call.args.blocks() or [])
            case "message":
                message = _object(call, "message")
                call.ws.check_message(message.get("blocks", []))
            case _:
                view = _object(call, "view")
                kind = "home" if view.get("type") == "home" else "modal"
                call.ws.check_view(view, kind)
    except SlackError as refused:
        errors = [_as_validation_error(message) for message in refused.messages]
        raise SlackError(f"invalid_{given[0]}", errors=errors) from None
    return {}


def _as_validation_error(message: str) -> dict[str, Any]:
    text, _, pointer = message.removeprefix("[ERROR] ").partition(" [json-pointer:")
    return {"pointer": pointer.removesuffix("]"), "code": "failed_constraint", "message": text}


def _object(call: Call, name: str) -> dict[str, Any]:
    value = call.args.parsed(name)
    if not isinstance(value, dict):
        raise wrong(f"must provide an object [json-pointer:/{name}]")
    return value


def _definition(call: Call, kind: str) -> dict[str, Any]:
    view = call.args.parsed("view")
    if view is None:
        raise wrong("missing required field: view")
    call.ws.check_view(view, kind)
    definition: dict[str, Any] = view
    return definition


def _trigger_id(call: Call) -> str:
    return call.args.needed("trigger_id")


METHODS = (
    Method("views.open", views_open, Tier.FOUR),
    Method("views.push", views_push, Tier.FOUR),
    Method("views.update", views_update, Tier.FOUR),
    Method("views.publish", views_publish, Tier.FOUR),
    Method("blocks.validate", blocks_validate, Tier.FOUR),
)
