"""The messages of a workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.slack.elements import with_ids
from sandbox.slack.ids import Ids
from sandbox.slack.model import Block, Message, Version, WorkspaceEvent


class Messages:
    """Posts, edits and deletes, and tells the feed. `posted` and `edited` count per (channel, ts)."""

    def __init__(self, ids: Ids, clock: Callable[[], float], emit: Callable[[WorkspaceEvent], None]) -> None:
        self._ids = ids
        self._clock = clock
        self._emit = emit
        self.by_channel: dict[str, dict[str, Message]] = {}
        self.edited: Counter[tuple[str, str]] = Counter()

    def post(self, channel_id: str, user: str, text: str, blocks: list[Block] | None = None, **more: Any) -> Message:
        """Add a message. `more` are further fields of `Message`."""
        message = Message(channel_id, self._ids.next_ts(), user, text, with_ids(blocks or [], self._ids), **more)
        message.versions.append(Version(self._clock(), text, message.blocks))
        self.by_channel.setdefault(channel_id, {})[message.ts] = message
        self._tell(message, "ephemeral" if message.is_ephemeral else "message")
        return message

    def edit(self, message: Message, text: str, blocks: list[Block] | None, **more: Any) -> None:
        """Replace a message's text and blocks."""
        message.text = text
        message.blocks = with_ids(blocks or [], self._ids)
        for name, value in more.items():
            setattr(message, name, value)
        message.edited_at = self._clock()
        message.warning = None
        message.versions.append(Version(message.edited_at, text, message.blocks))
        del message.versions[1:-100]
        message.edits += 1
        self.edited[message.channel_id, message.ts] += 1
        self._tell(message, "ephemeral_changed" if message.is_ephemeral else "message_changed")

    def warn(self, message: Message, warning: str) -> None:
        """Mark a message for a click that the app did not acknowledge."""
        message.warning = warning
        self._tell(message, "ephemeral_changed" if message.is_ephemeral else "message_changed")

    def delete(self, message: Message) -> None:
        del self.by_channel[message.channel_id][message.ts]
        self._tell(message, "ephemeral_deleted" if message.is_ephemeral else "message_deleted")

    def find(self, channel_id: str, ts: str) -> Message | None:
        return self.by_channel.get(channel_id, {}).get(ts)

    def by_client_id(self, channel_id: str, client_msg_id: str) -> Message | None:
        for message in self.by_channel.get(channel_id, {}).values():
            if message.client_msg_id == client_msg_id and message.bot_id:
                return message
        return None

    def root_of(self, message: Message) -> Message | None:
        """The message that starts its thread."""
        return self.find(message.channel_id, message.thread_ts or message.ts)

    def visible(self, channel_id: str, viewer_id: str) -> Iterator[Message]:
        for message in self.by_channel.get(channel_id, {}).values():
            if message.ephemeral_to is None or message.ephemeral_to == viewer_id:
                yield message

    def timeline(self, channel_id: str, viewer_id: str) -> list[Message]:
        """What the channel shows: everything but replies that were not also sent to the channel."""
        return [m for m in self.visible(channel_id, viewer_id) if not m.is_reply or m.reply_broadcast]

    def thread(self, channel_id: str, thread_ts: str, viewer_id: str) -> list[Message]:
        """The root and its replies, oldest first."""
        return [m for m in self.visible(channel_id, viewer_id) if thread_ts in {m.ts, m.thread_ts}]

    def replies(self, message: Message) -> list[Message]:
        """The replies that everybody sees."""
        channel = self.by_channel.get(message.channel_id, {})
        return [m for m in channel.values() if m.thread_ts == message.ts and m.is_reply and not m.is_ephemeral]

    def _tell(self, message: Message, kind: Any) -> None:
        event = WorkspaceEvent(
            kind,
            self._clock(),
            message.channel_id,
            message.ephemeral_to,
            message.ts,
            message.thread_ts if message.is_reply else None,
        )
        self._emit(event)
