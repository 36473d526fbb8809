"""The chain: appending to it, and finding the first record that does not fit.

What a break can't hide: a record that was changed, taken out, put in or moved has another hash than the one after it
was chained to; one taken from the end is missed by the head row, and by the mirror file if there is one. Who rewrites
every record from some point on, the head row included, is found out by the mirror alone: keep it on another machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from bot.audit.record import GENESIS, Entry, Record, copies, digest, write
from bot.audit.redaction import Cleaner
from bot.storage import StorageUnavailableError
from bot.tables import audit_head, audit_records
from bot.telemetry import Redactor

#: Rows that are read at once: enough to be fast, few enough for any memory.
BATCH = 500

_COPIES = ("seq", "at", "kind", "person_id", "person_name", "operation_id", "subjects")


@dataclass(frozen=True, slots=True)
class Head:
    """An end of a chain, or a place in it: the number of its last record, and that record's hash."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold: the first record concerned, and a sentence about it."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying came to: how far the chain is whole, and the first break if there is one."""

    head: Head
    broken: Break | None = None

    @property
    def whole(self) -> bool:
        return self.broken is None


def append(connection: sa.Connection, entry: Entry, now: float) -> int:
    """Append a record in the caller's transaction: it commits or vanishes with the change that it tells of.

    It locks the end of the chain until the transaction ends, so it belongs at the transaction's end: what is locked
    after it could wait for somebody who waits for it. Secrets are taken out before anything is stored.

    Returns:
        The record's number: 1, 2, 3 and so on, without gaps.

    Raises:
        StorageUnavailableError: the head row is gone. Without an audit nothing is changed.
    """
    if connection.dialect.name == "sqlite":
        # SQLite's drivers begin a transaction at the first write: this takes the lock before the head is read.
        connection.execute(audit_head.update().values(seq=audit_head.c.seq))
    head = read_head(connection, lock=True)
    if head is None:
        raise StorageUnavailableError("the audit has lost its head row: 'maasbot audit verify' tells more")
    redactor = connection.get_execution_options().get("audit_redactor") or Redactor()
    row = write(entry, head.seq + 1, head.hash, now, Cleaner(redactor))
    connection.execute(audit_records.insert().values(row))
    connection.execute(audit_head.update().values(seq=row["seq"], hash=row["hash"]))
    return head.seq + 1


def read_head(connection: sa.Connection, *, lock: bool = False) -> Head | None:
    """The head row; None when somebody took it away. With `lock` no one else appends until the transaction ends."""
    query = sa.select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.id == 1)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return Head(int(row.seq), row.hash) if row is not None else None


def read_rows(connection: sa.Connection, after: int, limit: int = BATCH) -> Sequence[sa.RowMapping]:
    """The next rows after a number, in order."""
    query = audit_records.select().where(audit_records.c.seq > after).order_by(audit_records.c.seq).limit(limit)
    return connection.execute(query).mappings().all()


def check_rows(rows: Iterable[sa.RowMapping], start: Head) -> Verification:
    """Check rows that should continue `start`, up to the first that does not."""
    at = start
    for row in rows:
        reason = _fault(row, at)
        if reason is not None:
            return Verification(at, reason)
        at = Head(int(row["seq"]), row["hash"])
    return Verification(at)


def check_end(found: Verification, before: Head | None, after: Head | None) -> Verification:
    """Compare the last record that was found with the head row, as it was before and after the records were read."""
    if not found.whole:
        return found
    end = found.head
    if before is None or after is None:
        return replace(found, broken=Break(end.seq + 1, "the head row is gone: records may be missing at the end"))
    if end.seq < before.seq:
        return replace(found, broken=Break(end.seq + 1, f"{_span(end.seq + 1, before.seq)} missing at the end"))
    if end.seq > after.seq:
        return replace(found, broken=Break(after.seq + 1, f"the head row names record {after.seq} as the last"))
    if any(end.seq == head.seq and end.hash != head.hash for head in (before, after)):
        return replace(found, broken=Break(end.seq, f"record {end.seq} is not the one that the head row names"))
    return found


def check_lines(lines: Iterable[str]) -> Verification:
    """Check an exported file, from its first line on; it may begin anywhere in the chain."""
    at: Head | None = None
    for number, line in enumerate(lines, 1):
        try:
            record = Record.from_line(line)
        except ValueError:
            return Verification(at or Head(), Break(at.seq + 1 if at else 0, f"line {number} is no audit record"))
        start = at or Head(record.seq - 1, record.previous)
        reason = _chained(record.seq, record.previous, record.hash, record.text, start)
        if reason is not None:
            return Verification(start, reason)
        at = Head(record.seq, record.hash)
    return Verification(at or Head())


def _fault(row: sa.RowMapping, before: Head) -> Break | None:
    seq = int(row["seq"])
    fault = _chained(seq, row["previous"], row["hash"], row["record"], before)
    if fault is not None:
        return fault
    try:
        wanted = copies(row["record"])
    except ValueError:
        return Break(seq, f"record {seq} is not in the form of a record")
    wrong = [name for name in _COPIES if row[name] != wanted[name]]
    return Break(seq, f"record {seq} was changed: {', '.join(wrong)}") if wrong else None


def _chained(seq: int, previous: str, own: str, text: str, before: Head) -> Break | None:
    if seq > before.seq + 1:
        return Break(before.seq + 1, f"{_span(before.seq + 1, seq - 1)} missing")
    if seq <= before.seq:
        return Break(seq, f"record {seq} comes after record {before.seq}")
    if previous != before.hash:
        return Break(seq, f"record {seq} does not continue record {before.seq} as that is now")
    if own != digest(previous, text):
        return Break(seq, f"record {seq} was changed")
    return None


def _span(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"
