"""How answers become models: straight from bytes, tolerant of what MAAS versions leave out or add.

A field that is absent, null or of a surprising shape takes its default instead of failing the whole list:
one odd machine must not make two thousand others invisible. Only what identifies a thing is strict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from bot.maas.errors import UnexpectedAnswer, clean

T = TypeVar("T")

#: For every model: unknown keys are dropped while parsing, values are immutable, and fields can be given by
#: name.
LENIENT = ConfigDict(extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)

#: Bytes that are parsed at a time: some forty machines, a few milliseconds.
_PORTION = 1024 * 1024
_BETWEEN = re.compile(rb'/machines/[^"/\\]+/"\s*\}(\s*,)(?=\s*\{)')

_MONTH_WITH_DOT = re.compile(r"([A-Za-z]{3})\. ")


@dataclass(frozen=True)
class Or:
    """Annotation: `default` when the value is null or can't be read. It runs in the parser, not in Python."""

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


Text = Annotated[str, Or("")]
Int = Annotated[int, Or(0)]
Float = Annotated[float, Or(0.0)]
Bool = Annotated[bool, Or(False)]
Texts = Annotated[tuple[Text, ...], Or(())]
#: A value that is parsed and dropped at once, so that it never becomes a Python object: for answers with
#: secrets.
Dropped = Annotated[None, Or(None)]


def decode(adapter: TypeAdapter[T], body: bytes, *, endpoint: str) -> T:
    """The model of `body`.

    Raises:
        UnexpectedAnswer: it is not JSON, or not of this shape. The error names places and kinds, never
            values.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # For broken JSON the parser's text quotes nothing of the body, only the place.
        where = ".".join(str(part) for part in first["loc"])
        what = clean(f"{where}: {first['msg']}" if where else first["msg"], 160)
    raise UnexpectedAnswer(f"The answer to {endpoint} can't be read ({what}).", endpoint=endpoint)


def decode_list(adapter: TypeAdapter[list[T]], body: bytes, *, endpoint: str) -> list[T]:
    """The models of a list, a portion at a time: the parser's tree takes far more room than the models.

    Raises:
        UnexpectedAnswer: as `decode`.
    """
    if len(body) > 2 * _PORTION:
        try:
            return [one for portion in _portions(body) for one in adapter.validate_json(portion)]
        except ValidationError:
            # Written in another layout, or broken: the whole tells which.
            pass
    return decode(adapter, body, endpoint=endpoint)


def _portions(body: bytes) -> Iterator[bytes]:
    """`body` cut between machines, each part a list again.

    A machine's own URI is the last thing in it, in every version and layout. A cut at any other place would
    leave parts that are no JSON.
    """
    start = 0
    while True:
        found = _BETWEEN.search(body, start + _PORTION)
        opening = b"[" if start else b""
        if found is None:
            yield opening + body[start:]
            return
        yield opening + body[start : found.start(1)] + b"]"
        start = found.end(1)


def moment(text: str) -> datetime | None:
    """A date as MAAS writes it, in UTC: "Sun, 22 Nov. 2026 08:04:35" in events, RFC 2822 elsewhere."""
    try:
        parsed = parsedate_to_datetime(_MONTH_WITH_DOT.sub(r"\1 ", text))
    except (ValueError, TypeError, IndexError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
