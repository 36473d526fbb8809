"""Where a click happened, and where its answer goes: into the thread of the message, or to the person alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.people import Door, Origin
from bot.slack.outbound import Outbound
from bot.slack.replies import CommandReply, ThreadReply
from bot.slack.router import Asker, Reply


@dataclass(frozen=True, slots=True)
class Place:
    """What of a click's payload tells where it happened; fits into a form's private metadata.

    Attributes:
        channel: where the message stands; "" on App Home.
        thread: the thread that it is a part of; "" for a message of the channel itself.
        message: its timestamp; "" when only one person sees it.
        response_url: for answers to that person alone.
        user: who clicked.
    """

    channel: str = ""
    thread: str = ""
    message: str = ""
    response_url: str = ""
    user: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Of a click's payload."""
        container = body.get("container") or {}
        channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
        seen_by_all = container.get("type") == "message" and not container.get("is_ephemeral")
        return cls(
            channel,
            str(container.get("thread_ts") or ""),
            str(container.get("message_ts") or "") if seen_by_all else "",
            str(body.get("response_url") or ""),
            str((body.get("user") or {}).get("id") or ""),
        )

    @property
    def origin(self) -> Origin:
        """For the policy, and for a plan: it is shown in the thread where the button stood."""
        # In a direct message with the bot its buttons stand for App Home's: what was asked there is decided there.
        is_private_talk = not self.channel or self.channel.startswith("D")
        door = Door.HOME if is_private_talk else Door.BUTTON
        return Origin(door, self.channel or self.user, self.thread or None)

    def reply(self, outbound: Outbound) -> Reply:
        """Answers go below the message where everybody saw the button; to the person alone where only they did."""
        if self.message:
            return ThreadReply(outbound, self.channel, self.thread or self.message, self.user)
        if self.response_url:
            return CommandReply(outbound, self.response_url)
        return ThreadReply(outbound, self.user, None, self.user)


def asker_of(body: Mapping[str, Any]) -> Asker:
    """The ids of whoever clicked."""
    user = body.get("user") or {}
    team = body.get("team") or {}
    return Asker(str(user.get("team_id") or team.get("id") or ""), str(user.get("id") or ""))
