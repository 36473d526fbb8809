"""Clicks on buttons as they were, or as somebody would like them to be."""

from __future__ import annotations

from typing import Any

from sandbox.slack import Message, MessageRef, Workspace, payloads


async def late_click(workspace: Workspace, user: str, message: Message, element: dict[str, Any]) -> None:
    """Deliver a click that the page would not make: on a button that is gone, or with another value or action."""
    current = workspace.message(MessageRef(message.channel_id, message.ts), user)
    payload = payloads.interaction(workspace, "block_actions", workspace.users[user], workspace.tickets.trigger(user))
    payload.update(payloads.in_message(current, workspace.channels[message.channel_id], workspace))
    ticket = workspace.tickets.response(user, message.channel_id, kind="actions", message=current.ref)
    payload["response_url"] = workspace.base_url + ticket.path
    payload["actions"] = [{**element, "type": "button", "action_ts": "1.0"}]
    assert (await workspace.courier.deliver("interactive", payload)).ok
