"""Slack's rich_text blocks to HTML: sections, lists, quotes and preformatted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from sandbox.page.directory import Directory
from sandbox.page.emoji import EMOJI
from sandbox.page.links import safe_link
from sandbox.page.mrkdwn import channel_mention, date_element, group_mention, link_element, user_mention

Node = Mapping[str, Any]

_STYLES = (("bold", "strong"), ("italic", "em"), ("strike", "s"), ("underline", "u"), ("code", "code"))
_LIST_TYPES = ("1", "a", "i")


class RichText:
    """Renders rich_text for one viewer."""

    def __init__(self, directory: Directory, viewer: str | None = None) -> None:
        self._directory = directory
        self._viewer = viewer

    def render(self, block: Node) -> Markup:
        """The whole block; consecutive lists nest by their indent."""
        return Markup("").join(self._part(part) for part in _nodes(block.get("elements")))

    def _part(self, part: Node) -> Markup:
        kind = part.get("type")
        inner = _nodes(part.get("elements"))
        if kind == "rich_text_list":
            return self._list(part)
        if kind == "rich_text_preformatted":
            return Markup("<pre>{}</pre>").format(self._inline(inner))
        if kind == "rich_text_quote":
            return Markup("<blockquote>{}</blockquote>").format(self._breaks(self._inline(inner)))
        return Markup('<div class="rich-section">{}</div>').format(self._breaks(self._inline(inner)))

    def _list(self, part: Node) -> Markup:
        indent = min(int(part.get("indent") or 0), 8)
        items = Markup("").join(
            Markup("<li>{}</li>").format(self._breaks(self._inline(_nodes(item.get("elements")))))
            for item in _nodes(part.get("elements"))
        )
        if part.get("style") == "ordered":
            start = int(part.get("offset") or 0) + 1
            kind = _LIST_TYPES[indent % len(_LIST_TYPES)]
            return Markup('<ol class="indent-{}" start="{}" type="{}">{}</ol>').format(indent, start, kind, items)
        return Markup('<ul class="indent-{}">{}</ul>').format(indent, items)

    def _inline(self, nodes: Sequence[Node]) -> Markup:
        return Markup("").join(self._styled(node) for node in nodes)

    def _styled(self, node: Node) -> Markup:
        rendered = self._leaf(node)
        style = node.get("style")
        if isinstance(style, Mapping):
            for name, tag in reversed(_STYLES):
                if style.get(name):
                    rendered = Markup("<{0}>{1}</{0}>").format(Markup(tag), rendered)
        return rendered

    def _leaf(self, node: Node) -> Markup:
        match node.get("type"):
            case "text":
                return escape(str(node.get("text", "")))
            case "link":
                return link_element(str(node.get("url", "")), str(node["text"]) if node.get("text") else None)
            case "user":
                return user_mention(str(node.get("user_id", "")), self._directory, viewer=self._viewer)
            case "channel":
                return channel_mention(str(node.get("channel_id", "")), self._directory)
            case "usergroup":
                return group_mention(str(node.get("usergroup_id", "")), self._directory)
            case "broadcast":
                return Markup('<span class="mention broadcast">@{}</span>').format(node.get("range", "here"))
            case "emoji":
                name = str(node.get("name", ""))
                return escape(EMOJI.get(name, f":{name}:"))
            case "date":
                url = node.get("url")
                return date_element(
                    int(node.get("timestamp") or 0),
                    str(node.get("format") or "{date_num} {time}"),
                    str(node.get("fallback") or ""),
                    safe_link(url),
                )
            case "color":
                return Markup("<code>{}</code>").format(node.get("value", ""))
            case other:
                return escape(str(node.get("text") or f"[{other}]"))

    @staticmethod
    def _breaks(text: Markup) -> Markup:
        return Markup("<br>").join(text.split("\n"))


def plain_text_of(block: Node) -> str:
    """The bare text of a rich_text block, for sorting, filtering and labels."""
    pieces: list[str] = []
    for node in _nodes(block.get("elements")):
        if "elements" in node:
            pieces.append(plain_text_of(node))
        else:
            pieces.append(str(node.get("text") or node.get("name") or node.get("user_id") or ""))
    return "".join(pieces)


def _nodes(value: object) -> list[Node]:
    return [node for node in value if isinstance(node, Mapping)] if isinstance(value, list) else []
