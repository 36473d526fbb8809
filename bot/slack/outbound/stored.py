"""Messages as text in the database, so that a final state outlives the process that was to show it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot import message as model
from bot.message import Message

_KINDS: Final[dict[str, type]] = {
    kind.__name__: kind
    for kind in (
        model.Bold,
        model.Bullets,
        model.Button,
        model.Buttons,
        model.Chart,
        model.Code,
        model.Divider,
        model.Facts,
        model.File,
        model.Heading,
        model.Link,
        model.Log,
        model.Mark,
        model.Message,
        model.Note,
        model.Paragraph,
        model.Person,
        model.Style,
        model.Table,
        model.Task,
        model.Tasks,
        model.TaskState,
        model.When,
    )
}


def dump(message: Message) -> str:
    """The message as JSON."""
    return json.dumps(_out(message), ensure_ascii=True, separators=(",", ":"))


def load(text: str) -> Message:
    """The message that `dump` wrote.

    Raises:
        ValueError: another version of the bot wrote it, or it is damaged.
    """
    try:
        value = _in(json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a stored message: {type(error).__name__}") from None
    if not isinstance(value, Message):
        raise ValueError("not a stored message")  # noqa: TRY004
    return value


def digest(message: Message, *, with_files: bool = False) -> str:
    """A fingerprint of what Slack shows: equal messages have equal ones, in every process.

    `with_files`: the message's files went into its thread, and its text names them.
    """
    return hashlib.sha256(b"+files"[: 6 * with_files] + dump(message).encode()).hexdigest()


def _out(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return {"=": type(value).__name__, "value": value.value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _out(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"=": type(value).__name__, **fields}
    if isinstance(value, datetime):
        return {"=": "datetime", "value": value.isoformat()}
    if isinstance(value, bytes):
        return {"=": "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return [_out(inner) for inner in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a message can't hold a {type(value).__name__}")


def _in(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_in(inner) for inner in value)
    if not isinstance(value, dict):
        return value
    name = value["="]
    if name == "datetime":
        return datetime.fromisoformat(value["value"])
    if name == "bytes":
        return base64.b64decode(value["value"])
    return _KINDS[name](**{key: _in(inner) for key, inner in value.items() if key != "="})
