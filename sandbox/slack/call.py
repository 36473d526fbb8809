"""One Web API call on its way through the workspace, and what a method declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Payload
from sandbox.slack.rates import Tier

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way through: the workspace, the method and the arguments."""

    ws: Workspace
    method: str
    args: Arguments

    def channel(self, name: str = "channel", *, by_name: bool = False) -> Channel:
        """The channel that an argument names, as the bot sees it.

        Raises:
            SlackError: `channel_not_found`, also for private channels that the bot is not in.
        """
        wanted = self.args.needed(name)
        channel = self.ws.channels.get(wanted)
        if channel is None and by_name:
            bare = wanted.removeprefix("#")
            channel = next((c for c in self.ws.channels.values() if c.name == bare and not c.im_user), None)
        if channel is None and by_name and wanted in self.ws.users:
            channel = self.ws.direct_message(wanted)
        if channel is None or (channel.is_private and not self.ws.bot_is_in(channel)):
            raise SlackError("channel_not_found")
        return channel

    def need(self, *scopes: str) -> None:
        """Refuse without one of the scopes.

        Raises:
            SlackError: `missing_scope`, with what is needed and what is provided.
        """
        granted = granted_scopes(self.ws)
        if scopes and not granted.intersection(scopes):
            raise SlackError("missing_scope", needed=scopes[0], provided=",".join(sorted(granted)))

    def page(self, items: list[Any], *, default: int, most: int) -> tuple[list[Any], str]:
        """One page of a list and the cursor of the next."""
        limit = self.args.number("limit", default)
        if not 0 < limit <= most:
            raise SlackError("invalid_limit")
        cursor = self.args.text("cursor")
        if cursor and not cursor.removeprefix("next:").isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor.removeprefix("next:") or 0)
        following = f"next:{start + limit}" if start + limit < len(items) else ""
        return items[start : start + limit], following


Handler = Callable[[Call], Payload]


@dataclass(frozen=True, slots=True)
class Method:
    """One method. `scopes`: any one of them will do. `app_token`: wants `xapp-` instead of `xoxb-`."""

    name: str
    handler: Handler
    tier: Tier
    scopes: tuple[str, ...] = ()
    app_token: bool = False


def granted_scopes(ws: Workspace) -> set[str]:
    missing = ws.faults.on("missing-scope")
    return ws.app.scopes - ({str(missing["scope"])} if missing else set())
