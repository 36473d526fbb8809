"""How long work took lately."""

from __future__ import annotations

import sqlalchemy as sa

from bot.operations.records import OperationState, TargetState
from bot.storage import Database
from bot.tables import operation_targets as targets_table
from bot.tables import operations as table


class Durations:
    """Reads them. Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_one(self, kind: str, region: str, limit: int = 50) -> list[float]:
        """How long targets of this kind took lately, in seconds, newest first; only those that succeeded."""

        def read(connection: sa.Connection) -> list[float]:
            query = (
                sa.select(targets_table.c.ended_at - targets_table.c.asked_at)
                .join(table, table.c.id == targets_table.c.operation_id)
                .where(table.c.kind == kind, table.c.region == region, targets_table.c.state == TargetState.DONE.value)
                .where(targets_table.c.asked_at.is_not(None))
                .order_by(targets_table.c.ended_at.desc())
                .limit(limit)
            )
            return [float(value) for value in connection.execute(query).scalars() if value is not None]

        return await self._database.run(read)

    async def of_whole(self, kind: str, region: str, limit: int = 20) -> list[float]:
        """How long operations of this kind took lately, in seconds, newest first; only those that succeeded."""
        query = (
            sa.select(table.c.ended_at - table.c.started_at)
            .where(table.c.kind == kind, table.c.region == region, table.c.state == OperationState.DONE.value)
            .order_by(table.c.ended_at.desc())
            .limit(limit)
        )
        taken = await self._database.run(lambda connection: list(connection.execute(query).scalars()))
        return [float(value) for value in taken if value is not None]
