"""Spans → Slack's inline elements.

Rich text is the rule: its text elements are literal by construction. mrkdwn is used only where Slack offers
nothing else (fields, context), and only for text that can't be taken for markup: else `mrkdwn` says None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from bot.message import Bold, Code, Link, Mark, Person, Span, Text, When
from bot.slack.render import limits
from bot.slack.render.literal import cut, escape, literal, size
from bot.slack.render.marks import EMOJI, word

Block = dict[str, Any]

_PERSON: Final = re.compile(r"[UW][A-Z0-9]{1,20}")
_GROUP: Final = re.compile(r"S[A-Z0-9]{1,20}")
_URL: Final = re.compile(r"https?://[^\s<>|\"\\^`{}]+")
#: What mrkdwn would read as formatting, an emoji, or (at a line's start) a quotation.
_MARKUP: Final = re.compile(r"[*_~`]|:[\w+'-]+:|^\s*>", re.MULTILINE)
_DATE_FORMAT: Final = "{date_short_pretty} {time}"


def spans(text: Text) -> tuple[Span, ...]:
    """The spans of a text; a bare string counts as one span and not as its characters."""
    return (text,) if isinstance(text, str) else tuple(text)


def rich(text: Text, *, limit: int = limits.TEXT) -> list[Block]:
    """The elements of a rich text section, cut at `limit` characters; none where there is nothing to read."""
    elements: list[Block] = []
    room = limit
    for span in spans(text):
        element = _rich_span(span)
        if element is None:
            continue
        length = weight(element)
        if length > room:
            if element["type"] == "text" and room > limits.OBJECT:
                elements.append({**element, "text": cut(element["text"], room - limits.OBJECT)})
            elif room > limits.OBJECT:
                elements.append({"type": "text", "text": "…"})
            break
        elements.append(element)
        room -= length
    return elements


def _rich_span(span: Span) -> Block | None:
    match span:
        case Mark():
            return {"type": "emoji", "name": EMOJI[span]}
        case str():
            return _text(literal(span, lines=True))
        case Bold():
            return _text(literal(span.text), bold=True)
        case Code():
            return _text(literal(span.text), code=True)
        case Person() if _PERSON.fullmatch(span.user_id):
            return {"type": "user", "user_id": span.user_id}
        case Person() if _GROUP.fullmatch(span.user_id):
            return {"type": "usergroup", "usergroup_id": span.user_id}
        case Person():
            return _text(literal(span.user_id))
        case Link() if _fit_to_link(span.url):
            shown = literal(span.text)
            return {"type": "link", "url": span.url, **({"text": shown} if shown else {})}
        case Link():
            return _text(literal(span.text or span.url))
        case When():
            moment = {"timestamp": timestamp(span.at), "format": _DATE_FORMAT, "fallback": utc(span.at)}
            return {"type": "date", **moment}


def _text(text: str, **style: bool) -> Block | None:
    if not text:
        return None
    return {"type": "text", "text": text, "style": style} if style else {"type": "text", "text": text}


def mrkdwn(text: Text) -> str | None:
    """The text as mrkdwn, or None where some of it would be taken for markup."""
    parts: list[str] = []
    for span in spans(text):
        part = _mrkdwn_span(span)
        if part is None:
            return None
        parts.append(part)
    whole = "".join(parts)
    return None if re.search(r"^\s*&gt;", whole, re.MULTILINE) else whole


def _mrkdwn_span(span: Span) -> str | None:
    match span:
        case Mark():
            return f":{EMOJI[span]}:"
        case str():
            return _plain_mrkdwn(literal(span, lines=True))
        case Bold():
            inner = _plain_mrkdwn(literal(span.text))
            return f"*{inner}*" if inner and inner == inner.strip() else inner
        case Code():
            inner = literal(span.text)
            if "`" in inner or inner != inner.strip():
                return None
            return f"`{escape(inner)}`" if inner else ""
        case Person() if _PERSON.fullmatch(span.user_id):
            return f"<@{span.user_id}>"
        case Person() if _GROUP.fullmatch(span.user_id):
            return f"<!subteam^{span.user_id}>"
        case Person():
            return _plain_mrkdwn(literal(span.user_id))
        case Link() if _fit_to_link(span.url):
            inner = _plain_mrkdwn(literal(span.text))
            if inner is None:
                return None
            shown = inner.replace("|", "¦")
            url = span.url.replace("&", "&amp;")
            return f"<{url}|{shown}>" if shown.strip() else f"<{url}>"
        case Link():
            return _plain_mrkdwn(literal(span.text or span.url))
        case When():
            return f"<!date^{timestamp(span.at)}^{_DATE_FORMAT}|{utc(span.at)}>"


def _plain_mrkdwn(text: str) -> str | None:
    return None if _MARKUP.search(text) else escape(text)


def written(text: Text) -> str:
    """The text as it stands in a file: marks are words, moments are UTC."""
    return "".join(_written_span(span) for span in spans(text))


def _written_span(span: Span) -> str:
    match span:
        case Mark():
            return word(span)
        case str():
            return literal(span, lines=True)
        case Bold() | Code():
            return literal(span.text)
        case Person():
            return f"@{literal(span.user_id)}"
        case Link():
            shown, url = literal(span.text), literal(span.url)
            return f"{shown} ({url})" if shown and shown != url else url
        case When():
            return utc(span.at)


def weight(value: Any) -> int:
    """What Slack reckons a value to add to a message's total: its texts, and something for each object.

    The cells of a data table are reckoned by their texts alone: otherwise no table could reach its own limit.
    """
    if isinstance(value, str):
        return size(value)
    if isinstance(value, dict):
        own = limits.OBJECT if value.get("type", "raw_text") != "raw_text" else 0
        return own + sum(weight(inner) for key, inner in value.items() if key not in _WEIGHTLESS)
    if isinstance(value, list):
        return sum(weight(inner) for inner in value)
    return 0


_WEIGHTLESS: Final = frozenset({"type", "status", "format", "style"})


def section(elements: Iterable[Block]) -> Block:
    """A rich text section."""
    return {"type": "rich_text_section", "elements": list(elements)}


def rich_block(*sections: Block) -> Block:
    """A rich text block."""
    return {"type": "rich_text", "elements": list(sections)}


def plain_object(text: str, limit: int) -> Block:
    """A plain_text object of one line, never empty. Slack shows `<`, `&` and `*` in it as they are."""
    return {"type": "plain_text", "text": cut(literal(text), limit).strip() or "–", "emoji": False}


def timestamp(at: datetime) -> int:
    """Seconds since 1970; a moment without a zone is taken as UTC. Slack refuses fractions (SlackNet#239)."""
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def utc(at: datetime) -> str:
    """The moment in words, for where Slack's client can't show the reader's own zone."""
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _fit_to_link(url: str) -> bool:
    return len(url) <= limits.URL and url.isascii() and _URL.fullmatch(url) is not None
