"""The targets of operations in the database. Their states change by compare-and-set, as those of operations do."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bot import audit
from bot.operations.plan import Plan
from bot.operations.records import FailureCause, TargetRow, TargetState
from bot.operations.rows import target_of
from bot.storage import Database
from bot.tables import operation_targets as targets_table


class TargetStore:
    """Reads and writes targets. Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def get(self, operation_id: str, key: str) -> TargetRow:
        """Read one target.

        Raises:
            KeyError: there is none.
        """

        def read(connection: sa.Connection) -> TargetRow:
            query = targets_table.select().where(_is_target(operation_id, key))
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise KeyError(f"{operation_id}/{key}")
            return target_of(row)

        return await self._database.run(read)

    async def move(
        self,
        operation_id: str,
        key: str,
        expected: Collection[TargetState],
        new: TargetState,
        *,
        entry: audit.Entry | None = None,
        **values: Any,
    ) -> bool:
        """Set the state to `new` if it is one of `expected` now. False: it was not.

        `cause` may be given as a FailureCause.
        """
        cause = values.get("cause")
        if isinstance(cause, FailureCause):
            values["cause"] = json.dumps(asdict(cause))

        def write(connection: sa.Connection) -> bool:
            query = targets_table.update().where(
                _is_target(operation_id, key), targets_table.c.state.in_([state.value for state in expected])
            )
            if connection.execute(query.values(state=new.value, **values)).rowcount != 1:
                return False
            if entry is not None:
                audit.append(connection, entry, self._clock())
            return True

        return await self._database.run(write)

    async def standings(self, operation_id: str) -> list[tuple[int, str, TargetState]]:
        """How every target of an operation stands: its place, its name, its state."""
        columns = (targets_table.c.seq, targets_table.c.name, targets_table.c.state)
        query = sa.select(*columns).where(targets_table.c.operation_id == operation_id).order_by(targets_table.c.seq)

        def read(connection: sa.Connection) -> list[tuple[int, str, TargetState]]:
            return [(row.seq, row.name, TargetState(row.state)) for row in connection.execute(query)]

        return await self._database.run(read)

    async def label(self, operation_id: str, key: str, label: str) -> None:
        """Keep the state that MAAS reports for a target."""
        query = targets_table.update().where(_is_target(operation_id, key)).values(label=label)
        await self._database.run(lambda connection: connection.execute(query))


def insert_targets(connection: sa.Connection, operation_id: str, plan: Plan) -> None:
    """Write down what a plan works on, all of it waiting, in the caller's transaction."""
    rows = [
        {
            "operation_id": operation_id,
            "key": target.key,
            "seq": seq,
            "name": target.name,
            "state": TargetState.WAITING.value,
            "label": target.state,
            "detail": "",
        }
        for seq, target in enumerate(plan.targets)
    ]
    if rows:
        connection.execute(targets_table.insert(), rows)


def _is_target(operation_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(targets_table.c.operation_id == operation_id, targets_table.c.key == key)
