"""What the bot posted where: the rows of `slack_messages`, with the recent ones at hand."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from bot.storage import Database
from bot.tables import slack_messages

_AT_HAND: Final = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One keyed message.

    `ts` is None while it is not known to stand in Slack; `pending` is a final state not yet sent; `digest` is
    of what Slack shows, or empty where that is not known.
    """

    key: str
    channel: str
    thread_ts: str | None = None
    ts: str | None = None
    digest: str = ""
    pending: str | None = None
    final: bool = False


class Ledger:
    """Reads and writes rows. Every method raises StorageUnavailableError where the database does."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        self._rows: OrderedDict[str, Row] = OrderedDict()

    async def get(self, key: str) -> Row | None:
        """The row of this key."""
        known = self._rows.get(key)
        if known is not None:
            self._rows.move_to_end(key)
            return known

        def read(connection: sa.Connection) -> Row | None:
            found = connection.execute(_COLUMNS.where(slack_messages.c.key == key)).first()
            return None if found is None else Row(*found)

        row = await self._database.run(read)
        # Another replica may be posting a row without a ts: that one is read again next time.
        return self._keep(row) if row is not None and row.ts is not None else row

    def at_hand(self, key: str) -> Row | None:
        """The row of this key as this process last knew it."""
        return self._rows.get(key)

    async def pending(self, idle: float = 0.0) -> list[Row]:
        """Rows with a final state that was not sent, and that nobody has touched for so many seconds."""
        unsent = slack_messages.c.pending.is_not(None), slack_messages.c.updated_at <= self._now() - idle

        def read(connection: sa.Connection) -> list[Row]:
            return [Row(*found) for found in connection.execute(_COLUMNS.where(*unsent))]

        return [self._keep(row) for row in await self._database.run(read)]

    async def intend(self, key: str, channel: str, thread_ts: str | None) -> Row:
        """Write down that a message is about to be posted."""
        row = Row(key, channel, thread_ts)

        def write(connection: sa.Connection) -> None:
            values = {"key": key, "channel": channel, "thread_ts": thread_ts, "digest": "", "final": False}
            connection.execute(slack_messages.insert().values(**values, updated_at=self._now()))

        try:
            await self._database.run(write)
        except sa.exc.IntegrityError:
            # Another replica was quicker.
            return await self.get(key) or row
        return self._keep(row)

    async def change(self, row: Row, **values: Any) -> Row:
        """Write new values of some columns of a row."""

        def write(connection: sa.Connection) -> None:
            statement = slack_messages.update().where(slack_messages.c.key == row.key)
            connection.execute(statement.values(**values, updated_at=self._now()))

        changed = self._keep(replace(self._rows.get(row.key, row), **values))
        await self._database.run(write)
        return changed

    async def ended_elsewhere(self, row: Row) -> bool:
        """Whether another bot has shown the final state, or is about to, since this one last looked."""
        if row.final or row.pending is not None:
            return False

        def read(connection: sa.Connection) -> Row | None:
            found = connection.execute(_COLUMNS.where(slack_messages.c.key == row.key)).first()
            return None if found is None else Row(*found)

        now = await self._database.run(read)
        if now is None or not (now.final or now.pending is not None):
            return False
        self._keep(now)
        return True

    async def forget(self, key: str) -> None:
        """Take the row out: nothing was posted."""

        def write(connection: sa.Connection) -> None:
            connection.execute(slack_messages.delete().where(slack_messages.c.key == key))

        self._rows.pop(key, None)
        await self._database.run(write)

    def _keep(self, row: Row) -> Row:
        self._rows[row.key] = row
        self._rows.move_to_end(row.key)
        while len(self._rows) > _AT_HAND:
            self._rows.popitem(last=False)
        return row


_COLUMNS: Final = sa.select(
    slack_messages.c.key,
    slack_messages.c.channel,
    slack_messages.c.thread_ts,
    slack_messages.c.ts,
    slack_messages.c.digest,
    slack_messages.c.pending,
    slack_messages.c.final,
)
