"""The one door to the bot's own tables (`bot.tables`). The durable engine has its own (see `operations.engine`).

SQLite by default, PostgreSQL by a URL. SQLAlchemy Core runs in worker threads: writes are few and short, and the
event loop must stay free to acknowledge within Slack's three seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from bot.tables import slack_messages
from bot.telemetry import Redactor

T = TypeVar("T")

#: Transactions between two checkpoints of SQLite's write-ahead log.
_CHECKPOINT_EVERY = 500

#: Seconds to wait for another program's lock on SQLite: a person waits for several such calls, one after the other.
_SQLITE_PATIENCE = 3


class StorageUnavailableError(Exception):
    """The database did not take a read or a write: locked, full, gone. `reason` is fit for a person's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Database:
    """One database: `await db.run(fn)` calls `fn(connection)` in a thread, in one transaction."""

    def __init__(self, url: str, *, threads: int = 4, secrets: Iterable[str] = ()) -> None:
        """`secrets` are values that must never be stored in the audit, wherever they turn up."""
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": not self.is_sqlite}
        options["execution_options"] = {"audit_redactor": Redactor(secrets)}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": _SQLITE_PATIENCE, "check_same_thread": False}
        else:
            # A server that is gone without a word is noticed within the time that replicas give each other.
            options["connect_args"] = {
                "connect_timeout": 5,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 2,
                "tcp_user_timeout": 8000,
            }
        self._engine = sa.create_engine(self.url, **options)
        if self.is_sqlite:
            event.listen(self._engine, "connect", _set_sqlite_pragmas)
        self._threads = ThreadPoolExecutor(max_workers=1 if self.is_sqlite else threads, thread_name_prefix="storage")
        self._checkpointer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage-checkpoint")
        self._since_checkpoint = 0

    async def create(self) -> None:
        """Make the tables, or bring those of an older version up to date. Several bots may do so at once.

        Raises:
            StorageUnavailableError: the database can't be opened or written, or was made by a newer version.
        """
        from bot.migrations import upgrade

        await self.run(upgrade)

    async def run(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` in one transaction, which commits when it returns.

        Raises:
            StorageUnavailableError: locked for more than three seconds, full, read-only or unreachable.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.run_blocking, fn)

    def run_blocking(self, fn: Callable[[sa.Connection], T]) -> T:
        """What `run` does, for callers that are already in a thread of their own."""
        try:
            with self._engine.begin() as connection:
                result = fn(connection)
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DBAPIError as error:
            raise StorageUnavailableError(_reason(error)) from None
        if self.is_sqlite:
            self._checkpoint_sometimes()
        return result

    def _checkpoint_sometimes(self) -> None:
        self._since_checkpoint += 1
        if self._since_checkpoint >= _CHECKPOINT_EVERY:
            self._since_checkpoint = 0
            with suppress(RuntimeError):  # closed meanwhile; SQLite checkpoints when its last connection closes
                self._checkpointer.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        # PASSIVE lets others write meanwhile. What can't be moved now, the next one moves.
        with suppress(sa.exc.DBAPIError), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    async def check_writable(self) -> None:
        """Prove that a write would be taken, and take it back.

        Raises:
            StorageUnavailableError: it would not.
        """

        def write_and_undo(connection: sa.Connection) -> None:
            savepoint = connection.begin_nested()
            row = {"key": "readiness-probe", "channel": "-", "digest": "", "final": False, "updated_at": 0.0}
            connection.execute(slack_messages.insert().values(row))
            savepoint.rollback()

        await self.run(write_and_undo)

    def close(self) -> None:
        """Wait for what is running and let the connections go."""
        self._threads.shutdown(wait=True)
        self._checkpointer.shutdown(wait=True)
        self._engine.dispose()


def _set_sqlite_pragmas(connection: Any, _record: object) -> None:
    # WAL: in the default journal mode a single writer stalled readers for up to a minute with 200 operations waiting.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={_SQLITE_PATIENCE * 1000}")
    cursor.execute("PRAGMA synchronous=NORMAL")
    # A checkpoint waits for the disk. It is made in a thread of its own: as part of a commit it held up, by some
    # hundred milliseconds on a busy disk, every command that was to be written down before its acknowledgement.
    cursor.execute("PRAGMA wal_autocheckpoint=0")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _reason(error: sa.exc.DBAPIError) -> str:
    text = str(error.orig).lower()
    if "locked" in text:
        return "the database is locked by another program"
    if "full" in text or "no space" in text:
        return "the disk of the database is full"
    if "readonly" in text or "read-only" in text:
        return "the database is read-only"
    if "unable to open" in text:
        return "the database file can't be opened"
    if "connection" in text or "connect" in text:
        return "the database server can't be reached"
    return f"the database refused ({type(error.orig).__name__})"
