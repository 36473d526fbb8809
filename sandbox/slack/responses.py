"""Messages in answer to a command or a click: by acknowledgement or through a response URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.slack.errors import SlackError
from sandbox.slack.model import Message
from sandbox.slack.text import normalise_from_app

if TYPE_CHECKING:
    from sandbox.slack.tickets import ResponseUrl
    from sandbox.slack.workspace import Workspace

_FIELDS = {
    "text",
    "blocks",
    "attachments",
    "response_type",
    "replace_original",
    "delete_original",
    "unfurl_links",
    "unfurl_media",
    "thread_ts",
    "metadata",
    "mrkdwn",
}


def post_response(ws: Workspace, response: ResponseUrl, body: Mapping[str, Any]) -> Message | None:
    """Post, replace or delete. Ephemeral unless `response_type` is `in_channel`.

    Raises:
        SlackError: `no_text`, `invalid_blocks`, `invalid_payload`.
    """
    unknown = set(body) - _FIELDS
    if unknown:
        raise SlackError("invalid_payload", messages=[f"unknown field {name}" for name in sorted(unknown)], status=400)
    original = ws.store.find(response.message.channel_id, response.message.ts) if response.message else None
    if body.get("delete_original"):
        if original is None:
            raise SlackError("message_not_found", status=404)
        ws.store.delete(original)
        return None
    text = normalise_from_app(str(body.get("text") or ""))
    blocks = body.get("blocks") or []
    if not text and not blocks and not body.get("attachments"):
        raise SlackError("no_text", status=400)
    try:
        ws.check_message(blocks)
    except SlackError as refused:
        refused.status = 400
        raise
    if body.get("replace_original"):
        if original is None:
            raise SlackError("message_not_found", status=404)
        ws.store.edit(original, text, blocks)
        return original
    in_channel = body.get("response_type") == "in_channel"
    return ws.store.post(
        response.channel_id,
        ws.app.bot_user_id,
        text,
        blocks,
        bot_id=ws.app.bot_id,
        app_id=ws.app.app_id,
        ephemeral_to=None if in_channel else response.user_id,
        thread_ts=body.get("thread_ts"),
        attachments=list(body.get("attachments") or []),
        metadata=body.get("metadata"),
    )
