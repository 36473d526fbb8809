"""Small pieces that a Block Kit check is put together from.

A `Check` looks at one value and tells `Problems` what is wrong, in Slack's form: a sentence and a JSON
pointer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit


class Problems:
    """What was found wrong so far. `files` says whether an uploaded file is ready for use in a block."""

    def __init__(self, surface: str, *, native: bool = True, files: Callable[[str], bool] | None = None) -> None:
        self.surface = surface
        self.native = native
        self.files = files or (lambda _file_id: True)
        self.found: list[str] = []
        self.codes: list[str] = []

    def add(self, pointer: str, message: str) -> None:
        self.found.append(f"[ERROR] {message} [json-pointer:{pointer or '/'}]")


Check = Callable[[Problems, Any, str], None]


def anything(_problems: Problems, _value: Any, _pointer: str) -> None:
    """No demand."""


def string(most: int | None = None, least: int = 0) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if not isinstance(value, str):
            problems.add(pointer, "must provide a string")
        elif len(value) < least:
            problems.add(pointer, f"must be more than {least - 1} characters")
        elif most is not None and len(value) > most:
            problems.add(pointer, f"must be less than {most + 1} characters")

    return check


def one_of(*allowed: str) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if value not in allowed:
            problems.add(pointer, f"must be one of: {', '.join(allowed)}")

    return check


def boolean(problems: Problems, value: Any, pointer: str) -> None:
    if not isinstance(value, bool):
        problems.add(pointer, "must provide a boolean")


def integer(least: int | None = None, most: int | None = None) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.add(pointer, "must provide an integer")
        elif (least is not None and value < least) or (most is not None and value > most):
            problems.add(pointer, f"must be between {least} and {most}")

    return check


def number(above: float | None = None) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.add(pointer, "must provide a number")
        elif above is not None and value <= above:
            problems.add(pointer, f"must be more than {above:g}")

    return check


def url(most: int = 3000) -> Check:
    """An absolute address that a client can open."""
    length = string(most, 1)

    def check(problems: Problems, value: Any, pointer: str) -> None:
        length(problems, value, pointer)
        if isinstance(value, str) and not _is_address(value):
            problems.add(pointer, "must be a valid URL")

    return check


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.netloc) if parts.scheme in {"http", "https", "slack"} else parts.scheme == "mailto"


def array(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if not isinstance(value, list):
            problems.add(pointer, "must provide an array")
            return
        if len(value) < least:
            problems.add(pointer, f"no less than {least} items allowed")
        if most is not None and len(value) > most:
            problems.add(pointer, f"no more than {most} items allowed")
            return
        for index, entry in enumerate(value):
            item(problems, entry, f"{pointer}/{index}")

    return check


def record(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    *,
    also: Check = anything,
) -> Check:
    """An object with these fields and no others; `also` looks at the whole afterwards."""
    required, optional = required or {}, optional or {}

    def check(problems: Problems, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            problems.add(pointer, "must provide an object")
            return
        before = len(problems.found)
        for name in required:
            if value.get(name) is None:
                problems.add(pointer, f"missing required field: {name}")
        for name, entry in value.items():
            inner = required.get(name) or optional.get(name)
            if inner is None:
                problems.add(f"{pointer}/{name}", f"invalid additional property: {name}")
            elif entry is not None:
                inner(problems, entry, f"{pointer}/{name}")
        if len(problems.found) == before:
            also(problems, value, pointer)

    return check


def typed(kinds: Mapping[str, Check] | Callable[[], Mapping[str, Check]]) -> Check:
    """An object whose `type` says which check applies."""

    def check(problems: Problems, value: Any, pointer: str) -> None:
        known = kinds() if callable(kinds) else kinds
        if not isinstance(value, dict):
            problems.add(pointer, "must provide an object")
        elif not isinstance(value.get("type"), str):
            problems.add(pointer, "missing required field: type")
        elif value["type"] not in known:
            problems.add(f"{pointer}/type", f"unsupported type: {value['type']}")
        else:
            known[value["type"]](problems, value, pointer)

    return check


def text_object(most: int, kinds: Sequence[str] = ("plain_text",), least: int = 1) -> Check:
    """A text object of one of these kinds with at most this many characters."""
    body = string(most, least)
    plain = record({"type": anything, "text": body}, {"emoji": boolean})
    mrkdwn = record({"type": anything, "text": body}, {"verbatim": boolean})
    checks = {"plain_text": plain, "mrkdwn": mrkdwn}
    return typed({kind: checks[kind] for kind in kinds})


def either(*names: str) -> Check:
    """At least one of these fields is there."""

    def check(problems: Problems, value: Any, pointer: str) -> None:
        if not any(value.get(name) for name in names):
            problems.add(pointer, f"missing required field: {' or '.join(names)}")

    return check


def exactly_one(*names: str) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        if sum(value.get(name) is not None for name in names) != 1:
            problems.add(pointer, f"exactly one of {', '.join(names)} is needed")

    return check


def every(*checks: Check) -> Check:
    def check(problems: Problems, value: Any, pointer: str) -> None:
        for inner in checks:
            inner(problems, value, pointer)

    return check
