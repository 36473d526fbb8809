"""People using what the app put before them: buttons, selects, modals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.slack import payloads
from sandbox.slack.blocks import check_options
from sandbox.slack.choices import Values, chosen, initial_values, is_stateful, missing_inputs
from sandbox.slack.elements import Element, find, walk
from sandbox.slack.errors import NothingThereError, SlackError
from sandbox.slack.model import Block, Container, Message, MessageRef, Payload, View, ViewRef
from sandbox.slack.outcomes import Ack, ClickOutcome, SubmitOutcome

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

#: What Slack's client shows when the app does not answer.
TROUBLE = "We had some trouble connecting. Try again?"


async def click(
    ws: Workspace,
    user_id: str,
    container: Container,
    action_id: str,
    *,
    block_id: str | None,
    value: str | None,
    selected: Any,
    confirm: bool,
) -> ClickOutcome:
    user = ws.users[user_id]
    where = _where(ws, user_id, container)
    block, element = _element(where, action_id, block_id, value)
    if "confirm" in element and not confirm:
        return ClickOutcome("cancelled", Ack("cancelled"))
    action = _action(ws, block, element, selected)
    values = _values(ws, user_id, where)
    if is_stateful(element):
        values.setdefault(block["block_id"], {})[element["action_id"]] = chosen(element, selected)
    if block["type"] == "input" and not block.get("dispatch_action", False):
        return ClickOutcome(None, Ack())
    view_id = where.id if isinstance(where, View) and where.kind == "modal" else None
    trigger = ws.tickets.trigger(user_id, view_id=view_id)
    payload = payloads.interaction(ws, "block_actions", user, trigger)
    response_url: str | None = None
    if isinstance(where, Message):
        channel = ws.channels[where.channel_id]
        payload.update(payloads.in_message(where, channel, ws))
        payload["state"] = {"values": values}
        response = ws.tickets.response(user_id, channel.id, kind="actions", message=where.ref)
        response_url = payload["response_url"] = ws.base_url + response.path
    else:
        payload.update(payloads.in_view(where, ws))
    payload["actions"] = [action]
    ack = await ws.courier.deliver("interactive", payload)
    if not ack.ok:
        if isinstance(where, Message):
            ws.store.warn(where, TROUBLE)
        ws.notice(user_id, where.channel_id if isinstance(where, Message) else None, TROUBLE)
    return ClickOutcome(ack.error, ack, trigger, response_url)


def fill(ws: Workspace, user_id: str, container: Container, path: tuple[str, str], selected: Any) -> None:
    block_id, action_id = path
    where = _where(ws, user_id, container)
    block, element = _element(where, action_id, block_id)
    _values(ws, user_id, where).setdefault(block["block_id"], {})[action_id] = chosen(element, selected)


async def options(
    ws: Workspace, user_id: str, container: Container, action_id: str, *, block_id: str | None, query: str
) -> list[dict[str, Any]]:
    where = _where(ws, user_id, container)
    block, element = _element(where, action_id, block_id)
    if element["type"] not in {"external_select", "multi_external_select"}:
        raise NothingThereError(f"{action_id} has fixed options")
    if len(query) < element.get("min_query_length", 3):
        return []
    payload = payloads.interaction(ws, "block_suggestion", ws.users[user_id])
    payload.update({"action_id": element["action_id"], "block_id": block["block_id"], "value": query})
    if isinstance(where, Message):
        payload.update(payloads.in_message(where, ws.channels[where.channel_id], ws))
    else:
        payload.update(payloads.in_view(where, ws))
    ack = await ws.courier.deliver("interactive", payload)
    answer = ack.payload or {}
    problem = check_options(answer) if ack.ok else ack.error
    if problem:
        ws.notice(user_id, None, f"Options could not be loaded ({problem}).")
        return []
    found: list[dict[str, Any]] = list(answer.get("options", []))
    for group in answer.get("option_groups", []):
        found.extend(group["options"])
    return found


async def submit_view(
    ws: Workspace, user_id: str, view_id: str, values: Mapping[str, Mapping[str, Any]]
) -> SubmitOutcome:
    view = _modal(ws, user_id, view_id)
    if view.submit is None and not any(block["type"] == "input" for block in walk(view.blocks)):
        raise NothingThereError("the view has no Submit button")
    for block_id, actions in values.items():
        for action_id, selected in actions.items():
            fill(ws, user_id, ViewRef(view_id), (block_id, action_id), selected)
    missing = missing_inputs(view.blocks, view.values)
    if missing:
        ws.modals.complain(view, missing)
        return SubmitOutcome("errors", missing, view=view)
    payload = payloads.interaction(
        ws, "view_submission", ws.users[user_id], ws.tickets.trigger(user_id, view_id=view.id)
    )
    payload["view"] = payloads.view_object(ws, view)
    payload["response_urls"] = []
    ack = await ws.courier.deliver("interactive", payload)
    if not ack.ok:
        ws.notice(user_id, None, TROUBLE)
        return SubmitOutcome("failed", error=ack.error, view=view, ack=ack)
    try:
        return _after_submit(ws, view, ack)
    except SlackError as refused:
        ws.notice(user_id, None, TROUBLE)
        return SubmitOutcome("failed", error=f"{refused}", view=view, ack=ack)


def _after_submit(ws: Workspace, view: View, ack: Ack) -> SubmitOutcome:
    answer = ack.payload or {}
    match answer.get("response_action"):
        case None if not answer:
            ws.modals.close(view)
            return SubmitOutcome("closed", ack=ack)
        case "clear":
            ws.modals.close(view, everything=True)
            return SubmitOutcome("cleared", ack=ack)
        case "errors":
            errors = answer.get("errors") or {}
            inputs = {block["block_id"] for block in walk(view.blocks) if block["type"] == "input"}
            unknown = set(errors) - inputs
            if not errors or unknown:
                raise SlackError("invalid_errors", messages=[f"no input block {name}" for name in sorted(unknown)])
            ws.modals.complain(view, dict(errors))
            return SubmitOutcome("errors", dict(errors), view=view, ack=ack)
        case "update":
            ws.check_view(answer.get("view"), "modal")
            return SubmitOutcome("updated", view=ws.modals.update(view, answer["view"]), ack=ack)
        case "push":
            ws.check_view(answer.get("view"), "modal")
            return SubmitOutcome("pushed", view=ws.modals.push(view.user_id, answer["view"]), ack=ack)
        case other:
            raise SlackError("invalid_response_action", messages=[f"unknown response_action {other!r}"])


async def close_view(ws: Workspace, user_id: str, view_id: str) -> Ack:
    view = _modal(ws, user_id, view_id)
    closing = ws.modals.stacks[user_id] if view.clear_on_close else [view]
    told = [gone for gone in closing if gone.notify_on_close]
    bodies: list[Payload] = []
    for gone in told:
        payload = payloads.interaction(ws, "view_closed", ws.users[user_id])
        payload["view"] = payloads.view_object(ws, gone)
        payload["is_cleared"] = view.clear_on_close
        bodies.append(payload)
    ws.modals.close(view, everything=view.clear_on_close)
    acks = await asyncio.gather(*(ws.courier.deliver("interactive", body) for body in bodies))
    return next((ack for ack in acks if not ack.ok), Ack())


def _where(ws: Workspace, user_id: str, container: Container) -> Message | View:
    if isinstance(container, MessageRef):
        return ws.message(container, user_id)
    if isinstance(container, ViewRef):
        return _modal(ws, user_id, container.view_id)
    home = ws.home(user_id)
    if home is None:
        raise NothingThereError(f"{user_id} has no home view")
    return home


def _modal(ws: Workspace, user_id: str, view_id: str) -> View:
    for view in ws.views(user_id):
        if view.id == view_id:
            return view
    raise NothingThereError(f"{user_id} has no open view {view_id}")


def _element(
    where: Message | View, action_id: str, block_id: str | None, value: str | None = None
) -> tuple[Block, Element]:
    found = find(where.blocks, action_id, block_id, value)
    if found is None:
        raise NothingThereError(f"no element {action_id!r} (block {block_id!r}, value {value!r}) to act on")
    return found


def _values(ws: Workspace, user_id: str, where: Message | View) -> Values:
    if isinstance(where, View):
        return where.values
    key = (user_id, where.channel_id, where.ts, where.edits)
    return ws.message_values.setdefault(key, initial_values(where.blocks))


def _action(ws: Workspace, block: Block, element: Element, selected: Any) -> Payload:
    action: Payload = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "type": element["type"],
    }
    if element["type"] in {"button", "workflow_button", "icon_button"}:
        action.update({name: element[name] for name in ("text", "value", "style", "url") if name in element})
    elif element["type"] == "feedback_buttons":
        side = "negative_button" if selected == "negative" else "positive_button"
        action.update({"text": element[side]["text"], "value": element[side]["value"]})
    else:
        action.update(chosen(element, selected))
        if "placeholder" in element:
            action["placeholder"] = element["placeholder"]
    action["action_ts"] = ws.ids.next_ts()
    return action
