"""One audit record: what it says, the exact text that is hashed, and its line in files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.audit.redaction import Cleaner
from bot.audit_guards import GENESIS

#: The form of the text that is hashed; a change of it would need a new number.
_FORM = 1
#: What PostgreSQL or an encoder would not take in a text column.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did, or what became of it. `details` holds anything that JSON can say.

    Attributes:
        kind: `operation.planned`, `operation.approved`, …; `break_glass`; `policy.loaded`.
        subjects: names of the machines (or other targets) that it is about.
        words: what the person typed, exactly.
        link: address of the message in Slack.
    """

    kind: str
    person_id: str = ""
    person_name: str = ""
    team_id: str = ""
    channel: str = ""
    link: str = ""
    operation_id: str = ""
    region: str = ""
    subjects: tuple[str, ...] = ()
    words: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


_NAMES = tuple(one.name for one in fields(Entry))


@dataclass(frozen=True, slots=True)
class Record:
    """One record as stored. `text` is the canonical JSON that `hash` covers together with `previous`.

    `hash` is the SHA-256, in hex, of `previous`, a newline and `text`, all ASCII.
    """

    seq: int
    at: str
    previous: str
    hash: str
    text: str

    @classmethod
    def of(cls, row: sa.RowMapping) -> Record:
        """The record of a row of `audit_records`."""
        return cls(int(row["seq"]), row["at"], row["previous"], row["hash"], row["record"])

    @property
    def entry(self) -> Entry:
        """What it says.

        Raises:
            ValueError: the text is no record's: somebody changed it.
        """
        said = json.loads(self.text)
        try:
            return Entry(**{**{name: said[name] for name in _NAMES}, "subjects": tuple(said["subjects"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"record {self.seq} is not in the form of a record") from error

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)

    def line(self) -> str:
        """One line of JSON: the record's own names, and `hash` and `previous` beside them."""
        return canonical({**json.loads(self.text), "hash": self.hash, "previous": self.previous})

    @classmethod
    def from_line(cls, line: str | bytes) -> Record:
        """The record that `line` made this line of.

        Raises:
            ValueError: it is none.
        """
        said = json.loads(line)
        try:
            own, previous, seq, at = said.pop("hash"), said.pop("previous"), int(said["seq"]), str(said["at"])
        except (AttributeError, KeyError, TypeError):
            raise ValueError("not a record") from None
        return cls(seq, at, str(previous), str(own), canonical(said))


def write(entry: Entry, seq: int, previous: str, now: float, cleaner: Cleaner) -> dict[str, Any]:
    """The row of `audit_records` for `entry`: cleaned, in canonical form, chained to `previous`."""
    said: dict[str, Any] = {name: cleaner.value(getattr(entry, name)) for name in _NAMES}
    said |= {"form": _FORM, "seq": seq, "at": stamp(now)}
    text = canonical(said)
    return {"record": text, "previous": previous, "hash": digest(previous, text), **copies(text)}


def copies(text: str) -> dict[str, Any]:
    """The columns beside `record` that repeat parts of it for searching.

    Raises:
        ValueError: the text is no record's.
    """
    said = json.loads(text)
    try:
        return {
            "seq": said["seq"],
            "at": said["at"],
            "kind": storable(said["kind"]),
            "person_id": storable(said["person_id"]),
            "person_name": storable(said["person_name"].lower()),
            "operation_id": storable(said["operation_id"]),
            "subjects": canonical([str(one).lower() for one in said["subjects"]]),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not in the form of a record") from error


def canonical(value: Any) -> str:
    """JSON in the one way that is hashed: sorted names, no blanks, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(previous: str, text: str) -> str:
    """The hash of a record: SHA-256 over its predecessor's hash, a newline and its own text."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def stamp(seconds: float) -> str:
    """A moment as it is stored: UTC to the microsecond, in text that sorts as time does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def storable(text: str) -> str:
    """`text` as every database takes it in a text column; `record` keeps it exactly."""
    return _UNSTORABLE.sub("\ufffd", text)


__all__ = ["GENESIS", "Entry", "Record", "canonical", "copies", "digest", "stamp", "storable", "write"]
