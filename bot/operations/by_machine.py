"""The operations of one machine, newest first."""

from __future__ import annotations

import sqlalchemy as sa

from bot.operations.records import Operation, TargetRow
from bot.operations.rows import operation_of, target_of
from bot.storage import Database
from bot.tables import operation_targets as targets
from bot.tables import operations as table


async def of_machine(database: Database, region: str, key: str, limit: int) -> list[tuple[Operation, TargetRow]]:
    """What was begun on this machine, and what came of it there; plans that came to nothing are left out.

    Raises:
        StorageUnavailableError: the database does not answer.
    """
    query = (
        sa.select(table)
        .join(targets, targets.c.operation_id == table.c.id)
        .where(table.c.region == region, targets.c.key == key, table.c.started_at.is_not(None))
        .order_by(table.c.created_at.desc())
        .limit(limit)
    )

    def read(connection: sa.Connection) -> list[tuple[Operation, TargetRow]]:
        found = [operation_of(row) for row in connection.execute(query).mappings()]
        its = targets.select().where(targets.c.key == key, targets.c.operation_id.in_([one.id for one in found]))
        rows = {row["operation_id"]: target_of(row) for row in connection.execute(its).mappings()}
        return [(one, rows[one.id]) for one in found if one.id in rows]

    return await database.run(read)
