"""Locks on machines: one operation at a time, across replicas. A lock is a row, so a crash neither loses nor keeps it.

It is taken in the transaction that lets an operation begin and given back in the one that ends it; nothing else does
either. All functions work in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.operations.records import UNDER_WAY
from bot.tables import locks as table
from bot.tables import operations

#: Below SQLite's and PostgreSQL's bounds for the parameters of one statement.
_BATCH = 400
#: A holder may go between our try and our look; then it is worth another try.
_TRIES = 5


def acquire(
    connection: sa.Connection, region: str, keys: Collection[str], operation_id: str, now: float
) -> dict[str, str]:
    """Take all of these locks, or none.

    Locks that the operation holds already count as taken. Where another transaction is taking one of them at the same
    time, this waits for its end.

    Args:
        connection: of the caller's transaction.
        region: the region's name.
        keys: the targets' keys.
        operation_id: who takes them.
        now: seconds since the epoch.

    Returns:
        Nothing when all were taken; otherwise the locks that others hold, with their operations, and none was taken.
    """
    wanted = sorted(set(keys))  # one order for everybody: two that want the same machines can't wait for each other
    held_before = {key for key, holder in holders(connection, region, wanted).items() if holder == operation_id}
    missing = [key for key in wanted if key not in held_before]
    for _ in range(_TRIES):
        for batch in _batches(missing):
            rows = [{"region": region, "key": key, "operation_id": operation_id, "taken_at": now} for key in batch]
            connection.execute(_insert_new(connection), rows)
        found = holders(connection, region, missing)
        taken = {key: holder for key, holder in found.items() if holder != operation_id}
        if taken:
            _give_back(connection, region, [key for key, holder in found.items() if holder == operation_id])
            return taken
        if len(found) == len(missing):
            return {}
    raise RuntimeError(f"the locks of {operation_id} change hands faster than they can be looked at")


def release(connection: sa.Connection, operation_id: str) -> None:
    """Give back all locks of an operation."""
    connection.execute(table.delete().where(table.c.operation_id == operation_id))


def holders(connection: sa.Connection, region: str, keys: Collection[str]) -> dict[str, str]:
    """Which of these are locked, and by which operations."""
    found: dict[str, str] = {}
    for batch in _batches(sorted(set(keys))):
        query = sa.select(table.c.key, table.c.operation_id).where(table.c.region == region, table.c.key.in_(batch))
        found.update((key, holder) for key, holder in connection.execute(query))
    return found


def release_ended(connection: sa.Connection) -> list[str]:
    """Give back the locks of operations that are not under way, and return those operations' ids.

    There should be none: whoever finds one has found a defect, and should say so in the log.
    """
    working = sa.select(operations.c.id).where(operations.c.state.in_([state.value for state in UNDER_WAY]))
    stale = table.c.operation_id.not_in(working)
    found = sorted(set(connection.execute(sa.select(table.c.operation_id).where(stale)).scalars()))
    if found:
        connection.execute(table.delete().where(stale))
    return found


def _give_back(connection: sa.Connection, region: str, keys: Iterable[str]) -> None:
    for batch in _batches(sorted(keys)):
        connection.execute(table.delete().where(table.c.region == region, table.c.key.in_(batch)))


def _insert_new(connection: sa.Connection) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=[table.c.region, table.c.key])


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]
