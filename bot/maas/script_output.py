"""Making script output fit to be shown: decoded, without control characters or secrets, its end only."""

from __future__ import annotations

import re

from bot.maas.models_region import ScriptResult

#: Lines of a tail, and characters of a line in it.
TAIL_LINES = 15
_LINE = 240
#: Longest text that is kept of one script (characters); the end counts.
_MOST = 200_000

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SECRET = re.compile(
    r"(?i)\b([\w-]*(?:passw(?:or)?d|passphrase|passwd|power_pass|secret|token|api[_-]?key|private[_-]?key))"
    r"(\s*[=:]\s*|\s+)(\"[^\"]*\"|'[^']*'|[^\s,;]+)"
)


def printable(text: str) -> str:
    """`text` as a terminal would have left it: no escapes, progress lines in their last state, no secrets."""
    lines = [
        _CONTROL.sub("", line.rpartition("\r")[2]) for line in _ESCAPE.sub("", text).replace("\r\n", "\n").split("\n")
    ]
    return "\n".join(_SECRET.sub(_hide, line).rstrip() for line in lines)


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last `lines` lines of `text` that say anything."""
    said = [line[:_LINE] for line in printable(text[-_MOST:]).split("\n") if line.strip()]
    return "\n".join(said[-lines:])


def log_of(result: ScriptResult) -> str:
    """Everything the script wrote, errors last when MAAS kept them apart only."""
    whole = result.decoded("output") or result.decoded("stdout") + result.decoded("stderr")
    return printable(whole[-_MOST:]).strip("\n")


def tail_of(result: ScriptResult) -> str:
    """The end of what it wrote to stderr, or of everything when it wrote nothing there."""
    return tail(result.decoded("stderr")) or tail(result.decoded("output")) or tail(result.decoded("stdout"))


def _hide(found: re.Match[str]) -> str:
    # "password: " in prose has no separator; only assignments and options are hidden.
    separator = found.group(2)
    if not separator.strip() and not found.group(1).startswith("-"):
        return found.group(0)
    return f"{found.group(1)}{separator}[hidden]"
