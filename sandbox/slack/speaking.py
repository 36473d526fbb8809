"""People saying things: messages, mentions and slash commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.slack import payloads
from sandbox.slack.errors import NothingThereError, SlackError
from sandbox.slack.methods_files import share
from sandbox.slack.model import Channel, HomeRef, Message, Payload, User
from sandbox.slack.outcomes import Ack, SlashOutcome
from sandbox.slack.text import Typed

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

_INVALID = (
    '`{}` is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands.'
)


async def say(
    ws: Workspace, user_id: str, channel_id: str, text: str, thread_ts: str | None, files: Mapping[str, bytes]
) -> str:
    user, channel = ws.person_in(user_id, channel_id)
    if ws.is_archived(channel):
        raise NothingThereError(f"#{channel.name} is archived")
    if user_id not in channel.members:
        channel.members.append(user_id)
    typed = _typed(ws, text)
    root = ws.store.find(channel_id, thread_ts) if thread_ts else None
    if thread_ts and root is None:
        raise NothingThereError(f"no thread {thread_ts} in #{channel.name}")
    message = ws.store.post(
        channel_id,
        user_id,
        typed.message_text(),
        [typed.rich_text(ws.ids.short())],
        thread_ts=root.thread_ts or root.ts if root else None,
        client_msg_id=ws.ids.uuid(),
        files=[share(ws, user_id, channel_id, name, content).id for name, content in files.items()],
    )
    bot = ws.app.bot_user_id
    if channel.im_user:
        if "message.im" in ws.app.bot_events and "im:history" in ws.app.scopes:
            _send(ws, user, channel, _message_event(ws, user, message, "message", {"channel_type": "im"}))
    elif typed.mentions(bot):
        if not ws.bot_is_in(channel):
            ws.notice(user_id, channel_id, f"You mentioned <@{bot}>, but they're not in this channel.", thread_ts)
        elif "app_mention" in ws.app.bot_events and "app_mentions:read" in ws.app.scopes:
            _send(ws, user, channel, _message_event(ws, user, message, "app_mention", {}))
    return message.ts


def _message_event(ws: Workspace, user: User, message: Message, kind: str, more: Payload) -> Payload:
    event: Payload = {
        "user": user.id,
        "type": kind,
        "ts": message.ts,
        "client_msg_id": message.client_msg_id,
        "text": message.text,
        "team": user.team_id,
        "blocks": message.blocks,
        "channel": message.channel_id,
        "event_ts": message.ts,
        **more,
    }
    if message.files:
        event["files"] = [payloads.file_object(ws, ws.files[file_id]) for file_id in message.files]
        event["upload"] = False
    if message.is_reply:
        root = ws.store.root_of(message)
        event["thread_ts"] = message.thread_ts
        event["parent_user_id"] = root.user if root else None
    if user.team_id != ws.team_id:
        event["user_team"] = event["source_team"] = user.team_id
        event["user_profile"] = {"name": user.name, "real_name": user.real_name, "team": user.team_id}
    return event


def _send(ws: Workspace, user: User, channel: Channel, event: Payload) -> None:
    shared = channel.is_ext_shared or user.team_id != ws.team_id
    ws.courier.send_event(payloads.event_callback(ws, event, shared=shared))


async def slash(ws: Workspace, user_id: str, channel_id: str, text: str, command: str) -> SlashOutcome:
    user, channel = ws.person_in(user_id, channel_id)
    known = ws.app.commands.get(command)
    if known is None or "commands" not in ws.app.scopes or user.team_id != ws.team_id:
        notice = _INVALID.format(command)
        said = ws.slackbot_says(user_id, channel_id, notice)
        return SlashOutcome("invalid_command", Ack("invalid_command"), said, "", "")
    trigger = ws.tickets.trigger(user_id)
    response = ws.tickets.response(user_id, channel_id, kind="commands")
    url = ws.base_url + response.path
    words = _typed(ws, text.strip()).command_text(should_escape=known.should_escape)
    form = payloads.slash_form(ws, user, channel, command, words)
    form.update({"response_url": url, "trigger_id": trigger})
    ack = await ws.courier.deliver("slash_commands", form)
    error = _as_person_reads(ack)
    message = None
    if error is None and ack.payload:
        try:
            message = ws.post_response(response, ack.payload)
        except SlackError as refused:
            error = f"invalid_response ({refused.code})"
    if error is not None:
        message = ws.slackbot_says(user_id, channel_id, f'{command} failed with the error "{error}"')
    return SlashOutcome(error, ack, message, trigger, url)


def _as_person_reads(ack: Ack) -> str | None:
    return "dispatch_failed" if ack.error == "http_error" else ack.error


async def open_home(ws: Workspace, user_id: str) -> None:
    user = ws.users[user_id]
    if not ws.app.home_tab:
        raise NothingThereError("the app has no home tab")
    if "app_home_opened" not in ws.app.bot_events:
        return
    event: dict[str, Any] = {
        "type": "app_home_opened",
        "user": user_id,
        "channel": ws.direct_message(user_id).id,
        "tab": "home",
        "event_ts": ws.ids.next_ts(),
    }
    home = ws.home(user_id)
    if home is not None:
        event["view"] = payloads.view_object(ws, home)
    ws.courier.send_event(payloads.event_callback(ws, event, shared=user.team_id != ws.team_id))


async def shortcut(ws: Workspace, user_id: str, callback_id: str, ref: Any) -> Ack:
    user = ws.users[user_id]
    known = [entry for entry in ws.app.shortcuts if entry.get("callback_id") == callback_id]
    if not known:
        raise NothingThereError(f"the app has no shortcut {callback_id}")
    trigger = ws.tickets.trigger(user_id)
    on_message = known[0].get("type") == "message"
    payload = payloads.interaction(ws, "message_action" if on_message else "shortcut", user, trigger)
    payload["callback_id"] = callback_id
    payload["action_ts"] = ws.ids.next_ts()
    if on_message:
        if ref is None or isinstance(ref, HomeRef):
            raise NothingThereError(f"{callback_id} acts on a message")
        message = ws.message(ref, user_id)
        response = ws.tickets.response(user_id, message.channel_id, kind="actions", message=message.ref)
        payload["channel"] = {"id": message.channel_id, "name": ws.channels[message.channel_id].name}
        payload["message"] = payloads.message_object(ws, message)
        payload["message_ts"] = message.ts
        payload["response_url"] = ws.base_url + response.path
    ack = await ws.courier.deliver("interactive", payload)
    if not ack.ok:
        ws.notice(user_id, None, "We had some trouble connecting. Try again?")
    return ack


def _typed(ws: Workspace, text: str) -> Typed:
    groups = {group.handle: group.id for group in ws.usergroups.values()}
    return Typed(text, ws.users, ws.channels, groups)
