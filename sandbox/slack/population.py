"""Who works in the workspace, and where, when it is new."""

from __future__ import annotations

from sandbox.slack.application import AppConfig
from sandbox.slack.model import Channel, User, Usergroup

#: The workspace that shares a channel through Slack Connect.
FOREIGN_TEAM = "T0FOREIGN"


def people(team_id: str, app: AppConfig) -> dict[str, User]:
    """Operator, approver, viewer, admin, guest, somebody of a foreign workspace, and the bot."""
    entries = [
        User("U0OLGA", "olga", "Olga Operator", team_id, "Europe/Berlin", 3600, "en-GB", color="2bac76"),
        User("U0ANDREA", "andrea", "Andrea Approver", team_id, "Asia/Tokyo", 32400, "ja-JP", color="e01e5a"),
        User("U0VICTOR", "victor", "Victor Viewer", team_id, "Europe/London", 0, "en-GB", color="1d9bd1"),
        User(
            "U0ADAM",
            "adam",
            "Adam Admin",
            team_id,
            "America/New_York",
            -18000,
            "en-US",
            is_admin=True,
            color="ecb22e",
        ),
        User(
            "U0GUEST",
            "gus",
            "Gus Guest",
            team_id,
            is_restricted=True,
            is_ultra_restricted=True,
            color="9b59b6",
        ),
        User(
            "U0FIONA",
            "fiona",
            "Fiona Foreign",
            FOREIGN_TEAM,
            "America/Los_Angeles",
            -28800,
            "en-US",
            color="d35400",
        ),
        User(app.bot_user_id, app.name, app.display_name, team_id, is_bot=True, color="4a154b"),
    ]
    for user in entries:
        if not user.is_bot:
            user.email = f"{user.name}@metal.example"
    return {user.id: user for user in entries}


def usergroups(team_id: str) -> dict[str, Usergroup]:
    group = Usergroup("S0APPROVE", "metal-approvers", "Metal approvers", ["U0ANDREA", "U0ADAM"], team_id)
    return {group.id: group}


def channels(app: AppConfig) -> dict[str, Channel]:
    """#ops and #approvals with the bot, #random without it."""
    staff = ["U0OLGA", "U0ANDREA", "U0VICTOR", "U0ADAM"]
    entries = [
        Channel(
            "C0OPS",
            "ops",
            [*staff, "U0GUEST", "U0FIONA", app.bot_user_id],
            topic="Bare metal, day and night",
            is_ext_shared=True,
        ),
        Channel("C0APPROVE", "approvals", [*staff, app.bot_user_id], topic="Two people for anything that destroys"),
        Channel("C0RANDOM", "random", list(staff), topic="Everything else"),
    ]
    return {channel.id: channel for channel in entries}
