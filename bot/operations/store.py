"""Operations in the database. Every change of state is compare-and-set: of two writers one wins, the other is told.

What belongs together commits together: a change of state, the record of it in the audit, the locks that it takes or
gives back.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import partial
from typing import Any

import sqlalchemy as sa

from bot import audit
from bot.operations.by_machine import of_machine
from bot.operations.failure_logs import FailureLogs
from bot.operations.plan import Plan
from bot.operations.records import UNDER_WAY, FailureCause, Operation, OperationState, TargetRow, TargetState
from bot.operations.rows import decision_of, operation_of, target_of
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
            _insert_targets(connection, operation_id, plan)
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

    async def target(self, operation_id: str, key: str) -> TargetRow:
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
            _insert_targets(connection, operation_id, plan)

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

    async def decide(
        self,
        operation_id: str,
        person: Identity,
        *,
        approved: bool,
        reason: str,
        entry: audit.Entry,
        able: Collection[str],
        needed: int,
        lapsed: Callable[[Identity], audit.Entry],
    ) -> OperationState | None:
        """Write one person's decision down, once, and do what follows from it, in one transaction.

        Args:
            operation_id: of the operation.
            person: who decides.
            approved: or denied.
            reason: in their words.
            entry: what the audit keeps of it.
            able: who may approve now; earlier approvals of others are taken out.
            needed: how many approvals are needed now.
            lapsed: makes the record of an approval that is taken out.

        Returns the state after it: queued, denied, or still awaiting others; None when it came too late or twice.
        """

        def write(connection: sa.Connection) -> OperationState | None:
            # The row is locked by this change: on SQLite that makes this transaction the one writer.
            waiting = sa.and_(table.c.id == operation_id, table.c.state == OperationState.AWAITING.value)
            touched = connection.execute(table.update().where(waiting).values(needed=needed))
            its = decisions_table.c.operation_id == operation_id
            mine = decisions_table.select().where(its, decisions_table.c.person_id == person.user_id)
            if touched.rowcount != 1 or connection.execute(mine).first() is not None:
                return None
            now = self._clock()
            if approved:
                earlier = [
                    decision_of(one) for one in connection.execute(decisions_table.select().where(its)).mappings()
                ]
                for one in earlier:
                    if one.person_id not in able:
                        gone = decisions_table.delete().where(its, decisions_table.c.person_id == one.person_id)
                        connection.execute(gone)
                        who = Identity(person.team_id, one.person_id, one.person_name)
                        audit.append(connection, lapsed(who), now)
            mine_now = {"operation_id": operation_id, "person_id": person.user_id, "person_name": person.name}
            connection.execute(decisions_table.insert().values(**mine_now, approved=approved, reason=reason, at=now))
            audit.append(connection, entry, now)
            if not approved:
                denied = {"state": OperationState.DENIED.value, "ended_at": now}
                connection.execute(table.update().where(waiting).values(**denied))
                return OperationState.DENIED
            count = sa.select(sa.func.count()).where(its, decisions_table.c.approved.is_(True))
            if connection.execute(count).scalar_one() < needed:
                return OperationState.AWAITING
            queued = {"state": OperationState.QUEUED.value, "confirmed_at": now}
            connection.execute(table.update().where(waiting).values(**queued))
            return OperationState.QUEUED

        return await self._database.run(write)

    async def remind(self, operation_id: str, number: int) -> bool:
        """Take it on oneself to give this reminder. False: another bot does, or nothing waits any more."""
        mine = sa.and_(table.c.id == operation_id, table.c.state == OperationState.AWAITING.value)
        statement = table.update().where(mine, table.c.reminders < number).values(reminders=number)
        return await self._database.run(lambda connection: connection.execute(statement).rowcount == 1)

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

    async def move_target(
        self,
        operation_id: str,
        key: str,
        expected: Collection[TargetState],
        new: TargetState,
        *,
        entry: audit.Entry | None = None,
        **values: Any,
    ) -> bool:
        """Compare-and-set for one target. `cause` may be given as a FailureCause."""
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

    async def label_target(self, operation_id: str, key: str, label: str) -> None:
        """Keep the state that MAAS reports for a target."""
        query = targets_table.update().where(_is_target(operation_id, key)).values(label=label)
        await self._database.run(lambda connection: connection.execute(query))

    async def durations(self, kind: str, region: str, limit: int = 50) -> list[float]:
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

    async def whole_durations(self, kind: str, region: str, limit: int = 20) -> list[float]:
        """How long operations of this kind took lately, in seconds, newest first; only those that succeeded."""
        query = (
            sa.select(table.c.ended_at - table.c.started_at)
            .where(table.c.kind == kind, table.c.region == region, table.c.state == OperationState.DONE.value)
            .order_by(table.c.ended_at.desc())
            .limit(limit)
        )
        taken = await self._database.run(lambda connection: list(connection.execute(query).scalars()))
        return [float(value) for value in taken if value is not None]


def _is_target(operation_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(targets_table.c.operation_id == operation_id, targets_table.c.key == key)


def _planned(plan: Plan) -> dict[str, str]:
    return {
        "plan": plan.to_json(),
        "fingerprint": plan.fingerprint,
        "nonce": secrets.token_urlsafe(12),
        "locks": "\n".join(plan.lock_keys) if plan.in_steps else "",
    }


def _insert_targets(connection: sa.Connection, operation_id: str, plan: Plan) -> None:
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


def _new_id(connection: sa.Connection) -> str:
    for length in (4, 4, 4, 5, 6, 8):
        candidate = "op-" + "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if connection.execute(sa.select(table.c.id).where(table.c.id == candidate)).first() is None:
            return candidate
    raise RuntimeError("no free operation id was found")
