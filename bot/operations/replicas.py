"""Who works on this database: one row a bot, kept fresh by the database's clock. What isn't fresh is taken for dead.

A bot that can't write its row ends itself before the others take it for dead: two must never work on one operation.
On SQLite there is one bot (see operations.engine), and nothing of this runs.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from bot.storage import Database, StorageUnavailableError
from bot.tables import replicas as table

#: sysexits.h: a temporary failure. Whatever runs the bot is to start it again.
EXIT_FENCED = 75
#: For what a log line may take of a process that has to end, in seconds.
_LAST_WORDS = 0.5


@dataclass(frozen=True, slots=True)
class ReplicaPace:
    """How bots watch each other, in seconds. `fence` must be below `dead`, by more than a step takes to look."""

    beat: float = 2.0
    fence: float = 8.0
    dead: float = 10.0


class Replicas:
    """This bot among the others. `id` is new at each start: a name that came back could not be told from the dead."""

    def __init__(
        self,
        database: Database,
        workflow_version: str,
        pace: ReplicaPace,
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        """Make one.

        Args:
            database: the bot's own tables.
            workflow_version: of the workflows that this bot starts.
            pace: how often to write, and when others count as dead.
            on_lost: called from a thread when this bot has to end; by default it ends the process at once.
        """
        self.id = uuid.uuid4().hex
        self.alone = database.is_sqlite
        self._database = database
        self._version = workflow_version
        self._pace = pace
        self._on_lost = on_lost or _end_process
        self._last_beat = time.monotonic()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._threads: list[threading.Thread] = []

    async def join(self) -> None:
        """Write the row and keep it fresh. Raises StorageUnavailableError."""
        if self.alone:
            return
        place = f"{socket.gethostname()} {os.getpid()}"
        row = {"id": self.id, "place": place[:255], "workflow_version": self._version}
        self._last_beat = time.monotonic()
        await self._database.run(
            lambda connection: connection.execute(table.insert().values(**row, started_at=_now(), seen_at=_now()))
        )
        for name, target in (("heartbeat", self._keep_fresh), ("fence", self._watch)):
            thread = threading.Thread(target=target, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    async def leave(self) -> None:
        """Take the row out, so that the others go on with our work at once. Our own work must have stopped."""
        if self.alone or not self._threads:
            return
        self._stop.set()
        try:
            await self._database.run(lambda connection: connection.execute(table.delete().where(table.c.id == self.id)))
        except StorageUnavailableError as error:
            # The others find out by themselves, only later.
            structlog.get_logger("replicas").warning("not_signed_off", reason=error.reason)

    def living(self, connection: sa.Connection) -> frozenset[str]:
        """The bots that are alive, ourselves included; rows of the dead are deleted, which fences them too."""
        if self.alone:
            return frozenset({self.id})
        dead = table.delete().where(table.c.seen_at < _now() - self._pace.dead, table.c.id != self.id)
        gone = connection.execute(dead.returning(table.c.id, table.c.place)).all()
        for replica, place in gone:
            structlog.get_logger("replicas").warning("replica_dead", replica=replica, place=place)
        return frozenset(connection.execute(sa.select(table.c.id)).scalars()) | {self.id}

    def check(self) -> None:
        """End this process if the others may hold it for dead by now; to be called before each effect."""
        if not self._threads or self._stop.is_set():
            return
        silent = time.monotonic() - self._last_beat
        if silent > self._pace.fence:
            self._lose(f"no heartbeat was written for {silent:.0f} s")

    def _keep_fresh(self) -> None:
        while not self._stop.wait(self._pace.beat):
            begun = time.monotonic()
            try:
                known = self._database.run_blocking(self._beat)
            except StorageUnavailableError as error:
                structlog.get_logger("replicas").warning("heartbeat_not_written", reason=error.reason)
                continue
            if not known:
                if not self._stop.is_set():
                    self._lose("the other replicas hold it for dead")
                return
            self._last_beat = begun

    def _beat(self, connection: sa.Connection) -> bool:
        return connection.execute(table.update().where(table.c.id == self.id).values(seen_at=_now())).rowcount == 1

    def _watch(self) -> None:
        # A thread of its own: the heartbeat may hang in a connection that nobody answers, the loop in anything.
        while not self._stop.wait(self._pace.fence / 32):
            self.check()

    def _lose(self, reason: str) -> None:
        if not self._lost.is_set():
            self._lost.set()
            self._on_lost(reason)


def _now() -> sa.ColumnElement[float]:
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)


def _end_process(reason: str) -> None:
    def say() -> None:
        structlog.get_logger("replicas").error("replica_ends_itself", reason=reason)

    # Writing may block as well as anything else.
    last_words = threading.Thread(target=say, daemon=True)
    last_words.start()
    last_words.join(_LAST_WORDS)
    os._exit(EXIT_FENCED)
