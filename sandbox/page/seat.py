"""What one open page shows: its snapshot, and how a change in the workspace alters it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sandbox.page.messages import MessageRenderer
from sandbox.slack.model import Channel, Message, User, WorkspaceEvent
from sandbox.slack.workspace import Workspace

#: A channel shows at most its latest messages.
LATEST = 200

Change = dict[str, Any]
_DELETED = frozenset({"message_deleted", "ephemeral_deleted"})
_NEW = frozenset({"message", "ephemeral"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is: a channel (None for who sees none), perhaps a thread of it, or the app's home."""

    viewer: str
    channel: str | None
    thread: str | None = None
    tab: str = "messages"

    def url(self, **change: str | None) -> str:
        """The page's address of this place, with some parts changed; None drops a part."""
        parts = {"as": self.viewer, "channel": self.channel, "tab": self.tab if self.tab == "home" else None}
        parts.update(change)
        return "/?" + urlencode({name: value for name, value in parts.items() if value})


class Seat:
    """A place, as the workspace fills it."""

    def __init__(self, workspace: Workspace, renderer: MessageRenderer, place: Place, hints: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._renderer = renderer
        self._hints = hints
        self._sent: dict[tuple[str, str], str | None] = {}
        self.place = place

    def snapshot(self) -> Change:
        """Everything that the place shows now."""
        viewer, channel, thread = self.place.viewer, self.place.channel, self.place.thread
        timeline = self._workspace.messages(channel, viewer)[-LATEST:] if channel else []
        replies = self._workspace.thread(channel, thread, viewer) if channel and thread else []
        return {
            "type": "snapshot",
            "heading": self.heading(),
            "topic": self.topic(),
            "sidebar": self.sidebar(),
            "channel": [self._line("channel", message) for message in timeline],
            "thread": [self._line("thread", message) for message in replies],
            "home": self._home(),
            "views": self._views(),
        }

    def changes(self, event: WorkspaceEvent) -> Iterator[Change]:
        """What the page has to redo because of this event; nothing when it shows nothing of it."""
        match event.kind:
            case "view_opened" | "view_pushed" | "view_updated" | "view_closed":
                yield {"type": "views", "views": self._views()}
            case "home":
                if self.place.tab == "home":
                    yield {"type": "home", "home": self._home()}
            case "notice":
                yield {"type": "notice", "text": self._renderer.plain(event.text)}
            case "channel":
                yield {"type": "sidebar", "sidebar": self.sidebar()}
            case _ if event.channel_id is not None and event.ts is not None:
                yield from self._message_changes(event, event.channel_id, event.ts)

    def heading(self) -> str:
        """`#ops`, or the app's name for its own tabs."""
        channel = self._channel()
        if self.place.tab == "home" or channel is None or channel.im_user:
            return self._workspace.app.display_name
        return f"#{channel.name}"

    def topic(self) -> str:
        channel = self._channel()
        return channel.topic if channel and self.place.tab != "home" else ""

    def sidebar(self) -> str:
        """Channels, the app, and the people to act as."""
        place, workspace = self.place, self._workspace
        channels = workspace.channels_of(place.viewer)
        own = next((channel for channel in channels if channel.im_user == place.viewer), None)
        in_app = place.tab == "home" or (own is not None and own.id == place.channel)
        return self._renderer.renderer(place.viewer).template(
            "sidebar.html",
            channels=[
                {
                    "id": channel.id,
                    "name": channel.name,
                    "private": channel.is_private,
                    "url": place.url(channel=channel.id, tab=None),
                    "latest": self._latest(channel.id),
                    "current": not in_app and channel.id == place.channel,
                }
                for channel in channels
                if channel.im_user is None
            ],
            app={
                "name": workspace.app.display_name,
                "url": place.url(tab="home"),
                "channel": own.id if own else None,
                "latest": self._latest(own.id) if own else "",
                "current": in_app,
            },
            people=[self._person(user) for user in workspace.users.values() if not user.is_bot and not user.deleted],
        )

    def _person(self, user: User) -> Mapping[str, Any]:
        hint = self._hints.get(user.id, "")
        if not hint and user.team_id != self._workspace.team_id:
            hint = "another workspace"
        elif not hint and user.is_restricted:
            hint = "guest"
        channel = self._channel()
        stays = channel is not None and channel.im_user is None and self._workspace.may_see(user.id, channel.id)
        target = Place(user.id, channel.id if channel and stays else None, tab=self.place.tab)
        return {
            "id": user.id,
            "name": user.real_name,
            "initials": user.initials,
            "colour": user.color,
            "hint": hint,
            "url": target.url(),
            "current": user.id == self.place.viewer,
        }

    def _message_changes(self, event: WorkspaceEvent, channel_id: str, ts: str) -> Iterator[Change]:
        if channel_id != self.place.channel or self.place.tab == "home":
            if event.kind in _NEW and event.thread_ts is None:
                yield {"type": "unread", "channel": channel_id, "ts": ts}
            if channel_id != self.place.channel:
                return
        touched = [ts, event.thread_ts] if event.thread_ts else [ts]
        for one in touched:
            message = self._workspace.store.find(channel_id, one)
            visible = message is not None and message.ephemeral_to in {None, self.place.viewer}
            for name in ("channel", "thread"):
                shown = message if message and visible and self._belongs(name, message) else None
                gone = shown is None and one == ts and event.kind in _DELETED
                if shown is None and not gone:
                    continue
                html = self._html(name, shown) if shown else None
                if self._sent.get((name, one), "") != html:
                    self._sent[name, one] = html
                    yield {"type": "message", "list": name, "ts": one, "html": html}

    def _belongs(self, name: str, message: Message) -> bool:
        if name == "thread":
            return self.place.thread is not None and self.place.thread in {message.ts, message.thread_ts}
        return not message.is_reply or message.reply_broadcast

    def _line(self, name: str, message: Message) -> Change:
        html = self._html(name, message)
        self._sent[name, message.ts] = html
        return {"ts": message.ts, "html": html}

    def _html(self, name: str, message: Message) -> str:
        return self._renderer.render_message(message, self.place.viewer, in_thread=name == "thread")

    def _home(self) -> str:
        return self._renderer.render_home(self.place.viewer) if self.place.tab == "home" else ""

    def _views(self) -> list[Change]:
        return [
            {
                "id": view.id,
                "hash": view.hash,
                "errors": view.errors,
                "html": self._renderer.render_modal(view, self.place.viewer),
            }
            for view in self._workspace.views(self.place.viewer)
        ]

    def _latest(self, channel_id: str) -> str:
        timeline = self._workspace.messages(channel_id, self.place.viewer)
        return timeline[-1].ts if timeline else ""

    def _channel(self) -> Channel | None:
        return self._workspace.channels.get(self.place.channel or "")
