"""The whole logs of failures: kept beside the rows, which are read over and over, and read once for the thread."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage import Database
from bot.watch_tables import failure_logs as table


class FailureLogs:
    """Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, operation_id: str, key: str, text: str) -> None:
        """Store the log of one target; a second one takes the place of the first."""
        row = {"operation_id": operation_id, "key": key}

        def write(connection: sa.Connection) -> None:
            connection.execute(table.delete().where(_is(operation_id, key)))
            # NUL is what PostgreSQL would not take in a text.
            connection.execute(table.insert().values(**row, text=text.replace("\x00", "")))

        await self._database.run(write)

    async def of(self, operation_id: str, key: str) -> str:
        """The log of one target, "" when there is none."""
        query = sa.select(table.c.text).where(_is(operation_id, key))
        return await self._database.run(lambda connection: connection.execute(query).scalar_one_or_none() or "")


def _is(operation_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.operation_id == operation_id, table.c.key == key)
