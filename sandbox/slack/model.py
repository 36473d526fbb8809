"""What a workspace holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Block = dict[str, Any]
Payload = dict[str, Any]

#: Slack's own voice: notices about failed commands come from here.
SLACKBOT = "USLACKBOT"


@dataclass(slots=True)
class User:
    """A person or a bot. Guests have `is_restricted`; those of one channel also `is_ultra_restricted`."""

    id: str
    name: str
    real_name: str
    team_id: str = "T0MAAS"
    tz: str = "Europe/London"
    tz_offset: int = 0
    locale: str = "en-GB"
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False
    color: str = "4a154b"
    email: str = ""

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.real_name.split()[:2]).upper() or self.name[:1].upper()


@dataclass(slots=True)
class Usergroup:
    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    team_id: str = "T0MAAS"
    date_delete: int = 0


@dataclass(slots=True)
class Channel:
    """A channel or, when `im_user` is set, the direct message between that person and the app."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    topic: str = ""
    purpose: str = ""
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    im_user: str | None = None
    created: int = 1_700_000_000


@dataclass(slots=True)
class Version:
    """One state of a message: what it said from `at` (seconds since the epoch) on."""

    at: float
    text: str
    blocks: list[Block]


@dataclass(slots=True)
class File:
    """An uploaded file. `processed_at` is when it may be used inside a block."""

    id: str
    name: str
    title: str
    mimetype: str
    filetype: str
    user: str
    created: int
    length: int
    content: bytes = b""
    uploaded: bool = False
    shared: bool = False
    channels: list[str] = field(default_factory=list)
    thread_ts: str | None = None
    processed_at: float = 0.0
    alt_txt: str = ""

    @property
    def size(self) -> int:
        """In bytes; `length` may say more than `content` holds, for files too long to be held."""
        return max(self.length, len(self.content)) if self.uploaded else self.length

    @property
    def is_text(self) -> bool:
        return self.mimetype.startswith("text/") or self.mimetype in {
            "application/json",
            "application/x-yaml",
        }


@dataclass(slots=True)
class Message:
    """One message. `ephemeral_to` names the only person who sees it.

    `versions` are its first and its last hundred states; `edits` counts how often it was changed.
    `warning` is what Slack's client marks the message with after a click that the app did not acknowledge.
    """

    channel_id: str
    ts: str
    user: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    subtype: str | None = None
    username: str | None = None
    ephemeral_to: str | None = None
    reply_broadcast: bool = False
    edited_at: float | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    client_msg_id: str | None = None
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    versions: list[Version] = field(default_factory=list)
    edits: int = 0
    warning: str | None = None

    @property
    def is_ephemeral(self) -> bool:
        return self.ephemeral_to is not None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)


@dataclass(slots=True)
class View:
    """A modal or a home tab as one person has it open. `values` is what that person has entered so far."""

    id: str
    user_id: str
    kind: Literal["modal", "home"]
    blocks: list[Block]
    title: dict[str, Any]
    hash: str
    submit: dict[str, Any] | None = None
    close: dict[str, Any] | None = None
    private_metadata: str = ""
    callback_id: str = ""
    external_id: str = ""
    clear_on_close: bool = False
    notify_on_close: bool = False
    previous_view_id: str | None = None
    root_view_id: str = ""
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    updates: int = 0

    @property
    def ref(self) -> ViewRef | HomeRef:
        return HomeRef() if self.kind == "home" else ViewRef(self.id)


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message, ephemeral or not."""

    channel_id: str
    ts: str


@dataclass(frozen=True, slots=True)
class ViewRef:
    """An open modal."""

    view_id: str


@dataclass(frozen=True, slots=True)
class HomeRef:
    """The acting person's own home tab of the app."""


Container = MessageRef | ViewRef | HomeRef


EventKind = Literal[
    "message",
    "message_changed",
    "message_deleted",
    "ephemeral",
    "ephemeral_changed",
    "ephemeral_deleted",
    "view_opened",
    "view_updated",
    "view_pushed",
    "view_closed",
    "home",
    "file",
    "reaction",
    "notice",
    "channel",
]


@dataclass(frozen=True, slots=True)
class WorkspaceEvent:
    """Something that a person's client would redraw for.

    `user_id` is set when only that person sees it (ephemerals, views, home, notices); else everybody who
    can see `channel_id` does. `ts` and `thread_ts` name the message; `view_id` the view; `text` is a
    notice's text.
    """

    kind: EventKind
    at: float
    channel_id: str | None = None
    user_id: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    view_id: str | None = None
    text: str = ""
