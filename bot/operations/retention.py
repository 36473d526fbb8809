"""Forgets what is old: operations with their targets and decisions, their messages, and their workflows.

The audit is not touched: it is kept for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.operations.records import OperationState
from bot.operations.workflows import Workflows
from bot.storage import Database
from bot.tables import operations as table
from bot.tables import slack_messages

#: Small enough for nobody else to wait for long.
_BATCH = 200
_BREATH = 0.2


class Retention:
    """Deletes ended operations that are older than `keep`, in batches."""

    def __init__(self, database: Database, workflows: Workflows, keep: timedelta) -> None:
        self._database = database
        self._workflows = workflows
        self._keep = keep.total_seconds()

    async def run(self) -> int:
        """Delete what is old by now, and return how many operations that were.

        Raises:
            StorageUnavailableError: the database does not answer; the next run goes on.
        """
        before = time.time() - self._keep
        begun_before = datetime.fromtimestamp(before, UTC).isoformat()
        count = await _in_batches(lambda: self._database.run(lambda it: _delete_operations(it, before)))
        await _in_batches(lambda: self._database.run(lambda it: _delete_messages(it, before)))
        await _in_batches(lambda: asyncio.to_thread(self._workflows.delete_ended, begun_before, _BATCH))
        if count:
            structlog.get_logger("retention").info("operations_deleted", count=count)
        return count


async def _in_batches(delete: Callable[[], Awaitable[int]]) -> int:
    count = 0
    while True:
        deleted = await delete()
        count += deleted
        if deleted < _BATCH:
            return count
        await asyncio.sleep(_BREATH)


def _delete_operations(connection: sa.Connection, before: float) -> int:
    # Targets and decisions go with their operation.
    ended = [state.value for state in OperationState if state.ended]
    old = sa.select(table.c.id).where(table.c.ended_at < before, table.c.state.in_(ended)).limit(_BATCH)
    return connection.execute(table.delete().where(table.c.id.in_(old))).rowcount


def _delete_messages(connection: sa.Connection, before: float) -> int:
    old = (
        sa.select(slack_messages.c.key)
        .where(slack_messages.c.updated_at < before, slack_messages.c.pending.is_(None))
        .limit(_BATCH)
    )
    return connection.execute(slack_messages.delete().where(slack_messages.c.key.in_(old))).rowcount
