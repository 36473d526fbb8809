"""Records in plain words, for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.audit.record import Entry

#: What is said of one record, without its longest parts.
_LONGEST = 300


def sentence(entry: Entry) -> str:
    """What was done, and what came of it: `asked for "release node-3"`, `approved: drained since Monday`."""
    tell = _TELLERS.get(entry.kind)
    text = tell(entry, entry.details) if tell is not None else _other(entry, entry.details)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def who(entry: Entry) -> str:
    """The person's name, or the bot where nobody asked."""
    return entry.person_name or entry.person_id or "the bot"


def targets(entry: Entry, most: int = 3) -> str:
    """The machines that it is about, the first few by name."""
    names = entry.subjects
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _planned(entry: Entry, details: Mapping[str, Any]) -> str:
    return _with(f'asked for "{entry.words}"', _text(details, "reason"))


def _posted(_entry: Entry, _details: Mapping[str, Any]) -> str:
    return "showed the plan"


def _decided(what: str) -> Callable[[Entry, Mapping[str, Any]], str]:
    def tell(_entry: Entry, details: Mapping[str, Any]) -> str:
        return _with(what, _text(details, "reason"))

    return tell


def _asked(_entry: Entry, details: Mapping[str, Any]) -> str:
    needed = details.get("needed")
    of = f" of {needed} persons" if isinstance(needed, int) and needed > 1 else ""
    return _with(f"asked for approval{of}", _text(details, "reason"))


def _void(_entry: Entry, details: Mapping[str, Any]) -> str:
    changes = details.get("changes")
    shown = "; ".join(str(one) for one in changes) if isinstance(changes, list) else ""
    return _with("void, nothing was done", shown or _text(details, "reason"))


def _turn(_entry: Entry, details: Mapping[str, Any]) -> str:
    changes = details.get("changes")
    return _with("its turn has come, planned anew", "; ".join(map(str, changes)) if isinstance(changes, list) else "")


def _step(entry: Entry, details: Mapping[str, Any]) -> str:
    parts = [_text(details, name) for name in ("step", "outcome", "state", "label", "detail", "cause")]
    told = ", ".join("asking MAAS" if part == "asking" else part for part in dict.fromkeys(parts) if part)
    return _with(f"worked on {targets(entry) or _text(details, 'target')}", told)


def _ended(_entry: Entry, details: Mapping[str, Any]) -> str:
    return _with(f"ended, {_text(details, 'state') or 'done'}", _text(details, "outcome"))


def _policy(_entry: Entry, details: Mapping[str, Any]) -> str:
    return _with("policy loaded", _text(details, "digest")[:12])


def _watch(what: str) -> Callable[[Entry, Mapping[str, Any]], str]:
    def tell(entry: Entry, details: Mapping[str, Any]) -> str:
        quiet = _text(details, "quiet")
        return f"{what} {_text(details, 'what')} in region {entry.region}" + (f", quiet {quiet}" if quiet else "")

    return tell


def _other(entry: Entry, details: Mapping[str, Any]) -> str:
    what = entry.kind.replace(".", " ").replace("_", " ")
    return _with(what, _text(details, "reason") or _text(details, "outcome") or entry.words)


_TELLERS: dict[str, Callable[[Entry, Mapping[str, Any]], str]] = {
    "operation.planned": _planned,
    "operation.posted": _posted,
    "operation.asked": _asked,
    "operation.approved": _decided("approved"),
    "operation.denied": _decided("denied"),
    "operation.withdrawn": _decided("withdrew the request"),
    "operation.expired": _decided("expired, nothing was done"),
    "operation.confirmed": _decided("confirmed"),
    "operation.queued": _decided("took a place in the line"),
    "operation.turn": _turn,
    "operation.lapsed": _decided("approval counts no more: not an approver now"),
    "operation.void": _void,
    "operation.started": _decided("started"),
    "operation.step": _step,
    "operation.cancelled": _decided("cancelled"),
    "operation.ended": _ended,
    "break_glass": _decided("broke the glass: went on without approval"),
    "policy.loaded": _policy,
    "watch.set": _watch("this channel watches"),
    "watch.removed": _watch("this channel no longer watches"),
}


def _with(what: str, more: str) -> str:
    return f"{what}: {more}" if more else what


def _text(details: Mapping[str, Any], name: str) -> str:
    value = details.get(name)
    if isinstance(value, Mapping):
        value = value.get("summary", "")
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
