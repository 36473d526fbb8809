"""What the workspace sends, shaped as Slack shapes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.model import Channel, File, Message, Payload, User, View

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


def slash_form(ws: Workspace, user: User, channel: Channel, command: str, text: str) -> Payload:
    """The form fields of a slash command, without its `response_url` and `trigger_id`."""
    name = "directmessage" if channel.im_user else "privategroup" if channel.is_private else channel.name
    return {
        "token": ws.app.verification_token,
        "team_id": ws.team_id,
        "team_domain": ws.team_domain,
        "channel_id": channel.id,
        "channel_name": name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": ws.app.app_id,
        "is_enterprise_install": "false",
    }


def interaction(ws: Workspace, kind: str, user: User, trigger: str | None = None) -> Payload:
    """The fields that every interactive payload has."""
    payload: Payload = {
        "type": kind,
        "team": {"id": ws.team_id, "domain": ws.team_domain},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": ws.app.app_id,
        "token": ws.app.verification_token,
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if trigger is not None:
        payload["trigger_id"] = trigger
    return payload


def in_message(message: Message, channel: Channel, ws: Workspace) -> Payload:
    """Where a click in a message happened. Slack leaves the message itself out when it is ephemeral."""
    container: Payload = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel_id,
        "is_ephemeral": message.is_ephemeral,
    }
    if message.is_reply:
        container["thread_ts"] = message.thread_ts
    payload: Payload = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    if not message.is_ephemeral:
        payload["message"] = message_object(ws, message)
    return payload


def in_view(view: View, ws: Workspace) -> Payload:
    return {"container": {"type": "view", "view_id": view.id}, "view": view_object(ws, view)}


def message_object(ws: Workspace, message: Message) -> Payload:
    """A message as the Web API and payloads carry it."""
    body: Payload = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": ws.team_id,
    }
    if message.subtype:
        body["subtype"] = message.subtype
    if message.bot_id:
        body["bot_id"] = message.bot_id
        body["app_id"] = message.app_id
        body["bot_profile"] = bot_profile(ws)
    if message.blocks:
        body["blocks"] = message.blocks
    if message.attachments:
        body["attachments"] = message.attachments
    if message.client_msg_id:
        body["client_msg_id"] = message.client_msg_id
    if message.edited_at is not None:
        body["edited"] = {"user": message.user, "ts": f"{message.edited_at:.6f}"}
    if message.metadata:
        body["metadata"] = message.metadata
    if message.files:
        body["files"] = [file_object(ws, ws.files[file_id]) for file_id in message.files if file_id in ws.files]
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    body.update(_thread_fields(ws, message))
    return body


def _thread_fields(ws: Workspace, message: Message) -> Payload:
    if message.is_reply:
        root = ws.store.root_of(message)
        return {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else None}
    replies = ws.store.replies(message)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": users[:5],
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def bot_profile(ws: Workspace) -> Payload:
    return {
        "id": ws.app.bot_id,
        "app_id": ws.app.app_id,
        "user_id": ws.app.bot_user_id,
        "name": ws.app.display_name,
        "deleted": False,
        "updated": 1_700_000_000,
        "team_id": ws.team_id,
    }


def view_object(ws: Workspace, view: View) -> Payload:
    return {
        "id": view.id,
        "team_id": ws.team_id,
        "type": view.kind,
        "blocks": view.blocks,
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": view.values},
        "hash": view.hash,
        "title": view.title,
        "clear_on_close": view.clear_on_close,
        "notify_on_close": view.notify_on_close,
        "close": view.close,
        "submit": view.submit,
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": ws.app.app_id,
        "external_id": view.external_id,
        "app_installed_team_id": ws.team_id,
        "bot_id": ws.app.bot_id,
    }


def file_object(ws: Workspace, file: File) -> Payload:
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.filetype,
        "pretty_type": file.filetype.upper(),
        "user": file.user,
        "user_team": ws.team_id,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "is_public": bool(file.channels),
        "url_private": f"{ws.base_url}/files-pri/{ws.team_id}-{file.id}/{file.name}",
        "url_private_download": f"{ws.base_url}/files-pri/{ws.team_id}-{file.id}/download/{file.name}",
        "permalink": f"https://{ws.team_domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        "channels": list(file.channels),
        "file_access": "visible",
    }


def event_callback(ws: Workspace, event: Payload, *, shared: bool) -> Payload:
    """The wrapper around one event."""
    return {
        "token": ws.app.verification_token,
        "team_id": ws.team_id,
        "context_team_id": ws.team_id,
        "context_enterprise_id": None,
        "api_app_id": ws.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": ws.ids.new("Ev", 12),
        "event_time": int(ws.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": ws.team_id,
                "user_id": ws.app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{ws.ids.hexadecimal(24)}",
    }


def user_object(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "color": user.color,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": user.tz_offset,
        "profile": {
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "display_name": user.name,
            "display_name_normalized": user.name,
            "team": user.team_id,
        },
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }


def channel_object(channel: Channel, bot_user_id: str) -> dict[str, Any]:
    if channel.im_user:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_archived": False,
            "user": channel.im_user,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": False,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "is_member": bot_user_id in channel.members,
        "created": channel.created,
        "creator": "U0ADAM",
        "topic": {"value": channel.topic, "creator": "U0ADAM", "last_set": channel.created},
        "purpose": {"value": channel.purpose, "creator": "U0ADAM", "last_set": channel.created},
        "num_members": len(channel.members),
    }
