"""Which of the bots that share a database does what Slack delivered: the one that says first that it has it.

Slack sends an event again when it missed the acknowledgement, and to any of the bots.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql

from bot.storage import Database, StorageUnavailableError
from bot.tables import deliveries as table

#: Seconds for which a delivery is remembered: Slack's last repetition comes after about five minutes.
_REMEMBERED = 900.0
#: Deliveries between two looks for those that may be forgotten.
_BETWEEN_SWEEPS = 200


class Deliveries:
    """Claims deliveries. With SQLite there is one bot, whose memory suffices (see `once`)."""

    def __init__(self, database: Database) -> None:
        self._database = None if database.is_sqlite else database
        self._since_sweep = 0
        self._log = structlog.get_logger("deliveries")

    async def first(self, delivery: Sequence[str] | None) -> bool:
        """Whether nobody has it yet; then it is ours. Never raises: in doubt it is done, and may be done twice."""
        if delivery is None or self._database is None:
            return True
        mark = hashlib.sha256("\0".join(delivery).encode()).hexdigest()
        self._since_sweep += 1
        is_due = self._since_sweep >= _BETWEEN_SWEEPS
        self._since_sweep = 0 if is_due else self._since_sweep
        try:
            return await self._database.run(lambda connection: _claim(connection, mark, sweep=is_due))
        except StorageUnavailableError as error:
            self._log.warning("delivery_not_claimed", reason=error.reason)
            return True


def _claim(connection: sa.Connection, mark: str, *, sweep: bool) -> bool:
    now = time.time()
    if sweep:
        connection.execute(table.delete().where(table.c.at < now - _REMEMBERED))
    claim = postgresql.insert(table).values(id=mark, at=now).on_conflict_do_nothing(index_elements=[table.c.id])
    return connection.execute(claim.returning(table.c.id)).first() is not None
