"""Workflows on DBOS Transact, which nothing else here knows: an operation is one, each target's work a child of it.

What a crash cuts short runs again, so every step looks before it acts (see operations.asking). Nothing goes on by
itself here: which workflows of other processes are taken over is decided in operations.engine.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bot.storage import StorageUnavailableError

T = TypeVar("T")

#: What DBOS compares before it hands out work; never changes. operations.engine compares versions of ours.
_DBOS_VERSION = "1"
_SCHEMA = "maasbot_engine"
_THREADS = 16  # without a bound, PostgreSQL runs grew to thousands of threads
_OPEN = ("PENDING", "ENQUEUED", "DELAYED")
_QUEUE = "replica-"


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


@dataclass(frozen=True, slots=True)
class Run:
    """One workflow that has not ended: an operation's, or a target's of it. `replica` is who works on it."""

    workflow_id: str
    replica: str

    @property
    def operation_id(self) -> str:
        return self.workflow_id.split(".", 1)[0].split("~", 1)[0]


class Workflows:
    """Runs operations. A workflow's id is the operation's, so that starting one twice is harmless."""

    def __init__(
        self,
        url: str,
        work: Work,
        replica: str,
        version: str,
        *,
        claimed: Callable[[str, str], Awaitable[None]],
        fence: Callable[[], None],
        poll: float = 2.0,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            url: of the database in which DBOS keeps its tables, on PostgreSQL in a schema of their own.
            work: what to run.
            replica: the name of this process, another one at each start.
            version: of the workflows that are begun here.
            claimed: called with operation and version of its workflow when work on it begins or goes on here.
            fence: called before each step; it does not return in a process that the others hold for dead.
            poll: seconds between looks of DBOS for notifications, of which we send none; closing waits for one look.
        """
        self._url = sa.make_url(url)
        self._work = work
        self._replica = replica
        self._version = version
        self._claimed = claimed
        self._fence = fence
        self._poll = poll
        self._tasks: set[asyncio.Task[Any]] = set()
        self._operation: Callable[..., Any] | None = None
        self._parked = False
        self._log = structlog.get_logger("engine")

    async def launch(self) -> None:
        """Launch DBOS in the running loop. Nothing runs before `start` or `resume`."""
        if self._url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_set_wal, str(self._url.database))
        config: DBOSConfig = {
            "name": "maasbot",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "dbos_system_schema": _SCHEMA,
            "application_version": _DBOS_VERSION,
            "executor_id": self._replica,
            "max_executor_threads": _THREADS,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": self._poll,
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)
        self._register()
        # Work that is taken over comes to whoever took it over; without this, to whoever looks first.
        DBOS.listen_queues([_QUEUE + self._replica])
        DBOS.launch()
        await DBOS.register_queue_async(_QUEUE + self._replica, on_conflict="never_update")

    async def start(self, operation_id: str) -> None:
        """Run an operation, unless it is run already, here or elsewhere.

        One whose workflow has come to its end is run anew under a further id: its rows tell what is left to do.
        """
        workflow_id, count = operation_id, 1
        while (known := await DBOS.get_workflow_status_async(workflow_id)) is not None:
            if known.status in _OPEN:
                return
            count += 1
            workflow_id = f"{operation_id}~{count}"
        await self._run(workflow_id)

    async def restart(self, operation_id: str) -> None:
        """Run an operation anew from its rows, and drop its workflows, which nobody can go on with."""
        runs = [run.workflow_id for run in await asyncio.to_thread(self.open_runs) if run.operation_id == operation_id]
        await DBOS.cancel_workflows_async(runs)
        await self.start(operation_id)

    def open_runs(self) -> list[Run]:
        """All workflows that have not ended, of every replica. Blocks."""
        found = DBOS.list_workflows(status=list(_OPEN), load_input=False, load_output=False)
        return [Run(one.workflow_id, _owner(one.status, one.executor_id, one.queue_name)) for one in found]

    def resume(self, workflow_ids: Sequence[str]) -> None:
        """Go on with these workflows here, within two seconds. Blocks."""
        DBOS.resume_workflows(list(workflow_ids), queue_name=_QUEUE + self._replica)

    def cancel(self, workflow_ids: Sequence[str]) -> None:
        """Let these workflows, which nobody works on, never be resumed. Blocks."""
        DBOS.cancel_workflows(list(workflow_ids))

    def queues(self) -> dict[str, str]:
        """The queues of all replicas, those that are gone included: by replica. Blocks."""
        names = [queue.name for queue in DBOS.list_queues()]
        return {name.removeprefix(_QUEUE): name for name in names if name.startswith(_QUEUE)}

    def drop_queue(self, name: str) -> None:
        """Delete the queue of a replica that is gone; what was in it has been resumed. Blocks."""
        DBOS.delete_queue(name)

    def delete_ended(self, before: str, limit: int) -> int:
        """Delete up to `limit` ended workflows begun before that time (ISO 8601), and return how many. Blocks."""
        found = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before, limit=limit, load_input=False, load_output=False
        )
        if found:
            DBOS.delete_workflows([one.workflow_id for one in found])
        return len(found)

    async def close(self) -> None:
        """Park: stop where we are and leave everything open for the next start, or for another replica."""
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

    async def _run(self, workflow_id: str) -> None:
        assert self._operation is not None, "DBOS is not launched"
        with SetWorkflowID(workflow_id):
            await DBOS.start_workflow_async(self._operation, workflow_id, self._version)

    def _register(self) -> None:
        @DBOS.step(name="begin")
        async def begin(operation_id: str) -> list[str]:
            return await self._patiently(lambda: self._work.begin(operation_id))

        @DBOS.step(name="finish")
        async def finish(operation_id: str) -> None:
            await self._patiently(lambda: self._work.finish(operation_id))

        @DBOS.workflow(name="target")
        async def target(operation_id: str, key: str) -> None:
            self._track()
            await self._work.run_target(operation_id, key, self._step)

        @DBOS.workflow(name="operation")
        async def operation(workflow_id: str, version: str = "1") -> None:
            self._track()
            operation_id = Run(workflow_id, "").operation_id
            await self._patiently(lambda: self._claimed(operation_id, version))
            handles = []
            for key in await begin(operation_id):
                with SetWorkflowID(f"{workflow_id}.{key}"):
                    handles.append(await DBOS.start_workflow_async(target, operation_id, key))
            for handle in handles:
                await self._end_of(handle)
            await finish(operation_id)

        self._operation = operation

    async def _step(self, name: str, function: Callable[[], Awaitable[str]]) -> str:
        async def named() -> str:
            return await self._patiently(function)

        named.__name__ = named.__qualname__ = name
        return await DBOS.run_step_async({"name": name}, named)

    async def _patiently(self, function: Callable[[], Awaitable[T]]) -> T:
        """Repeat what the database does not take for the moment: every step is safe to repeat."""
        while True:
            self._fence()
            try:
                return await function()
            except StorageUnavailableError as error:
                self._log.warning("storage_unavailable", reason=error.reason)
                await asyncio.sleep(1.0)

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


def _owner(status: str, executor: str | None, queue: str | None) -> str:
    """Who works on a workflow: what waits in a replica's queue is that replica's, whoever had it before."""
    if status != "PENDING" and queue is not None and queue.startswith(_QUEUE):
        return queue.removeprefix(_QUEUE)
    return executor or ""


def _set_wal(path: str) -> None:
    # DBOS leaves SQLite in its default journal mode, in which readers stalled for up to a minute with 200 operations.
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _destroy() -> None:
    DBOS.destroy(workflow_completion_timeout_sec=0)
