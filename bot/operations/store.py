"""Operations in the database. Every change of state is compare-and-set: of two writers one wins, the other is told.

What belongs together commits together: a change of state, the record of it in the audit, the locks that it takes or
gives back.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import sqlalchemy as sa

from bot import audit
from bot.operations.by_machine import of_machine
from bot.operations.decision_store import DecisionStore
from bot.operations.durations import Durations
from bot.operations.failure_logs import FailureLogs
from bot.operations.plan import Plan
from bot.operations.records import UNDER_WAY, Operation, OperationState
from bot.operations.rows import decision_of, operation_of, target_of
from bot.operations.target_store import TargetStore, insert_targets
from bot.people import Identity, Origin
from bot.storage import Database
from bot.tables import decisions as decisions_table
from bot.tables import operation_targets as targets_table
from bot.tables import operations as table

# No vowels and no look-alikes: ids are read aloud at night and typed on phones.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"

#: Runs in the transaction of a change of state, before it commits.
Also = Callable[[sa.Connection], None]


class OperationStore:
    """Reads and writes operations. Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self.targets = TargetStore(database, clock)
        self.decisions = DecisionStore(database, clock)
        self.durations = Durations(database)
        self.logs = FailureLogs(database)
        self.of_machine = partial(of_machine, database)

    async def create(self, plan: Plan, person: Identity, origin: Origin, words: str, reason: str) -> Operation:
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
                    reason=reason,
                    created_at=self._clock(),
                    **_planned(plan),
                )
            )
            insert_targets(connection, operation_id, plan)
            details = {"plan": json.loads(plan.to_json()), "fingerprint": plan.fingerprint, "reason": reason}
            entry = audit.Entry(
                kind="operation.planned",
                person_id=person.user_id,
                person_name=person.name,
                team_id=person.team_id,
                channel=origin.channel,
                operation_id=operation_id,
                region=plan.region,
                subjects=plan.subjects,
                words=words,
                details=details,
            )
            audit.append(connection, entry, self._clock())
            return operation_id

        return await self.get(await self._database.run(insert))

    async def get(self, operation_id: str) -> Operation:
        """Read one operation with its targets and decisions.

        Raises:
            KeyError: there is none of that id.
        """

        def read(connection: sa.Connection) -> Operation:
            row = connection.execute(table.select().where(table.c.id == operation_id)).mappings().one_or_none()
            if row is None:
                raise KeyError(operation_id)
            targets = targets_table.select().where(targets_table.c.operation_id == operation_id)
            decided = decisions_table.select().where(decisions_table.c.operation_id == operation_id)
            return operation_of(
                row,
                [target_of(one) for one in connection.execute(targets.order_by(targets_table.c.seq)).mappings()],
                [decision_of(one) for one in connection.execute(decided.order_by(decisions_table.c.at)).mappings()],
            )

        return await self._database.run(read)

    async def newest(self, *, states: Collection[OperationState] | None = None, limit: int = 20) -> list[Operation]:
        """The newest operations, without their targets' rows."""

        def read(connection: sa.Connection) -> list[Operation]:
            query = table.select().order_by(table.c.created_at.desc()).limit(limit)
            if states is not None:
                query = query.where(table.c.state.in_([state.value for state in states]))
            return [operation_of(row) for row in connection.execute(query).mappings()]

        return await self._database.run(read)

    async def holders(self, region: str, keys: Collection[str]) -> dict[str, Operation]:
        """Which of these locks belong to an operation under way that is not done with them.

        `keys` are `lock_keys` of plans: a machine is let go of when its own work has ended, anything else at the end.
        """
        under_way = (table.c.region == region, table.c.state.in_([state.value for state in UNDER_WAY]))

        def read(connection: sa.Connection) -> dict[str, Operation]:
            query = (
                sa.select(targets_table.c.key.label("target_key"), *table.c)
                .join(table, table.c.id == targets_table.c.operation_id)
                .where(*under_way)
                .where(targets_table.c.state.in_(["waiting", "asking", "asked"]))
                .order_by(table.c.confirmed_at.desc())
            )
            wanted = set(keys)
            rows = connection.execute(query).mappings()
            found = {row["target_key"]: operation_of(row) for row in rows if row["target_key"] in wanted}
            named = table.select().where(*under_way, table.c.locks != "").order_by(table.c.confirmed_at.desc())
            for row in connection.execute(named).mappings():
                found |= {key: operation_of(row) for key in wanted.intersection(row["locks"].split("\n"))}
            return found

        return await self._database.run(read)

    async def move(
        self,
        operation_id: str,
        expected: Collection[OperationState],
        new: OperationState,
        *,
        entry: audit.Entry | None = None,
        also: Also | None = None,
        **values: Any,
    ) -> bool:
        """Set the state to `new` if it is one of `expected` now. False: somebody else was first.

        Args:
            operation_id: of the operation.
            expected: states from which the change is right.
            new: the state to set.
            entry: what the audit keeps of it, in the same transaction.
            also: more to do in the same transaction; an exception undoes all of it.
            **values: further columns.
        """

        def write(connection: sa.Connection) -> bool:
            query = table.update().where(
                table.c.id == operation_id, table.c.state.in_([state.value for state in expected])
            )
            if connection.execute(query.values(state=new.value, **values)).rowcount != 1:
                return False
            if also is not None:
                also(connection)
            if entry is not None:
                audit.append(connection, entry, self._clock())
            return True

        return await self._database.run(write)

    async def plan_again(self, operation_id: str, plan: Plan, entry: audit.Entry) -> bool:
        """Put a new plan in the place of one whose turn has come; it waits for a word.

        `confirmed_at` stays: it tells that the operation has waited in line.
        """

        def renew(connection: sa.Connection) -> None:
            connection.execute(targets_table.delete().where(targets_table.c.operation_id == operation_id))
            # A word that was given on another plan is none on this one.
            connection.execute(decisions_table.delete().where(decisions_table.c.operation_id == operation_id))
            insert_targets(connection, operation_id, plan)

        return await self.move(
            operation_id,
            [OperationState.QUEUED],
            OperationState.PLANNED,
            entry=entry,
            also=renew,
            created_at=self._clock(),
            queued_behind=None,
            **_planned(plan),
        )

    async def posted(self, operation_id: str, link: str, entry: audit.Entry) -> bool:
        """Keep the address of the message that shows the operation, once; `entry` goes into the audit with it."""
        first = table.update().where(table.c.id == operation_id, table.c.link == "").values(link=link)

        def write(connection: sa.Connection) -> bool:
            if connection.execute(first).rowcount != 1:
                return False
            audit.append(connection, entry, self._clock())
            return True

        return await self._database.run(write)

    async def set(self, operation_id: str, **values: Any) -> None:
        """Keep something of an operation that is no change of its state."""
        await self._database.run(
            lambda connection: connection.execute(table.update().where(table.c.id == operation_id).values(**values))
        )


def _planned(plan: Plan) -> dict[str, str]:
    return {
        "plan": plan.to_json(),
        "fingerprint": plan.fingerprint,
        "nonce": secrets.token_urlsafe(12),
        "locks": "\n".join(plan.lock_keys) if plan.in_steps else "",
    }


def _new_id(connection: sa.Connection) -> str:
    for length in (4, 4, 4, 5, 6, 8):
        candidate = "op-" + "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if connection.execute(sa.select(table.c.id).where(table.c.id == candidate)).first() is None:
            return candidate
    raise RuntimeError("no free operation id was found")
