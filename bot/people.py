"""Who asks, and from where. Authority is the verified user id at the moment of the click, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What Slack says a person is to this workspace."""

    MEMBER = "member"
    GUEST = "guest"
    FOREIGN = "foreign"
    BOT = "bot"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as Slack vouches for them: the ids come from a signed payload, the standing from users.info."""

    team_id: str
    user_id: str
    name: str
    standing: Standing = Standing.MEMBER
    locale: str = "en-US"


class Door(StrEnum):
    """By which way the words came in."""

    COMMAND = "command"
    MENTION = "mention"
    BUTTON = "button"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where it was asked. `channel` is empty for App Home; `thread` is set when asked inside a thread."""

    door: Door
    channel: str = ""
    thread: str | None = None
