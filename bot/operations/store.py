"""Operations in the database. Every change of state is compare-and-set: of two writers one wins, the other is told."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bot.operations.plan import Plan
from bot.operations.records import UNDER_WAY, FailureCause, Operation, OperationState, TargetRow, TargetState
from bot.people import Identity, Origin
from bot.storage import Database
from bot.storage import operation_targets as targets_table
from bot.storage import operations as table

# No vowels and no look-alikes: ids are read aloud at night and typed on phones.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


class OperationStore:
    """Reads and writes operations. Raises StorageUnavailableError from every method when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, plan: Plan, person: Identity, origin: Origin, words: str, now: float) -> Operation:
        """Store a planned operation under a new id."""

        def insert(connection: sa.Connection) -> str:
            operation_id = _new_id(connection)
            connection.execute(
                table.insert().values(
                    id=operation_id,
                    kind=plan.kind,
                    region=plan.region,
                    state=OperationState.PLANNED.value,
                    team_id=person.team_id,
                    requester_id=person.user_id,
                    requester_name=person.name,
                    channel=origin.channel,
                    thread_ts=origin.thread,
                    words=words,
                    plan=plan.to_json(),
                    fingerprint=plan.fingerprint,
                    nonce=secrets.token_urlsafe(12),
                    outcome="",
                    created_at=now,
                )
            )
            rows = [
                {"operation_id": operation_id, "key": target.key, "seq": seq, "name": target.name,
                 "state": TargetState.WAITING.value, "label": target.state, "detail": ""}
                for seq, target in enumerate(plan.targets)
            ]  # fmt: skip
            connection.execute(targets_table.insert(), rows)
            return operation_id

        return await self.get(await self._database.run(insert))

    async def get(self, operation_id: str) -> Operation:
        """Read one operation with its targets.

        Raises:
            KeyError: there is none of that id.
        """

        def read(connection: sa.Connection) -> Operation:
            row = (
                connection.execute(table.select().where(table.c.id == operation_id)).mappings().one_or_none()
            )
            if row is None:
                raise KeyError(operation_id)
            rows = connection.execute(
                targets_table.select()
                .where(targets_table.c.operation_id == operation_id)
                .order_by(targets_table.c.seq)
            ).mappings()
            return _operation(row, [_target(one) for one in rows])

        return await self._database.run(read)

    async def target(self, operation_id: str, key: str) -> TargetRow:
        """Read one target.

        Raises:
            KeyError: there is none.
        """

        def read(connection: sa.Connection) -> TargetRow:
            row = (
                connection.execute(targets_table.select().where(_is_target(operation_id, key)))
                .mappings()
                .one_or_none()
            )
            if row is None:
                raise KeyError(f"{operation_id}/{key}")
            return _target(row)

        return await self._database.run(read)

    async def newest(
        self, *, states: Collection[OperationState] | None = None, limit: int = 20
    ) -> list[Operation]:
        """The newest operations, without their targets' rows."""

        def read(connection: sa.Connection) -> list[Operation]:
            query = table.select().order_by(table.c.created_at.desc()).limit(limit)
            if states is not None:
                query = query.where(table.c.state.in_([state.value for state in states]))
            return [_operation(row, []) for row in connection.execute(query).mappings()]

        return await self._database.run(read)

    async def holders(self, region: str, keys: Collection[str]) -> dict[str, Operation]:
        """Which of the targets `keys` belong to an operation under way that is not done with them."""

        def read(connection: sa.Connection) -> dict[str, Operation]:
            query = (
                sa.select(targets_table.c.key.label("target_key"), *table.c)
                .join(table, table.c.id == targets_table.c.operation_id)
                .where(table.c.region == region, table.c.state.in_([state.value for state in UNDER_WAY]))
                .where(targets_table.c.state.in_(["waiting", "asking", "asked"]))
            )
            wanted = set(keys)
            rows = connection.execute(query).mappings()
            return {row["target_key"]: _operation(row, []) for row in rows if row["target_key"] in wanted}

        return await self._database.run(read)

    async def move(
        self, operation_id: str, expected: Collection[OperationState], new: OperationState, **values: Any
    ) -> bool:
        """Set the state to `new` if it is one of `expected` now. False: somebody else was first."""

        def write(connection: sa.Connection) -> bool:
            result = connection.execute(
                table.update()
                .where(table.c.id == operation_id, table.c.state.in_([state.value for state in expected]))
                .values(state=new.value, **values)
            )
            return result.rowcount == 1

        return await self._database.run(write)

    async def move_target(
        self, operation_id: str, key: str, expected: Collection[TargetState], new: TargetState, **values: Any
    ) -> bool:
        """The same for one target. `cause` may be given as a FailureCause."""
        cause = values.get("cause")
        if isinstance(cause, FailureCause):
            values["cause"] = json.dumps(asdict(cause))

        def write(connection: sa.Connection) -> bool:
            result = connection.execute(
                targets_table.update()
                .where(
                    _is_target(operation_id, key),
                    targets_table.c.state.in_([state.value for state in expected]),
                )
                .values(state=new.value, **values)
            )
            return result.rowcount == 1

        return await self._database.run(write)

    async def label_target(self, operation_id: str, key: str, label: str) -> None:
        """Keep the state that MAAS reports for a target."""

        def write(connection: sa.Connection) -> None:
            connection.execute(
                targets_table.update().where(_is_target(operation_id, key)).values(label=label)
            )

        await self._database.run(write)

    async def durations(self, kind: str, region: str, limit: int = 50) -> list[float]:
        """How long targets of this kind took lately, in seconds, newest first; only those that succeeded."""

        def read(connection: sa.Connection) -> list[float]:
            query = (
                sa.select(targets_table.c.ended_at - targets_table.c.asked_at)
                .join(table, table.c.id == targets_table.c.operation_id)
                .where(
                    table.c.kind == kind,
                    table.c.region == region,
                    targets_table.c.state == TargetState.DONE.value,
                )
                .where(targets_table.c.asked_at.is_not(None))
                .order_by(targets_table.c.ended_at.desc())
                .limit(limit)
            )
            return [float(value) for value in connection.execute(query).scalars() if value is not None]

        return await self._database.run(read)


def _is_target(operation_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(targets_table.c.operation_id == operation_id, targets_table.c.key == key)


def _new_id(connection: sa.Connection) -> str:
    for length in (4, 4, 4, 5, 6, 8):
        candidate = "op-" + "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if connection.execute(sa.select(table.c.id).where(table.c.id == candidate)).first() is None:
            return candidate
    raise RuntimeError("no free operation id was found")


def _operation(row: sa.RowMapping, targets: Sequence[TargetRow]) -> Operation:
    return Operation(
        id=row["id"],
        kind=row["kind"],
        region=row["region"],
        state=OperationState(row["state"]),
        team_id=row["team_id"],
        requester_id=row["requester_id"],
        requester_name=row["requester_name"],
        channel=row["channel"],
        thread_ts=row["thread_ts"],
        words=row["words"],
        plan=Plan.from_json(row["plan"]),
        nonce=row["nonce"],
        outcome=row["outcome"],
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cancelled_by=row["cancelled_by"],
        targets=tuple(targets),
    )


def _target(row: sa.RowMapping) -> TargetRow:
    return TargetRow(
        key=row["key"],
        name=row["name"],
        seq=row["seq"],
        state=TargetState(row["state"]),
        label=row["label"],
        detail=row["detail"],
        baseline=row["baseline"],
        asked_at=row["asked_at"],
        ended_at=row["ended_at"],
        cause=FailureCause(**json.loads(row["cause"])) if row["cause"] else None,
    )
