"""Finds work that nobody does, and takes it over: workflows of bots that are gone, operations that were never begun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from bot.operations import locks
from bot.operations.records import UNDER_WAY, OperationState
from bot.operations.replicas import Replicas
from bot.operations.workflows import Run, Workflows
from bot.tables import operations as table

#: Names the lock that only one bot at a time looks for the dead under.
_LOCK = 0x6D61_6173_0002


@dataclass(slots=True)
class Left:
    """What a look found, by operations."""

    #: Gone on with here.
    resumed: frozenset[str] = frozenset()
    #: Without a bot that can go on; of these, those that were not known to be; and those that were cancelled.
    stranded: frozenset[str] = frozenset()
    newly_stranded: frozenset[str] = frozenset()
    stranded_and_cancelled: frozenset[str] = frozenset()
    #: Let begin, and not known to the engine.
    unstarted: frozenset[str] = frozenset()


class TakeOver:
    """One look at everything that is under way."""

    def __init__(self, replicas: Replicas, workflows: Workflows, version: str, readable: frozenset[str]) -> None:
        """`version` is that of this bot's workflows, `readable` those that it can go on with."""
        self._replicas = replicas
        self._workflows = workflows
        self._version = version
        self._readable = readable
        self._log = structlog.get_logger("engine")

    def look(self, connection: sa.Connection) -> Left | None:
        """Take over what can be. None: another bot is looking. Blocks."""
        if not self._replicas.alone and not _first(connection):
            return None
        # Who lives is read last: a bot that comes meanwhile is on the list before it has any work.
        runs, queues = self._workflows.open_runs(), self._workflows.queues()
        living = self._replicas.living(connection)
        rows = {row.id: row for row in connection.execute(_UNDER_WAY)}
        left = Left(unstarted=frozenset(rows) - {run.operation_id for run in runs})
        orphans = [run for run in runs if run.replica not in living]
        readable = [run for run in orphans if self._can_read(rows.get(run.operation_id))]
        if readable:
            self._workflows.resume([run.workflow_id for run in readable])
            left.resumed = _operations(readable)
            self._own(connection, left.resumed, "")
            self._log.warning("taken_over", operations=sorted(left.resumed), workflows=len(readable))
        left.stranded = _operations(orphans) - left.resumed
        for operation_id in left.stranded:
            row = rows[operation_id]
            if row.state == OperationState.CANCELLING.value:
                left.stranded_and_cancelled |= {operation_id}
            elif not row.waits_for or row.replica not in living:
                left.newly_stranded |= {operation_id}
                self._own(connection, {operation_id}, self._waits_for(row.workflow_version))
                self._log.error("operation_waits_for_version", operation=operation_id, version=row.workflow_version)
        for operation_id in locks.release_ended(connection):
            self._log.error("lock_of_ended_operation", operation=operation_id)
        for replica in queues.keys() - living:
            self._workflows.drop_queue(queues[replica])
        return left

    def _can_read(self, row: Any) -> bool:
        # The workflows of an operation that has ended, or never began to act, have nothing to replay.
        return row is None or row.workflow_version is None or row.workflow_version in self._readable

    def _own(self, connection: sa.Connection, operation_ids: Iterable[str], waits_for: str) -> None:
        mine = table.update().where(table.c.id.in_(list(operation_ids)))
        connection.execute(mine.values(replica=self._replicas.id, waits_for=waits_for))

    def _waits_for(self, version: str) -> str:
        return (
            f"Nobody works on it: it was begun with workflow version {version}, and the bots that run now have "
            f"{self._version}. Start a bot of the earlier version to finish it, or cancel it"
        )


_UNDER_WAY = sa.select(table.c.id, table.c.state, table.c.replica, table.c.workflow_version, table.c.waits_for).where(
    table.c.state.in_([state.value for state in UNDER_WAY])
)


def _first(connection: sa.Connection) -> bool:
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))).scalar_one())


def _operations(runs: Iterable[Run]) -> frozenset[str]:
    return frozenset(run.operation_id for run in runs)
