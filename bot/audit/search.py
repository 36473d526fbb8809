"""Finding records: by machine, person, operation and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from bot.audit.chain import BATCH, Head, Verification, check_rows, read_rows
from bot.audit.record import Record, canonical, stamp, storable
from bot.settings_fields import parse_duration
from bot.tables import audit_records

_OPERATION = re.compile(r"op-[a-z0-9]+", re.IGNORECASE)
_PERSON = re.compile(r"<@([UW][A-Z0-9]{2,})(?:\|[^>]*)?>|([UW](?=[A-Z]*[0-9])[A-Z0-9]{3,})")
#: A page is checked with all that lies between its records, if that is not more than this.
_CHECKED = 4 * BATCH


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. Several words mean all of them; each is a machine, a person or an operation.

    Attributes:
        words: `node-3`, `U0OLGA`, `olga`, `op-4k2f`.
        since: the oldest moment, in seconds since the epoch.
    """

    words: tuple[str, ...] = ()
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, newest first, out of `total`. `checked` is what the chain over them came to.

    `between` tells whether the records between those shown were checked as well.
    """

    records: Sequence[Record]
    total: int
    checked: Verification
    between: bool = True


def find(connection: sa.Connection, query: Query, *, limit: int, offset: int = 0) -> Page:
    """The records that fit, newest first, with the chain checked from the oldest of them to the newest."""
    where = _condition(query)
    total = int(connection.execute(sa.select(sa.func.count()).select_from(audit_records).where(where)).scalar_one())
    chosen = audit_records.select().where(where).order_by(audit_records.c.seq.desc()).limit(limit).offset(offset)
    rows = connection.execute(chosen).mappings().all()
    records = [Record.of(row) for row in rows]
    if not records:
        return Page((), total, Verification(Head()))
    checked, between = _check(connection, rows)
    return Page(records, total, checked, between)


def parse_since(text: str, now: float) -> float:
    """Read `24h`, `7d`, `2026-01-31` or `2026-01-31T08:00` (UTC unless it says otherwise) as seconds since the epoch.

    Raises:
        ValueError: anything else; the text of the error is for the person.
    """
    try:
        return now - parse_duration(text).total_seconds()
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("write how long ago, like 90m, 24h or 7d, or a day like 2026-01-31") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _condition(query: Query) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if query.since is not None:
        conditions.append(audit_records.c.at >= stamp(max(0.0, query.since)))
    conditions += [_about(word) for word in query.words]
    return sa.and_(*conditions)


def _about(word: str) -> sa.ColumnElement[bool]:
    if _OPERATION.fullmatch(word):
        return audit_records.c.operation_id == word.lower()
    person = _PERSON.fullmatch(word)
    if person is not None:
        return audit_records.c.person_id == (person[1] or person[2])
    # Subjects are kept as a JSON list: a quoted name fits one of them, whole.
    subject = audit_records.c.subjects.contains(canonical(word.lower()), autoescape=True)
    return sa.or_(subject, audit_records.c.person_name == storable(word.lower()))


def _check(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> tuple[Verification, bool]:
    first, last = int(rows[-1]["seq"]), int(rows[0]["seq"])
    if last - first >= _CHECKED:
        for row in rows:
            alone = check_rows([row], Head(int(row["seq"]) - 1, row["previous"]))
            if not alone.whole:
                return alone, False
        return Verification(Head(last, rows[0]["hash"])), False
    before = [row for row in read_rows(connection, first - 2, 1) if int(row["seq"]) == first - 1]
    found = Verification(Head(first - 1, before[0]["hash"] if before else rows[-1]["previous"]))
    while found.whole and found.head.seq < last:
        part = [row for row in read_rows(connection, found.head.seq) if int(row["seq"]) <= last]
        if not part:
            break
        found = check_rows(part, found.head)
    return found, True
