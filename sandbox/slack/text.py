"""Slack's treatment of text: what people type, what apps receive, what apps send."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack.model import Channel, User

# Slack links a bare host name only when it ends in a registered top-level domain.
_DOMAINS = "com|org|net|io|dev|example|de|jp|uk|eu|cloud|info|edu|gov"
_TOKEN = re.compile(
    r"<@(?P<uid>[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<#(?P<cid>[CG][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!subteam\^(?P<sid>S[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)'\"])"
    rf"|(?<![\w@./-])(?P<host>(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+(?:{_DOMAINS}))(?![\w.-]*\w)"
    r"|(?<![\w])@(?P<name>[A-Za-z][\w.-]*\w|\w)"
    r"|(?<![\w&])#(?P<channel>[a-z0-9][a-z0-9_-]*)"
)


def escape(text: str) -> str:
    """`&`, `<` and `>` as Slack writes them in text that is not markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def normalise_from_app(text: str) -> str:
    """What Slack makes of text that an app posts: a bare `&` comes back escaped, entities stay."""
    return re.sub(r"&(?!(?:amp|lt|gt);)", "&amp;", text)


class Typed:
    """Text typed by a person, with the names in it found: for messages, commands and `rich_text` blocks."""

    def __init__(
        self,
        raw: str,
        users: Mapping[str, User],
        channels: Mapping[str, Channel],
        groups: Mapping[str, str],
    ) -> None:
        self._users = users
        self._channels = channels
        self._by_name = {user.name.lower(): user.id for user in users.values()}
        self._channel_by_name = {channel.name: channel.id for channel in channels.values() if not channel.im_user}
        self._groups = groups
        self.parts = list(self._split(raw))

    def message_text(self) -> str:
        """As in a message event: `<@U…>`, `<#C…|name>`, `<http://x>`, the rest escaped."""
        return self._join(lambda uid: f"<@{uid}>", mark_urls=True)

    def command_text(self, *, should_escape: bool) -> str:
        """As in a slash command's `text`. Without `should_escape` names and addresses stay as typed."""
        if not should_escape:
            return "".join(escape(raw) for _kind, _value, raw in self.parts)
        return self._join(lambda uid: f"<@{uid}|{self._users[uid].name}>", mark_urls=True)

    def mentions(self, user_id: str) -> bool:
        return any(kind == "user" and value == user_id for kind, value, _raw in self.parts)

    def rich_text(self, block_id: str) -> dict[str, Any]:
        """The block that Slack's composer makes of it."""
        elements: list[dict[str, Any]] = []
        for kind, value, raw in self.parts:
            match kind:
                case "user":
                    elements.append({"type": "user", "user_id": value})
                case "channel":
                    elements.append({"type": "channel", "channel_id": value})
                case "group":
                    elements.append({"type": "usergroup", "usergroup_id": value})
                case "url":
                    link = {"type": "link", "url": value}
                    elements.append(link if value == raw else {**link, "text": raw})
                case _:
                    elements.append({"type": "text", "text": raw})
        section = {"type": "rich_text_section", "elements": elements}
        return {"type": "rich_text", "block_id": block_id, "elements": [section]}

    def _join(self, user: Callable[[str], str], *, mark_urls: bool) -> str:
        out: list[str] = []
        for kind, value, raw in self.parts:
            match kind:
                case "user":
                    out.append(user(value))
                case "channel":
                    out.append(f"<#{value}|{self._channels[value].name}>")
                case "group":
                    out.append(f"<!subteam^{value}>")
                case "url" if mark_urls:
                    out.append(f"<{value}>" if value == raw else f"<{value}|{raw}>")
                case _:
                    out.append(escape(raw))
        return "".join(out)

    def _split(self, raw: str) -> list[tuple[str, str, str]]:
        parts: list[tuple[str, str, str]] = []
        at = 0
        for match in _TOKEN.finditer(raw):
            found = self._recognise(match)
            if found is None:
                continue
            if match.start() > at:
                parts.append(("text", "", raw[at : match.start()]))
            parts.append((*found, match.group()))
            at = match.end()
        if at < len(raw):
            parts.append(("text", "", raw[at:]))
        return parts

    def _recognise(self, match: re.Match[str]) -> tuple[str, str] | None:
        found = match.groupdict()
        if found["uid"]:
            return ("user", found["uid"]) if found["uid"] in self._users else None
        if found["cid"]:
            return ("channel", found["cid"]) if found["cid"] in self._channels else None
        if found["sid"]:
            return ("group", found["sid"]) if found["sid"] in self._groups.values() else None
        if found["url"]:
            return "url", found["url"]
        if found["host"]:
            return "url", f"http://{found['host']}"
        if found["name"]:
            name = found["name"].lower()
            if name in self._by_name:
                return "user", self._by_name[name]
            return ("group", self._groups[name]) if name in self._groups else None
        channel = self._channel_by_name.get(found["channel"] or "")
        return ("channel", channel) if channel else None
