"""chat.* and reactions.*"""

from __future__ import annotations

from typing import Any

from sandbox.slack.call import Call, Method
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Message, Payload, WorkspaceEvent
from sandbox.slack.payloads import message_object
from sandbox.slack.rates import Tier
from sandbox.slack.text import normalise_from_app

#: Slack cuts a posted text here; chat.update refuses more than 4,000.
POST_LIMIT = 40_000
UPDATE_LIMIT = 4_000


def post_message(call: Call) -> Payload:
    channel = _writable(call, by_name=True)
    client_id = call.args.text("client_msg_id") or None
    if client_id:
        earlier = call.ws.store.by_client_id(channel.id, client_id)
        if earlier is not None:
            return _posted(call, earlier)
    text, blocks = _content(call)
    if len(text) > POST_LIMIT:
        raise SlackError("msg_too_long")
    thread_ts = _thread(call, channel)
    message = call.ws.store.post(
        channel.id,
        call.ws.app.bot_user_id,
        text,
        blocks,
        bot_id=call.ws.app.bot_id,
        app_id=call.ws.app.app_id,
        thread_ts=thread_ts,
        subtype="thread_broadcast" if thread_ts and call.args.flag("reply_broadcast") else None,
        reply_broadcast=bool(thread_ts) and call.args.flag("reply_broadcast"),
        client_msg_id=client_id,
        metadata=_metadata(call),
        attachments=_attachments(call),
        unfurl_links=call.args.flag("unfurl_links") if call.args.has("unfurl_links") else None,
        unfurl_media=call.args.flag("unfurl_media") if call.args.has("unfurl_media") else None,
    )
    return _posted(call, message)


def update(call: Call) -> Payload:
    channel = call.channel()
    message = call.ws.store.find(channel.id, call.args.needed("ts"))
    if message is None or message.is_ephemeral:
        raise SlackError("message_not_found")
    if message.bot_id != call.ws.app.bot_id:
        raise SlackError("cant_update_message")
    if call.ws.is_archived(channel):
        raise SlackError("is_archived")
    if not call.ws.bot_is_in(channel):
        raise SlackError("not_in_channel" if not channel.is_private else "channel_not_found")
    given = call.args.blocks()
    has_text = call.args.has("text")
    if not has_text and given is None and not call.args.has("attachments"):
        raise SlackError("no_text")
    text = normalise_from_app(call.args.text("text")) if has_text else message.text
    if len(text) > UPDATE_LIMIT:
        raise SlackError("msg_too_long")
    if not text and not given and not call.args.has("attachments"):
        raise SlackError("no_text")
    call.ws.check_message(given or [])
    more: dict[str, Any] = {}
    if call.args.has("attachments"):
        more["attachments"] = _attachments(call)
    if call.args.has("metadata"):
        more["metadata"] = _metadata(call)
    call.ws.store.edit(message, text, given, **more)
    body = message_object(call.ws, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


def delete(call: Call) -> Payload:
    channel = call.channel()
    message = call.ws.store.find(channel.id, call.args.needed("ts"))
    if message is None or message.is_ephemeral:
        raise SlackError("message_not_found")
    if message.bot_id != call.ws.app.bot_id:
        raise SlackError("cant_delete_message")
    call.ws.store.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> Payload:
    channel = _writable(call)
    user_id = call.args.needed("user")
    if user_id not in call.ws.users:
        raise SlackError("user_not_found")
    if user_id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = _content(call)
    if len(text) > POST_LIMIT:
        raise SlackError("msg_too_long")
    message = call.ws.store.post(
        channel.id,
        call.ws.app.bot_user_id,
        text,
        blocks,
        bot_id=call.ws.app.bot_id,
        app_id=call.ws.app.app_id,
        thread_ts=_thread(call, channel),
        ephemeral_to=user_id,
        attachments=_attachments(call),
    )
    return {"message_ts": message.ts}


def get_permalink(call: Call) -> Payload:
    channel = call.channel()
    ts = call.args.needed("message_ts")
    message = call.ws.store.find(channel.id, ts)
    if message is None or message.is_ephemeral:
        raise SlackError("message_not_found")
    link = f"https://{call.ws.team_domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(call: Call) -> Payload:
    message = _reacted(call)
    users = message.reactions.setdefault(_emoji(call), [])
    if call.ws.app.bot_user_id in users:
        raise SlackError("already_reacted")
    users.append(call.ws.app.bot_user_id)
    _tell_reaction(call, message)
    return {}


def remove_reaction(call: Call) -> Payload:
    message = _reacted(call)
    name = _emoji(call)
    users = message.reactions.get(name, [])
    if call.ws.app.bot_user_id not in users:
        raise SlackError("no_reaction")
    users.remove(call.ws.app.bot_user_id)
    if not users:
        del message.reactions[name]
    _tell_reaction(call, message)
    return {}


def _writable(call: Call, *, by_name: bool = False) -> Channel:
    channel = call.channel(by_name=by_name)
    if call.ws.is_archived(channel):
        raise SlackError("is_archived")
    if not call.ws.bot_is_in(channel):
        raise SlackError("not_in_channel")
    if channel.im_user and not call.ws.app.messages_tab:
        raise SlackError("messages_tab_disabled")
    return channel


def _content(call: Call) -> tuple[str, list[dict[str, Any]]]:
    text = normalise_from_app(call.args.text("text"))
    blocks = call.args.blocks() or []
    if not text and not blocks and not call.args.has("attachments"):
        raise SlackError("no_text")
    call.ws.check_message(blocks)
    return text, blocks


def _thread(call: Call, channel: Channel) -> str | None:
    wanted = call.args.text("thread_ts")
    if not wanted:
        return None
    root = call.ws.store.find(channel.id, wanted)
    if root is None or root.is_ephemeral:
        raise SlackError("thread_not_found")
    return root.thread_ts or root.ts


def _metadata(call: Call) -> dict[str, Any] | None:
    metadata = call.args.parsed("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    return metadata


def _attachments(call: Call) -> list[dict[str, Any]]:
    attachments = call.args.parsed("attachments") or []
    if not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if len(attachments) > 100:
        raise SlackError("too_many_attachments")
    return attachments


def _posted(call: Call, message: Message) -> Payload:
    return {"channel": message.channel_id, "ts": message.ts, "message": message_object(call.ws, message)}


def _reacted(call: Call) -> Message:
    channel = call.channel()
    message = call.ws.store.find(channel.id, call.args.needed("timestamp"))
    if message is None or message.is_ephemeral:
        raise SlackError("message_not_found")
    return message


def _emoji(call: Call) -> str:
    name = call.args.needed("name")
    if not name.replace("_", "").replace("-", "").replace("+", "").replace(":", "").isalnum():
        raise SlackError("invalid_name")
    return name


def _tell_reaction(call: Call, message: Message) -> None:
    thread = message.thread_ts if message.is_reply else None
    call.ws.feed.emit(WorkspaceEvent("reaction", call.ws.clock(), message.channel_id, None, message.ts, thread))


METHODS = (
    Method("chat.postMessage", post_message, Tier.POSTING, ("chat:write",)),
    Method("chat.update", update, Tier.THREE, ("chat:write",)),
    Method("chat.delete", delete, Tier.THREE, ("chat:write",)),
    Method("chat.postEphemeral", post_ephemeral, Tier.FOUR, ("chat:write",)),
    Method("chat.getPermalink", get_permalink, Tier.NONE),
    Method("reactions.add", add_reaction, Tier.THREE, ("reactions:write",)),
    Method("reactions.remove", remove_reaction, Tier.TWO, ("reactions:write",)),
)
