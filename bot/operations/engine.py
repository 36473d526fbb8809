"""Durable operations on DBOS Transact. An operation is a workflow; each target's work is a child workflow.

What a crash cuts short runs again, so every step looks before it acts (see operations.runner). The rows in
bot.storage are the truth that people see; the engine only makes sure that somebody goes on working on them.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

#: Changes only when a change of the workflows below breaks the replay of older ones: DBOS recovers its own version only.
WORKFLOW_VERSION = "1"

_THREADS = 16  # without a bound, PostgreSQL runs grew to thousands of threads


class EngineBusyError(Exception):
    """Another process works on this state directory."""


class Work(Protocol):
    """What the engine runs. Every method may be called again after a crash."""

    async def begin(self, operation_id: str) -> list[str]:
        """Check the plan, and return the keys of the targets to work on (none: it ended)."""

    async def run_target(self, operation_id: str, key: str, step: Step) -> None:
        """Work on one target; `step` runs a function and records that it is done."""

    async def finish(self, operation_id: str) -> None:
        """Write the outcome."""


#: Runs a named function as a step of the current workflow: its result is recorded, and replayed after a crash.
Step = Callable[[str, Callable[[], Awaitable[str]]], Awaitable[str]]


class Engine:
    """Starts operations, and goes on with those that an earlier process left open."""

    def __init__(self, url: str, work: Work, lock_file: Path | None) -> None:
        """`lock_file` guards a SQLite state directory: two processes on one file would each recover the other's work."""
        self._url = sa.make_url(url)
        self._work = work
        self._lock_file = lock_file
        self._lock: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._operation: Callable[..., Any] | None = None
        self._parked = False
        self._log = structlog.get_logger("engine")

    async def launch(self) -> None:
        """Start the engine in the running loop; operations left open go on at once.

        Raises:
            EngineBusyError: another process holds the state directory.
        """
        if self._url.get_backend_name() == "sqlite":
            self._hold_state_directory()
            await asyncio.to_thread(_set_wal, str(self._url.database))
        config: DBOSConfig = {
            "name": "maasbot",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "application_version": WORKFLOW_VERSION,
            "executor_id": "local" if self._lock_file else uuid.uuid4().hex,
            "max_executor_threads": _THREADS,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": 2.0,
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)
        self._register()
        DBOS.launch()

    async def start(self, operation_id: str) -> None:
        """Run an operation, unless the engine knows it already: recovery goes on with those by itself."""
        assert self._operation is not None, "the engine is not launched"
        if await DBOS.get_workflow_status_async(operation_id) is not None:
            return
        with SetWorkflowID(operation_id):
            await DBOS.start_workflow_async(self._operation, operation_id)

    async def close(self) -> None:
        """Park: stop where we are and leave everything open for the next start."""
        self._parked = True
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="after-engine")
        await loop.run_in_executor(threads, _destroy)
        # DBOS makes its own pool the loop's default one and takes it away with it; others still have work to finish.
        loop.set_default_executor(threads)
        if self._lock is not None:
            self._lock.close()

    def _register(self) -> None:
        @DBOS.step(name="begin")
        async def begin(operation_id: str) -> list[str]:
            return await self._work.begin(operation_id)

        @DBOS.step(name="finish")
        async def finish(operation_id: str) -> None:
            await self._work.finish(operation_id)

        @DBOS.workflow(name="target")
        async def target(operation_id: str, key: str) -> None:
            self._track()
            await self._work.run_target(operation_id, key, _step)

        @DBOS.workflow(name="operation")
        async def operation(operation_id: str) -> None:
            self._track()
            handles = []
            for key in await begin(operation_id):
                with SetWorkflowID(f"{operation_id}.{key}"):
                    handles.append(await DBOS.start_workflow_async(target, operation_id, key))
            for handle in handles:
                await self._end_of(handle)
            await finish(operation_id)

        self._operation = operation

    async def _end_of(self, handle: Any) -> None:
        try:
            await handle.get_result()
        except Exception as error:  # one target's defect must not keep the others from an end
            if self._parked:
                raise
            self._log.error("target_failed", workflow=handle.workflow_id, error=type(error).__name__)

    def _track(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _hold_state_directory(self) -> None:
        if self._lock_file is None:
            return
        self._lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._lock_file.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EngineBusyError(f"another maasbot works with {self._lock_file.parent}") from None


async def _step(name: str, function: Callable[[], Awaitable[str]]) -> str:
    async def named() -> str:
        return await function()

    named.__name__ = named.__qualname__ = name
    return await DBOS.run_step_async({"name": name}, named)


def _set_wal(path: str) -> None:
    # DBOS leaves SQLite in its default journal mode, in which readers stalled for up to a minute with 200 operations.
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _destroy() -> None:
    DBOS.destroy(workflow_completion_timeout_sec=0)
