"""conversations.*, users.*, usergroups.*"""

from __future__ import annotations

from sandbox.slack.call import Call, Method
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Payload, Usergroup
from sandbox.slack.payloads import channel_object, user_object
from sandbox.slack.rates import Tier

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")


def conversations_info(call: Call) -> Payload:
    channel = _readable(call)
    body = channel_object(channel, call.ws.app.bot_user_id)
    if not call.args.flag("include_num_members"):
        body.pop("num_members", None)
    if not channel.im_user:
        body["is_member"] = call.ws.bot_is_in(channel)
        body["is_archived"] = call.ws.is_archived(channel)
    return {"channel": body}


def conversations_members(call: Call) -> Payload:
    channel = _readable(call)
    members, cursor = call.page(channel.members, default=100, most=1000)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def conversations_open(call: Call) -> Payload:
    call.need("im:write", "channels:manage", "groups:write", "mpim:write")
    if call.args.has("channel"):
        return {"channel": {"id": call.channel().id}}
    users = [name for name in call.args.needed("users").split(",") if name]
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    if users[0] not in call.ws.users:
        raise SlackError("user_not_found")
    known = {channel.im_user for channel in call.ws.channels.values()}
    channel = call.ws.direct_message(users[0])
    if call.args.flag("return_im"):
        return {
            "channel": channel_object(channel, call.ws.app.bot_user_id),
            "already_open": users[0] in known,
        }
    return {"channel": {"id": channel.id}}


def conversations_list(call: Call) -> Payload:
    types = (call.args.text("types") or "public_channel").split(",")
    unknown = set(types) - {"public_channel", "private_channel", "im", "mpim"}
    if unknown:
        raise SlackError("invalid_types")
    scope_of = {
        "public_channel": "channels:read",
        "private_channel": "groups:read",
        "im": "im:read",
        "mpim": "mpim:read",
    }
    for kind in types:
        call.need(scope_of[kind])
    wanted = [channel for channel in call.ws.channels.values() if _kind(channel) in types and _known(call, channel)]
    if call.args.flag("exclude_archived"):
        wanted = [channel for channel in wanted if not call.ws.is_archived(channel)]
    page, cursor = call.page(wanted, default=100, most=999)
    channels = [channel_object(channel, call.ws.app.bot_user_id) for channel in page]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


def users_info(call: Call) -> Payload:
    user = call.ws.users.get(call.args.needed("user"))
    if user is None:
        raise SlackError("user_not_found")
    body = user_object(user)
    if call.args.flag("include_locale"):
        body["locale"] = user.locale
    if "users:read.email" in call.ws.app.scopes and user.email:
        body["profile"]["email"] = user.email
    return {"user": body}


def users_list(call: Call) -> Payload:
    users = [user for user in call.ws.users.values() if user.team_id == call.ws.team_id]
    page, cursor = call.page(users, default=1000, most=1000)
    members = [user_object(user) for user in page]
    if call.args.flag("include_locale"):
        for body, user in zip(members, page, strict=True):
            body["locale"] = user.locale
    return {
        "members": members,
        "cache_ts": int(call.ws.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


def users_lookup_by_email(call: Call) -> Payload:
    email = call.args.needed("email").lower()
    for user in call.ws.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": user_object(user)}
    raise SlackError("users_not_found")


def usergroups_list(call: Call) -> Payload:
    _paid(call)
    with_users, with_count = call.args.flag("include_users"), call.args.flag("include_count")
    groups = list(call.ws.usergroups.values())
    if not call.args.flag("include_disabled"):
        groups = [group for group in groups if not group.date_delete]
    return {"usergroups": [_group(group, with_users=with_users, with_count=with_count) for group in groups]}


def usergroups_users_list(call: Call) -> Payload:
    _paid(call)
    group = call.ws.usergroups.get(call.args.needed("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    if group.date_delete and not call.args.flag("include_disabled"):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _paid(call: Call) -> None:
    if call.ws.faults.on("paid-teams-only") is not None:
        raise SlackError("paid_teams_only")


def _group(group: Usergroup, *, with_users: bool, with_count: bool) -> Payload:
    body: Payload = {
        "id": group.id,
        "team_id": group.team_id,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 1_700_000_000,
        "date_update": 1_700_000_000,
        "date_delete": group.date_delete,
        "auto_type": None,
        "created_by": "U0ADAM",
        "updated_by": "U0ADAM",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    if with_users:
        body["users"] = list(group.users)
    if with_count:
        body["user_count"] = len(group.users)
    return body


def _kind(channel: Channel) -> str:
    if channel.im_user:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _known(call: Call, channel: Channel) -> bool:
    return not channel.is_private or call.ws.bot_is_in(channel)


def _readable(call: Call) -> Channel:
    call.need(*_READ)
    channel = call.channel()
    call.need({"im": "im:read", "private_channel": "groups:read", "public_channel": "channels:read"}[_kind(channel)])
    return channel


METHODS = (
    Method("conversations.info", conversations_info, Tier.THREE, _READ),
    Method("conversations.members", conversations_members, Tier.FOUR, _READ),
    Method(
        "conversations.open",
        conversations_open,
        Tier.THREE,
        ("im:write", "channels:manage", "groups:write", "mpim:write"),
    ),
    Method("conversations.list", conversations_list, Tier.TWO, _READ),
    Method("users.info", users_info, Tier.FOUR, ("users:read",)),
    Method("users.list", users_list, Tier.TWO, ("users:read",)),
    Method("users.lookupByEmail", users_lookup_by_email, Tier.THREE, ("users:read.email",)),
    Method("usergroups.list", usergroups_list, Tier.TWO, ("usergroups:read",)),
    Method("usergroups.users.list", usergroups_users_list, Tier.TWO, ("usergroups:read",)),
)
