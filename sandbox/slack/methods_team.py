"""auth.*, apps.*, team.info, bots.info"""

from __future__ import annotations

from sandbox.slack.call import Call, Method
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Payload
from sandbox.slack.rates import Tier


def auth_test(call: Call) -> Payload:
    ws = call.ws
    return {
        "url": f"https://{ws.team_domain}.slack.com/",
        "team": ws.team_name,
        "user": ws.app.name,
        "team_id": ws.team_id,
        "user_id": ws.app.bot_user_id,
        "bot_id": ws.app.bot_id,
        "is_enterprise_install": False,
    }


def auth_teams_list(call: Call) -> Payload:
    teams = [{"id": call.ws.team_id, "name": call.ws.team_name}]
    return {"teams": teams, "response_metadata": {"next_cursor": ""}}


def connections_open(call: Call) -> Payload:
    if call.ws.faults.on("refuse-socket") is not None:
        raise SlackError("internal_error")
    if call.ws.app.delivery != "socket":
        raise SlackError("socket_mode_not_enabled")
    ticket = call.ws.courier.hub.issue_ticket()
    base = call.ws.base_url.replace("http", "ws", 1)
    return {"url": f"{base}/link/?ticket={ticket}&app_id={call.ws.app.app_id}"}


def team_info(call: Call) -> Payload:
    ws = call.ws
    return {
        "team": {
            "id": ws.team_id,
            "name": ws.team_name,
            "url": f"https://{ws.team_domain}.slack.com/",
            "domain": ws.team_domain,
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }


def bots_info(call: Call) -> Payload:
    ws = call.ws
    if call.args.has("bot") and call.args.text("bot") != ws.app.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": ws.app.bot_id,
            "deleted": False,
            "name": ws.app.display_name,
            "updated": 1_700_000_000,
            "app_id": ws.app.app_id,
            "user_id": ws.app.bot_user_id,
            "icons": {},
        }
    }


METHODS = (
    Method("auth.test", auth_test, Tier.NONE),
    Method("auth.teams.list", auth_teams_list, Tier.TWO),
    Method("apps.connections.open", connections_open, Tier.NONE, ("connections:write",), app_token=True),
    Method("team.info", team_info, Tier.THREE, ("team:read",)),
    Method("bots.info", bots_info, Tier.THREE, ("users:read",)),
)
