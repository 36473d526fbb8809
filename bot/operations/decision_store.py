"""What people decided on operations, in the database: one row a person, counted where it is written."""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlalchemy as sa

from bot import audit
from bot.operations.records import OperationState
from bot.operations.rows import decision_of
from bot.people import Identity
from bot.storage import Database
from bot.tables import decisions as decisions_table
from bot.tables import operations as table


class DecisionStore:
    """Writes decisions. Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

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
