"""Text from people and machines, made safe to show: it stays what it is and can hide nothing."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TERMINAL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_LINE_END: Final = re.compile(r"\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def literal(text: str, *, lines: bool = False) -> str:
    """The text with every invisible or reordering character taken out or made visible.

    Terminal colour sequences go; control characters become their pictures (␛); bidirectional overrides,
    zero-width and other format characters become U+FFFD: a name that only looks like another one must not
    pass for it.

    Args:
        text: what somebody else wrote.
        lines: keep line ends; without it the text becomes one line.
    """
    if text.isprintable():
        return text
    text = _LINE_END.sub("\n", _TERMINAL.sub("", text))
    if lines:
        return "".join(ch if ch == "\n" or ch.isprintable() else _visible(ch) for ch in text.expandtabs(8))
    return "".join(ch if ch.isprintable() else _visible(ch) for ch in text)


def _visible(ch: str) -> str:
    if ch in "\n\t":
        return " "
    match unicodedata.category(ch):
        case "Zs":
            return " "
        case "Cc":
            code = ord(ch)
            if code < 0x20:
                return chr(0x2400 + code)
            return "\N{SYMBOL FOR DELETE}" if code == 0x7F else _REPLACEMENT
        case "Cf" | "Cs":
            return _REPLACEMENT
        case _:
            return ch


def escape(text: str) -> str:
    """The characters that control Slack's mrkdwn, as entities. For mrkdwn and a message's `text` only."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(text: str) -> int:
    """Length as Slack reckons it: in UTF-16 units, so that an emoji counts two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """The text, or as much of its beginning as fits into `limit` with an ellipsis behind it."""
    if size(text) <= limit:
        return text
    return _head(text, limit - 1) + "…" if limit > 0 else ""


def tail(text: str, limit: int) -> str:
    """The last whole lines that fit into `limit`; the end of the last line where not even that fits."""
    if size(text) <= limit:
        return text
    kept = _head(text[::-1], limit)[::-1]
    first_break = kept.find("\n")
    return kept[first_break + 1 :] if 0 <= first_break < len(kept) - 1 else kept


def _head(text: str, limit: int) -> str:
    head = text[:limit]
    while size(head) > limit:
        head = head[: len(head) - max(1, (size(head) - limit) // 2)]
    return head


def columns(text: str) -> int:
    """How many columns the text takes in a monospaced font: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(_width(ch) for ch in text)


def _width(ch: str) -> int:
    if unicodedata.combining(ch):
        return 0
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1


def pad(text: str, width: int) -> str:
    """The text filled with spaces to `width` columns."""
    return text + " " * max(0, width - columns(text))
