"""Sees to it that somebody works on every operation under way: here, or on another bot of the same database.

What a bot leaves behind when it ends is taken over by one of the others: workflows that it had begun, and operations
that it let begin and never began. On SQLite there is one bot, which takes over what the one before it left.

A workflow goes on only with code that can replay it. `WORKFLOW_VERSION` is the version of the code's own workflows,
`READABLE_VERSIONS` those that it can go on with. While a bot that began an operation lives, it finishes it itself. If
it is gone and nobody can go on, the operation waits, and says so, until a bot of a fitting version comes, or until it
is cancelled: then its rows are enough to stop what it began and to leave the rest untouched.
"""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from bot.operations.records import OperationState
from bot.operations.replicas import ReplicaPace, Replicas
from bot.operations.retention import Retention
from bot.operations.takeover import TakeOver
from bot.operations.workflows import Step, Work, Workflows
from bot.storage import Database, StorageUnavailableError
from bot.tables import operations as table

__all__ = ["READABLE_VERSIONS", "WORKFLOW_VERSION", "Engine", "EngineBusyError", "Step", "Work"]

#: To be changed with every change of operations.workflows, or of the order of steps in a kind, that breaks the replay
#: of workflows begun before it.
WORKFLOW_VERSION = "1"
READABLE_VERSIONS = frozenset({WORKFLOW_VERSION})

#: Seconds from the start to the first deletion of what is old, and between two.
_FIRST_CLEANING = 60.0
_CLEANING = 3600.0
#: Rounds between two looks at everything, when no bot came or went.
_FULL_LOOK = 5


class EngineBusyError(Exception):
    """Another process works on this state directory."""


class Engine:
    """Operations as durable workflows, whoever runs them. `launch`, `start`, `close`."""

    def __init__(
        self,
        url: str,
        work: Work,
        lock_file: Path | None,
        database: Database,
        *,
        keep: timedelta | None = None,
        pace: ReplicaPace | None = None,
        on_lost: Callable[[str], None] | None = None,
        poll: float = 2.0,
    ) -> None:
        """Make an engine.

        Args:
            url: of the database in which the workflows are kept.
            work: what to run.
            lock_file: guards a SQLite state directory: two processes on one file would each take over the other's work.
            database: the bot's own tables.
            keep: how long operations are kept after their end; for ever if it is not given.
            pace: how bots watch each other.
            poll: seconds that closing may wait for the library below to look up.
            on_lost: called from a thread when this bot has to end itself; by default it ends the process at once.
        """
        self._pace = pace or ReplicaPace()
        self._database = database
        self._replicas = Replicas(database, WORKFLOW_VERSION, self._pace, on_lost)
        self.workflows = Workflows(
            url, work, self._replicas.id, WORKFLOW_VERSION, claimed=self._claimed, fence=self._replicas.check, poll=poll
        )
        self._take_over = TakeOver(self._replicas, self.workflows, WORKFLOW_VERSION, READABLE_VERSIONS)
        self._retention = Retention(database, self.workflows, keep) if keep is not None else None
        self._next_cleaning = time.monotonic() + _FIRST_CLEANING
        self._lock_file = lock_file
        self._lock: Any = None
        self._round: asyncio.Task[None] | None = None
        self._living: frozenset[str] = frozenset()
        self._suspects: frozenset[str] = frozenset()
        self._stranded: frozenset[str] = frozenset()
        self._looks = 0
        self._closed = False
        self._on_changed: list[Callable[[str], None]] = []
        self._on_cancel: list[Callable[[str], None]] = []
        self._on_gone: list[Callable[[frozenset[str]], Awaitable[None]]] = []
        self._log = structlog.get_logger("engine")

    @property
    def replica(self) -> str:
        """The name of this bot among the others, new at each start."""
        return self._replicas.id

    @property
    def living(self) -> frozenset[str]:
        """The names of the bots that were alive at the last look, this one included."""
        return self._living

    def subscribe(
        self,
        *,
        changed: Callable[[str], None] | None = None,
        cancel: Callable[[str], None] | None = None,
        gone: Callable[[frozenset[str]], Awaitable[None]] | None = None,
    ) -> None:
        """Be told what other bots do to the work of this one.

        Args:
            changed: called with the id of an operation that is shown by this bot from now on.
            cancel: called with the id of an operation that is to be cancelled, perhaps more than once.
            gone: awaited with the bots that are alive, after others have gone and their work was taken over.
        """
        self._on_changed += [changed] if changed is not None else []
        self._on_cancel += [cancel] if cancel is not None else []
        self._on_gone += [gone] if gone is not None else []

    async def launch(self) -> None:
        """Start in the running loop, and go on with what nobody works on.

        Raises:
            EngineBusyError: another process holds the state directory.
            StorageUnavailableError: the database does not answer.
        """
        self._hold_state_directory()
        await self._replicas.join()
        await self.workflows.launch()
        await self._look(full=True)
        self._round = asyncio.create_task(self._keep_looking(), name="replicas")

    async def start(self, operation_id: str) -> None:
        """Run an operation, unless it is run already, here or elsewhere."""
        await self.workflows.start(operation_id)

    def shows(self, replica: str | None) -> bool:
        """Whether this bot is the one to show an operation that `replica` works on: two would show it by turns."""
        if self._closed and not self._replicas.alone:
            return False
        return replica is None or replica == self.replica or replica not in self._living

    async def close(self) -> None:
        """Park: stop where we are and leave everything to the next start, or to the others."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)
        await self.workflows.close()
        self._closed = True
        await self._replicas.leave()
        if self._lock is not None:
            self._lock.close()

    # -- looking for work that nobody does ---------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._pace.beat)
            try:
                await self._look(full=self._looks % _FULL_LOOK == 0)
                if not self._replicas.alone:
                    for operation_id in await self._database.run(_cancelling):
                        self._tell(self._on_cancel, operation_id)
                await self._clean()
            except StorageUnavailableError as error:
                self._log.warning("storage_unavailable", reason=error.reason)
            except Exception:
                self._log.exception("look_failed")

    async def _clean(self) -> None:
        if self._retention is None or time.monotonic() < self._next_cleaning:
            return
        self._next_cleaning = time.monotonic() + _CLEANING
        if self.replica == min(self._living):
            await self._retention.run()

    async def _look(self, *, full: bool) -> None:
        if self._replicas.alone and self._living and not self._stranded:
            return  # one bot leaves nothing behind while it lives
        self._looks += 1
        before = self._living
        self._living = await self._database.run(self._replicas.living)
        gone = before - self._living
        if full or gone or not before:
            await self._take_over_what_is_left()
        if gone and self.replica == min(self._living):  # one of those that are left is enough
            self._log.warning("replicas_gone", count=len(gone), living=len(self._living))
            for listener in self._on_gone:
                await listener(self._living)

    async def _take_over_what_is_left(self) -> None:
        left = await self._database.run(self._take_over.look)
        if left is None:
            return
        for operation_id in left.resumed | left.newly_stranded:
            self._tell(self._on_changed, operation_id)
        for operation_id in left.stranded_and_cancelled:
            self._log.warning("operation_run_anew", operation=operation_id)
            self._tell(self._on_cancel, operation_id)
            await self.workflows.restart(operation_id)
        for operation_id in left.unstarted & self._suspects:
            self._log.warning("operation_started_late", operation=operation_id)
            await self.workflows.start(operation_id)
        self._suspects, self._stranded = left.unstarted, left.stranded

    async def _claimed(self, operation_id: str, version: str) -> None:
        claim = table.update().where(table.c.id == operation_id)
        claim = claim.values(replica=self.replica, workflow_version=version, waits_for="")
        await self._database.run(lambda connection: connection.execute(claim))

    def _tell(self, listeners: Iterable[Callable[[str], None]], operation_id: str) -> None:
        for listener in listeners:
            listener(operation_id)

    def _hold_state_directory(self) -> None:
        if self._lock_file is None:
            return
        self._lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._lock_file.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EngineBusyError(f"another maasbot works with {self._lock_file.parent}") from None


def _cancelling(connection: sa.Connection) -> list[str]:
    query = sa.select(table.c.id).where(table.c.state == OperationState.CANCELLING.value)
    return list(connection.execute(query).scalars())
