"""Slack's own markup ("mrkdwn") to HTML.

What comes in is text as Slack's API carries it: `&`, `<` and `>` of the author are escaped as entities, and a
bare `<…>` is a link, a mention or a date. Everything that isn't markup leaves escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup, escape

from sandbox.page.directory import Directory
from sandbox.page.emoji import emojize
from sandbox.page.links import safe_link

_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_QUOTE = re.compile(r"^(?:&gt;|>)(?:\s|(?=\S))", re.MULTILINE)
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<entity><[^<>\n]+>)"
    r"|(?<![\w*])\*(?P<bold>\S|\S[^\n]*?\S)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>\S|\S[^\n]*?\S)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>\S|\S[^\n]*?\S)~(?![\w~])"
)
_DATE = re.compile(r"!date\^(?P<at>\d{1,12})\^(?P<format>[^^|]*)(?:\^(?P<url>[^|]*))?(?:\|(?P<fallback>.*))?$")


def unescape(text: str) -> str:
    """Undoes the three entities of Slack's text. Others, such as `&quot;`, were typed that way and stay."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def render_plain(text: str, *, emoji: bool = True) -> Markup:
    """A plain_text object's text: no markup, shortcodes and line breaks only."""
    return _lines(escape(emojize(text) if emoji else text))


def render_mrkdwn(text: str, directory: Directory, *, viewer: str | None = None) -> Markup:
    """Slack's markup as safe HTML; mentions of `viewer` are highlighted."""
    parts: list[Markup] = []
    end = 0
    for fence in _FENCE.finditer(text):
        parts.append(_render_lines(text[end : fence.start()].removesuffix("\n"), directory, viewer))
        inside = _ENTITY.sub(lambda found: _entity_text(found[1], directory), fence[1])
        parts.append(Markup("<pre>{}</pre>").format(unescape(inside)))
        end = fence.end()
    parts.append(_render_lines(text[end:].removeprefix("\n") if end else text, directory, viewer))
    return Markup("").join(parts)


_ENTITY = re.compile(r"<([^<>\n]+)>")


def _render_lines(text: str, directory: Directory, viewer: str | None) -> Markup:
    """Lines outside a code fence: runs of quoted lines become one quote."""
    parts: list[Markup] = []
    run: list[str] = []
    quoted = False

    def flush() -> None:
        if not run:
            return
        inner = Markup("<br>").join(_render_inline(line, directory, viewer) for line in run)
        parts.append(Markup("<blockquote>{}</blockquote>").format(inner) if quoted else inner)
        run.clear()

    if not text:
        return Markup("")
    for line in text.split("\n"):
        marker = _QUOTE.match(line)
        if bool(marker) != quoted:
            flush()
            quoted = bool(marker)
        run.append(line[marker.end() :] if marker else line)
    flush()
    return Markup("").join(parts)


def _render_inline(text: str, directory: Directory, viewer: str | None) -> Markup:
    parts: list[Markup] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append(_text(text[end : found.start()]))
        parts.append(_render_token(found, directory, viewer))
        end = found.end()
    parts.append(_text(text[end:]))
    return Markup("").join(parts)


def _render_token(found: re.Match[str], directory: Directory, viewer: str | None) -> Markup:
    if code := found["code"]:
        inside = _ENTITY.sub(lambda entity: _entity_text(entity[1], directory), code[1:-1])
        return Markup("<code>{}</code>").format(unescape(inside))
    if entity := found["entity"]:
        return _render_entity(entity[1:-1], directory, viewer)
    for group, tag in (("bold", "strong"), ("italic", "em"), ("strike", "s")):
        if inner := found[group]:
            rendered = _render_inline(inner, directory, viewer)
            return Markup("<{0}>{1}</{0}>").format(Markup(tag), rendered)
    return _text(found[0])


def _text(text: str) -> Markup:
    return escape(emojize(unescape(text)))


def _lines(text: Markup) -> Markup:
    return Markup("<br>").join(text.split("\n"))


def _render_entity(inside: str, directory: Directory, viewer: str | None) -> Markup:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return user_mention(target[1:], directory, viewer=viewer, label=unescape(label) or None)
    if target.startswith("#"):
        return channel_mention(target[1:], directory, label=unescape(label) or None)
    if target.startswith("!subteam^"):
        return group_mention(target.removeprefix("!subteam^"), directory, label=unescape(label) or None)
    if date := _DATE.match(inside):
        fallback = unescape(date["fallback"] or "")
        return date_element(int(date["at"]), date["format"], fallback, unescape(date["url"] or "") or None)
    if target in {"!here", "!channel", "!everyone"}:
        return Markup('<span class="mention broadcast">@{}</span>').format(target[1:])
    return link_element(unescape(target), unescape(label) or None)


def _entity_text(inside: str, directory: Directory) -> str:
    """An entity inside code: Slack shows its text there, without the link."""
    target, _, label = inside.partition("|")
    names: dict[str, Callable[[str], str | None]] = {"@": directory.user_label, "#": directory.channel_label}
    if name := names.get(target[:1]):
        return f"{target[:1]}{label or name(target[1:]) or target[1:]}"
    return label or target


def user_mention(user_id: str, directory: Directory, *, viewer: str | None = None, label: str | None = None) -> Markup:
    """A person or the app, by name; `mention me` when it is the viewer."""
    name = directory.user_label(user_id) or label or user_id
    me = " me" if user_id == viewer else ""
    return Markup('<span class="mention user{}" data-user="{}">@{}</span>').format(me, user_id, name)


def channel_mention(channel_id: str, directory: Directory, *, label: str | None = None) -> Markup:
    """A channel, which the page opens on a click."""
    name = directory.channel_label(channel_id) or label or channel_id
    return Markup('<a class="mention channel" href="#" data-open-channel="{}">#{}</a>').format(channel_id, name)


def group_mention(group_id: str, directory: Directory, *, label: str | None = None) -> Markup:
    """A user group by its handle."""
    name = directory.group_label(group_id) or (label or group_id).lstrip("@")
    return Markup('<span class="mention group">@{}</span>').format(name)


def date_element(at: int, pattern: str, fallback: str, url: str | None = None) -> Markup:
    """A moment that the browser writes in its own time zone; without script the fallback shows."""
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return escape(fallback)
    element = Markup('<time datetime="{}" data-date-format="{}">{}</time>').format(
        moment.isoformat(), pattern, fallback or moment.strftime("%Y-%m-%d %H:%M UTC")
    )
    return link_element(url, element) if url else element


def link_element(url: str, label: str | Markup | None = None) -> Markup:
    """A link, or its bare text where a browser had better not follow it."""
    href = safe_link(url)
    if href is None:
        return escape(label or url)
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(
        href, label or url.removeprefix("mailto:")
    )
