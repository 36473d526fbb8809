"""What the renderer needs to know about a workspace: the names behind ids, and addresses of its files."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlencode

from sandbox.slack.model import SLACKBOT
from sandbox.slack.workspace import Workspace


class Directory(Protocol):
    """Names behind the ids that messages carry. Each answers None for an id that it doesn't know."""

    def user_label(self, user_id: str) -> str | None: ...

    def channel_label(self, channel_id: str) -> str | None: ...

    def group_label(self, group_id: str) -> str | None: ...

    def people(self) -> list[tuple[str, str]]:
        """Ids and names of everybody to choose from, bots excepted."""
        ...

    def conversations(self) -> list[tuple[str, str]]:
        """Ids and names of the channels to choose from."""
        ...


class WorkspaceDirectory:
    """The names of a stand-in workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def user_label(self, user_id: str) -> str | None:
        if user_id == SLACKBOT:
            return "Slackbot"
        user = self._workspace.users.get(user_id)
        return user.real_name if user else None

    def channel_label(self, channel_id: str) -> str | None:
        channel = self._workspace.channels.get(channel_id)
        return channel.name if channel else None

    def group_label(self, group_id: str) -> str | None:
        group = self._workspace.usergroups.get(group_id)
        return group.handle if group else None

    def people(self) -> list[tuple[str, str]]:
        users = self._workspace.users.values()
        return [(user.id, user.real_name) for user in users if not user.is_bot and not user.deleted]

    def conversations(self) -> list[tuple[str, str]]:
        channels = self._workspace.channels.values()
        return [(channel.id, channel.name) for channel in channels if channel.im_user is None]


def file_url(file_id: str, viewer: str | None) -> str:
    """Where the page serves an uploaded file to this person."""
    return f"/client/files/{file_id}?{urlencode({'as': viewer or ''})}"
