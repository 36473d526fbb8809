"""What a handler gives back: status, content type and body, worded as a MAAS region words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JSON = "application/json; charset=utf-8"
BARE_JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
BARE_TEXT = "text/plain"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `headers` are added to the ones that every answer of the region carries."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] | None = None


class Refusal(Exception):  # noqa: N818 - it is an answer, raised to leave a handler early
    """Leaves a handler with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}")
        self.answer = answer


def pretty(value: object) -> str:
    """JSON as piston prints it: indented by four blanks."""
    return json.dumps(value, indent=4)


def json_answer(value: object, status: int = 200, content_type: str = JSON) -> Answer:
    return Answer(status, content_type, pretty(value).encode())


def text_answer(text: str, status: int = 200, content_type: str = TEXT) -> Answer:
    return Answer(status, content_type, text.encode())


def no_content() -> Answer:
    return Answer(204, BARE_TEXT)


def refuse(status: int, text: str) -> Refusal:
    """A single-message error: text/plain."""
    return Refusal(text_answer(text, status))


def refuse_form(errors: Mapping[str, list[str] | str], content_type: str = JSON) -> Refusal:
    """A form error: 400 with `{"field": ["text"]}`, in compact JSON as Django writes it."""
    listed: dict[str, Any] = {k: [v] if isinstance(v, str) else v for k, v in errors.items()}
    return Refusal(Answer(400, content_type, json.dumps(listed).encode()))


def forbidden() -> Refusal:
    """No permission, or the machine is locked: 403 with an empty body."""
    return Refusal(Answer(403, TEXT))


def admin_only() -> Refusal:
    return refuse(403, "This method is reserved for admin users.")
