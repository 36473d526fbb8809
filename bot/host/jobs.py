"""Running a job on the host to its end, whatever happens to the connection, to the bot, or to the host meanwhile.

The ids of jobs follow from the operation and the step, both stored before anything is sent, so a bot that starts again
finds what it had begun: it is re-attached, never started twice. A job without a result (`lost`) says nothing of its
effect: the step's own look decides whether a further one is needed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from bot.host import errors
from bot.host.client import HelperClient, Secrets
from bot.host.looks import PASSING, LookState, Outcome
from bot.host.protocol import Job, JobCode, JobState
from bot.host.vocabulary import Sent, StepName

T = TypeVar("T")

#: How often a step is begun anew after its job was lost, or ended over something that passes.
_ATTEMPTS = 12
#: How often a job may be lost; a host that dies again and again needs a person.
_LOSSES = 3
#: The end of a log that is kept for the people who read of a failure, in bytes.
_TAIL = 6000
#: Failures that pass when the host is back, and those among them that waiting does not mend.
_AWAY = (errors.HostUnreachable, errors.ConnectionLost, errors.TooManySessions)
_STAYS = (errors.HostKeyChanged, errors.HostKeyUnknown, errors.KeyRefused, errors.TooManyKeys)
#: How many good ends are remembered at most; each is read right after it.
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class JobPace:
    """Waits, in seconds. The defaults fit a real host; demo and tests make them smaller."""

    #: A status waits so long on the host for news.
    wait: float = 2.0
    #: Between two tries while the host is away, growing to the last.
    away: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    #: How long a host may be away before the operation gives up, and another's job may keep it busy.
    patience: float = 1800.0
    #: Between two tries of what fails over something that passes: a lock, a store that is down.
    passing: float = 20.0


@dataclass(frozen=True, slots=True)
class Order:
    """One step to be done on the host. `name` is the beginning of the ids of its jobs: `op-4k2f-snap-maas`."""

    name: str
    step: StepName
    arguments: Sent
    #: Makes the secrets when a job is really started; what is re-attached has its own already.
    secrets: Callable[[], Secrets] = field(default=dict)
    #: Nothing was sent under this name before, so the host need not be asked what it knows of it.
    unsent: bool = False

    def job(self, attempt: int) -> str:
        return f"{self.name}-{attempt}"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told while a job runs: a line on what happens, and the end of its log."""

    note: Callable[[str], None]
    log: Callable[[str], None] = lambda _text: None
    cancelled: Callable[[], bool] = lambda: False


class Jobs:
    """Runs orders on one host."""

    def __init__(self, client: HelperClient, pace: JobPace | None = None) -> None:
        self._client = client
        self._pace = pace or JobPace()
        #: Good ends that were just told, so that whoever wants to read one need not ask the host again.
        self._ends: dict[str, Job] = {}
        self._log = structlog.get_logger("host.jobs")

    async def under_way(self, order: Order) -> bool:
        """Whether a job of this order runs now: begun by a bot that is gone."""
        _, job = await self._newest(order)
        return job is not None and job.state is JobState.RUNNING

    async def newest(self, order: Order) -> Job | None:
        """The last job of this order that the host knows."""
        return self._ends.pop(order.name, None) or (await self._newest(order))[1]

    async def ended(self, order: Order) -> bool:
        """Whether a job of this order has run, and none runs now."""
        _, job = await self._newest(order)
        return job is not None and job.state is not JobState.RUNNING

    async def run(self, order: Order, watcher: Watcher) -> Job:
        """Bring an order to a good end; returns the job that did it, which `newest` then tells once from memory.

        Raises:
            StepBlocked: the host is in a state in which it must not be done; nothing was changed.
            JobFailed: it was tried, and failed.
            JobUnseen: the host went out of sight, and its job may still run.
            HostBusy, HostUnreachable: not within the patience of the pace, and no job was begun.
            HostError: what else can go wrong with the host; no job runs.
        """
        self._ends.pop(order.name, None)
        job = await self._run(order, watcher)
        if len(self._ends) >= _REMEMBERED:
            self._ends.clear()
        self._ends[order.name] = job
        return job

    async def _run(self, order: Order, watcher: Watcher) -> Job:
        attempt, job = 0, None
        if not order.unsent:
            attempt, job = await self._patiently(watcher, lambda: self._newest(order), begun=True)
        losses = 0
        while True:
            if job is None or job.state is not JobState.RUNNING:
                if job is not None and job.state is JobState.DONE and job.rc == JobCode.OK:
                    return job
                attempt += 1
                job = await self._start(order, attempt, watcher)
            job = await self._follow(job, watcher)
            if job.state is JobState.LOST:
                losses += 1
                self._log.warning("job_lost", job=job.job)
                watcher.note("The host lost the job: it was restarted, or somebody ended it. Looking how far it came.")
                look = await self._patiently(watcher, lambda: self._client.look(order.step, order.arguments))
                if look.state is LookState.DONE:
                    return job.model_copy(update={"outcome": Outcome(changed=True, found=look.found)})
                if look.state is LookState.BLOCKED:
                    raise errors.StepBlocked(look.found, look.remedy, tail=await self._tail(job))
                if losses >= _LOSSES:
                    raise errors.JobLost(f"The host lost this job {losses} times. {look.found}")
                job = None
                continue
            if job.rc == JobCode.OK:
                return job
            failure = await self._failure(job)
            passes = job.outcome is not None and job.outcome.cause in PASSING
            if not passes or attempt >= _ATTEMPTS or watcher.cancelled():
                raise failure
            watcher.note(f"{failure.problem} Trying again in {self._pace.passing:g} s.")
            await asyncio.sleep(self._pace.passing)
            job = None

    async def _newest(self, order: Order) -> tuple[int, Job | None]:
        """The last attempt that the host knows: after a crash of the bot, or of the host."""
        newest: Job | None = None
        attempt = 0
        while True:
            try:
                newest = await self._client.status(order.job(attempt + 1))
            except errors.NoSuchJob:
                return attempt, newest
            attempt += 1

    async def _start(self, order: Order, attempt: int, watcher: Watcher) -> Job:
        """Start the job. Sent twice, it runs once: its id is the claim."""
        job = order.job(attempt)
        until = time.monotonic() + self._pace.patience
        secrets = order.secrets()
        while True:
            try:
                return await self._patiently(
                    watcher,
                    lambda: self._client.run(job, order.step, order.arguments, secrets, wait=self._pace.wait),
                    begins=True,
                )
            except errors.HostBusy as error:
                if time.monotonic() > until or watcher.cancelled():
                    raise
                watcher.note(f"{error.problem} Waiting for it to end.")
                await asyncio.sleep(self._pace.away[-1] if self._pace.wait >= 1 else self._pace.wait)

    async def _follow(self, job: Job, watcher: Watcher) -> Job:
        """Wait for the end of a job, and pass on what it says."""
        offset = 0
        while True:
            if job.log is not None and job.log.text:
                offset = job.log.next_offset
                watcher.log(job.log.text)
            if job.progress is not None:
                percent = f" {job.progress.percent} %" if job.progress.percent is not None else ""
                watcher.note(f"{job.progress.text}{percent}")
            if job.state is not JobState.RUNNING:
                return job
            look = partial(self._client.status, job.job, offset=offset, wait=self._pace.wait)
            job = await self._patiently(watcher, look, begun=True)

    async def _failure(self, job: Job) -> errors.JobFailed:
        outcome = job.outcome
        said = (outcome.message or outcome.found) if outcome is not None else ""
        problem = said or f"The job ended with exit code {job.rc} and said nothing."
        remedy = outcome.remedy if outcome is not None else ""
        kind = errors.StepBlocked if job.rc == JobCode.BLOCKED else errors.JobFailed
        return kind(problem if problem.endswith(".") else f"{problem}.", remedy, tail=await self._tail(job))

    async def _tail(self, job: Job) -> str:
        try:
            size = (await self._client.log(job.job, offset=0, limit=1)).size
            return (await self._client.log(job.job, offset=max(0, size - _TAIL))).text
        except errors.HostError:
            return ""  # the cause counts; its log can be read later

    async def _patiently(
        self, watcher: Watcher, ask: Callable[[], Awaitable[T]], *, begun: bool = False, begins: bool = False
    ) -> T:
        """Ask, and ask again while the host is away: the job runs on without us, and ids make asking twice harmless.

        Args:
            watcher: who is told.
            ask: the question.
            begun: a job of the order runs, as far as is known.
            begins: the question is the order to begin one, which a lost answer leaves open.
        """
        until = time.monotonic() + self._pace.patience
        tries = 0
        while True:
            try:
                return await ask()
            except (errors.NoSuchJob, errors.HostBusy):
                raise  # the host has answered: no job of this order runs
            except errors.HostError as error:
                begun = begun or (begins and isinstance(error, errors.ConnectionLost))
                if not isinstance(error, _AWAY) or isinstance(error, _STAYS) or time.monotonic() > until:
                    if begun:
                        raise errors.JobUnseen(error.problem, error.remedy) from error
                    raise
                watcher.note(f"{error.problem} Looking again; what runs on the host runs on.")
                await asyncio.sleep(self._pace.away[min(tries, len(self._pace.away) - 1)])
                tries += 1
