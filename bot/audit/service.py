"""The audit of a running bot: appending, searching, and a task that mirrors and verifies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.audit.chain import Break, Head, Verification, append, read_head, read_rows
from bot.audit.mirror import Mirror, MirrorBusyError, MirrorError
from bot.audit.record import Entry, Record, stamp
from bot.audit.search import Page, Query, find
from bot.audit.verifier import Verifier
from bot.storage import Database, StorageUnavailableError
from bot.telemetry import Metrics

T = TypeVar("T")

#: How long closing waits for the last lines to be written, in seconds.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often the audit's own task looks, in seconds.

    Attributes:
        look: for new records, to mirror them; a failed mirror is tried again after this.
        hurry: between parts of the first verification after the start.
        verify: between parts of the later ones.
    """

    look: float = 2.0
    hurry: float = 0.05
    verify: float = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of the audit without asking the database.

    Attributes:
        broken: where the chain does not hold, as far as it was verified.
        verified_at: when the whole chain was found whole last, in seconds since the epoch.
        mirror: what keeps the mirror from being written; empty when nothing does.
        behind: records that the mirror does not have yet.
    """

    records: int = 0
    broken: Break | None = None
    verified_at: float | None = None
    mirror: str = ""
    behind: int = 0


class Audit:
    """The audit in one database. `start` begins mirroring and verifying; everything else works without it."""

    def __init__(
        self,
        database: Database,
        sink: Mirror | None = None,
        metrics: Metrics | None = None,
        *,
        rhythm: Rhythm | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._mirror = sink
        self._metrics = metrics
        self._rhythm = rhythm or Rhythm()
        self._clock = clock
        # The loop's own threads belong to the durable engine, which ends before the audit does.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._verifier = Verifier(database, self._threads)
        self._mirrored: Head | None = None
        self._mirror_ready = False
        self._mirror_fault: Break | None = None
        self._verified_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._told: dict[str, str] = {}
        self._log = structlog.get_logger("audit")
        self.health = Health()

    async def append(self, entry: Entry) -> int:
        """Append a record in a transaction of its own; returns its number. See `bot.audit.append` for within another.

        Raises:
            StorageUnavailableError: it was not taken.
        """
        seq = await self._database.run(lambda connection: append(connection, entry, self._clock()))
        self.wake()
        return seq

    def wake(self) -> None:
        """Something was appended: mirror it now rather than at the next look. From the event loop only."""
        self._wake.set()

    async def search(self, query: Query, *, limit: int = 15, offset: int = 0) -> Page:
        """The records that fit, newest first, their part of the chain checked.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        return await self._database.run(lambda connection: find(connection, query, limit=limit, offset=offset))

    async def verify(self) -> Verification:
        """Check everything now: all records, the head row, the mirror's last line. Memory stays small.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        return await self._verifier.all(self._mirror)

    async def export(self, since: float | None = None) -> AsyncIterator[str]:
        """Every record from a moment on as a line of JSON, oldest first.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        oldest = stamp(max(0.0, since)) if since is not None else ""
        after = 0
        while rows := await self._database.run(partial(read_rows, after=after)):
            for row in rows:
                if row["at"] >= oldest:
                    yield Record.of(row).line()
            after = int(rows[-1]["seq"])

    # -- in the background -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to mirror and to verify."""
        self._task = asyncio.create_task(self._run(), name="audit")

    async def close(self) -> None:
        """Mirror what is still to be mirrored, if that is possible at once, and stop."""
        if self._task is not None:
            # Cancelled at once, it could leave a thread behind that still writes to the mirror.
            self._stopping = True
            self._wake.set()
            await asyncio.wait({self._task}, timeout=_PATIENCE)
            if not self._task.done():
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
        if self._mirror is not None:
            await self._in_thread(self._mirror.close)
        self._threads.shutdown(wait=False)

    async def _run(self) -> None:
        verify_at = 0.0
        while not self._stopping:
            try:
                await self._look()
                if time.monotonic() >= verify_at:
                    if await self._verifier.step() and self._verifier.broken is None:
                        self._verified_at = self._clock()
                    first = self._verified_at is None and self._verifier.broken is None
                    verify_at = time.monotonic() + (self._rhythm.hurry if first else self._rhythm.verify)
                self._tell("storage", "")
            except StorageUnavailableError as error:
                self._tell("storage", error.reason)
            except Exception as error:
                self._log.exception("audit_failed", error=type(error).__name__)
                verify_at = time.monotonic() + self._rhythm.verify
            self._note()
            pause = min(self._rhythm.look, max(0.0, verify_at - time.monotonic()))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.clear()
        with suppress(StorageUnavailableError):
            await self._look()

    async def _look(self) -> None:
        head = await self._database.run(read_head) or Head()
        trouble = ""
        if self._mirror is not None:
            try:
                await self._bring_up(self._mirror)
            except MirrorBusyError:
                self._mirror_ready = False
            except MirrorError as error:
                self._mirror_ready = False
                trouble = error.reason
        at = self._mirrored.seq if self._mirrored is not None else 0
        behind = max(0, head.seq - at) if trouble else 0
        self._tell("mirror", trouble)
        self.health = replace(self.health, records=head.seq, mirror=trouble, behind=behind)

    async def _bring_up(self, mirror: Mirror) -> None:
        if not self._mirror_ready:
            end = await self._in_thread(mirror.open)
            self._mirrored = end or self._mirrored
            self._mirror_fault = await self._verifier.missed_by(end, mirror.name) if end is not None else None
            if self._mirror_fault is not None:
                raise MirrorError(f"{self._mirror_fault.reason}; move the file away to begin anew")
            self._mirror_ready = True
        while True:
            after = self._mirrored.seq if self._mirrored is not None else 0
            rows = await self._database.run(partial(read_rows, after=after))
            if not rows:
                return
            records = [Record.of(row) for row in rows]
            await self._in_thread(mirror.write, records)
            self._mirrored = Head(records[-1].seq, records[-1].hash)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _note(self) -> None:
        """Bring health and metrics up to date with what is known."""
        fault = self._verifier.broken or self._mirror_fault
        self.health = replace(self.health, broken=fault, verified_at=self._verified_at)
        self._tell("chain", f"record {fault.seq}: {fault.reason}" if fault is not None else "")
        if self._metrics is not None:
            self._metrics.audit_broken.set(0 if fault is None else 1)
            self._metrics.audit_records.set(self.health.records)
            self._metrics.audit_mirror_behind.set(self.health.behind)

    def _tell(self, what: str, trouble: str) -> None:
        """Log what changed, once."""
        if self._told.get(what, "") == trouble:
            return
        self._told[what] = trouble
        if trouble:
            self._log.error("audit_trouble", what=what, trouble=trouble)
        else:
            self._log.info("audit_well_again", what=what)
