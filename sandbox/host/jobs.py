"""Jobs of the host: they outlive connections and bots, hold the host while they run, and keep their log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.host.looks import PASSING, Cause, LookState, Outcome
from bot.host.protocol import Job, JobCode, JobState, LogPart, Progress
from sandbox.host.work import Step, StepFailedError, Work

#: A log line never holds a secret; the stand-in makes sure as the helper does.
_REDACTED = "[redacted]"


@dataclass
class Running:
    """One job as the host keeps it: never with its secrets."""

    job: str
    step: str
    arguments: dict[str, Any]
    state: JobState = JobState.RUNNING
    rc: int | None = None
    outcome: Outcome | None = None
    progress: Progress | None = None
    log: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: datetime | None = None
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, *, offset: int | None = None, limit: int | None = None, fresh: bool = False) -> Job:
        """What the helper answers of it."""
        return Job(
            job=self.job, step=self.step, arguments=self.arguments, state=self.state, rc=self.rc,
            outcome=self.outcome, progress=self.progress, started=self.started, finished=self.finished,
            log=self.part(offset, limit) if offset is not None else None, fresh=fresh,
        )  # fmt: skip

    def part(self, offset: int, limit: int | None) -> LogPart:
        data = self.log.encode()
        cut = data[offset : offset + (limit or 65536)]
        text = cut.decode(errors="ignore")
        return LogPart(offset=offset, next_offset=offset + len(text.encode()), size=len(data), text=text)

    def news(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def dump(self) -> dict[str, Any]:
        return {**self.told().model_dump(mode="json"), "text": self.log}

    @classmethod
    def load(cls, row: dict[str, Any]) -> Running:
        """A job of an earlier run of the stand-in: one that ran then was lost with it."""
        job = Job.model_validate(row)
        state = JobState.LOST if job.state is JobState.RUNNING else job.state
        started = job.started or datetime.now(UTC)
        return cls(job.job, job.step, job.arguments, state, job.rc, job.outcome, None, row["text"], started)


class JobTable:
    """All jobs that the host remembers, and the one that runs."""

    def __init__(self) -> None:
        self.jobs: dict[str, Running] = {}

    @property
    def running(self) -> Running | None:
        return next((one for one in self.jobs.values() if one.state is JobState.RUNNING), None)

    def start(self, job: Running, step: Step, work: Work) -> None:
        self.jobs[job.job] = job

        def say(line: str) -> None:
            for secret in work.secrets.values():
                line = line.replace(secret, _REDACTED)
            job.log += line + "\n"
            job.news()

        def progress(text: str, percent: int | None) -> None:
            job.progress = Progress(text=text, percent=percent)
            job.news()

        work.say, work.progress = say, progress
        job.task = asyncio.create_task(self._run(job, step, work), name=f"host-job-{job.job}")

    def lose(self) -> None:
        """The host is restarted, or somebody kills the job: no result is left."""
        job = self.running
        if job is not None:
            job.state = JobState.LOST
            if job.task is not None:
                job.task.cancel()
            job.news()

    async def close(self) -> None:
        tasks = [one.task for one in self.jobs.values() if one.task is not None and not one.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Running, step: Step, work: Work) -> None:
        rc, outcome = await _carry_out(job.step, step, work)
        job.rc, job.outcome, job.state = int(rc), outcome, JobState.DONE
        job.progress, job.finished = None, datetime.now(UTC)
        job.news()


async def _carry_out(name: str, step: Step, work: Work) -> tuple[JobCode, Outcome]:
    look = step.look(work)
    if look.state is LookState.DONE:
        return JobCode.OK, Outcome(changed=False, found=look.found)
    if look.state is LookState.BLOCKED:
        return JobCode.BLOCKED, Outcome(changed=False, found=look.found, cause=look.cause, remedy=look.remedy)
    fault = work.faults.take("step-fails", step=name)
    try:
        if fault is not None:
            await work.pause(1)
            work.say(f"E: {fault.cause}")
            raise StepFailedError(Cause(fault.cause), f"The step {name} failed: {fault.cause}", "Mend it.")
        await step.apply(work)
    except StepFailedError as error:
        rc = JobCode.LATER if error.cause in PASSING else JobCode.FAILED
        found = step.look(work).found
        return rc, Outcome(changed=True, found=found, cause=error.cause, message=error.message, remedy=error.remedy)
    after = (step.verify or step.look)(work)
    if after.state is not LookState.DONE:
        return JobCode.FAILED, Outcome(changed=True, found=after.found, cause=Cause.FAILED, message=after.found)
    return JobCode.OK, Outcome(changed=True, found=after.found)
