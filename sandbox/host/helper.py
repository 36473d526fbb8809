"""The helper's protocol, answered from the model: one JSON request in, one JSON answer out."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.host.bundle import bundle, digest
from bot.host.facts import QUERY_ARGUMENTS, QueryName
from bot.host.looks import Told
from bot.host.protocol import (
    PROTOCOL,
    Answer,
    ErrorCode,
    Handover,
    Hello,
    HelperFault,
    Job,
    JobState,
    Request,
    Verb,
)
from bot.host.vocabulary import STEP_ARGUMENTS, STEP_SECRETS, ApiKeyArguments, NoArguments, SecretName, StepName
from sandbox.host.databases import DATABASE_STEPS
from sandbox.host.faults import HostFaults
from sandbox.host.jobs import JobTable, Running
from sandbox.host.link import RegionLink
from sandbox.host.maas import MAAS_STEPS, ready
from sandbox.host.model import HostModel
from sandbox.host.packages import PACKAGE_STEPS
from sandbox.host.queries import QUERIES, UnavailableError
from sandbox.host.work import Step, Work

VERSION = "1.1.0"
STEPS: dict[StepName, Step] = {**PACKAGE_STEPS, **DATABASE_STEPS, **MAAS_STEPS}
_PRODUCTION = "production"


class RefusedError(Exception):
    """The request can't be done; the fault says why."""

    def __init__(self, code: ErrorCode, message: str, **more: Any) -> None:
        super().__init__(message)
        self.fault = HelperFault(code=code, message=message, **more)


class HelperStandIn:
    """Takes requests. `speed` divides the durations of what steps do; `secrets` is what was sent, for tests to grep."""

    def __init__(self, model: HostModel, link: RegionLink, faults: HostFaults, *, speed: float = 1.0) -> None:
        self.model = model
        self.link = link
        self.faults = faults
        self.table = JobTable()
        self.secrets: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self._speed = speed
        self._sha256 = ""

    async def answer(self, data: bytes) -> bytes:
        """The answer's bytes to a request's bytes."""
        answer: dict[str, Any] = {"protocol": PROTOCOL, "helper": VERSION}
        try:
            result = await self._do(_read(data))
            answer["result"] = _plain(result)
        except RefusedError as refused:
            answer["error"] = refused.fault.model_dump(mode="json")
        Answer.model_validate(answer)
        return TypeAdapter(dict[str, Any]).dump_json(answer)

    async def _do(self, request: Request) -> Any:
        verb = request.verb
        self.requests.append((verb.value, request.step or request.query or request.job or ""))
        self.secrets.update(one.get_secret_value() for one in request.secrets.values())
        if self.faults.take("helper-broken", verb=verb.value):
            raise RefusedError(ErrorCode.INTERNAL, "TypeError in step.py, line 12")
        if verb is Verb.HELLO:
            return self._hello()
        if request.protocol != PROTOCOL:
            raise RefusedError(ErrorCode.VERSION, f"speaks {PROTOCOL}, not {request.protocol}")
        await ready(self._work(None, {}))
        match verb:
            case Verb.CHECK:
                step, args, secrets = _step_of(request)
                return STEPS[step].look(self._work(args, secrets))
            case Verb.RUN:
                return await self._run(request)
            case Verb.STATUS:
                return await self._status(request)
            case Verb.LOG:
                return self._job(request).part(request.offset or 0, request.limit)
            case Verb.JOBS:
                return [one.told() for one in reversed(self.table.jobs.values())]
            case Verb.QUERY:
                return self._query(request)
            case Verb.SECRET:
                return self._api_key(request)

    def _hello(self) -> Hello:
        speaks = (99,) if self.faults.is_active("helper-old") else (PROTOCOL,)
        changed = self.faults.is_active("helper-changed")
        return Hello(
            helper=VERSION, speaks=speaks, sha256="0" * 64 if changed else self._digest(),
            python="3.10.12", hostname=self.model.hostname,
            boot=f"boot-{self.model.boot}", jobs="systemd", steps=tuple(one.value for one in STEPS),
            queries=tuple(one.value for one in QUERIES), time=datetime.now(UTC),
        )  # fmt: skip

    def _digest(self) -> str:
        self._sha256 = self._sha256 or digest(bundle())
        return self._sha256

    async def _run(self, request: Request) -> Job:
        job, fresh = self._started(request)
        await self._ended(job, request.wait or 0.0)
        return job.told(offset=request.offset, limit=request.limit, fresh=fresh)

    def _started(self, request: Request) -> tuple[Running, bool]:
        step, args, secrets = _step_of(request)
        if request.job is None:
            raise RefusedError(ErrorCode.BAD_REQUEST, "run needs a job", field="job")
        needed = set(STEP_SECRETS.get(step, ()))
        if step is StepName.MAAS_INIT and args.database != _PRODUCTION:
            needed = set()
        if missing := needed - set(secrets):
            raise RefusedError(ErrorCode.BAD_REQUEST, f"{step} needs {min(missing)}", field="secrets")
        plain = args.model_dump(mode="json", exclude_none=True)
        known = self.table.jobs.get(request.job)
        if known is not None:
            if (known.step, known.arguments) != (step.value, plain):
                raise RefusedError(ErrorCode.CONFLICT, f"The job {request.job} was used for {known.step}")
            return known, False
        holder = self._other() or self.table.running
        if holder is not None:
            message = f"The job {holder.job} ({holder.step}) runs on this host"
            raise RefusedError(ErrorCode.BUSY, message, holder=holder.told())
        job = Running(request.job, step.value, plain)
        self.table.start(job, STEPS[step], self._work(args, secrets, step))
        return job, True

    async def _ended(self, job: Running, wait: float) -> None:
        """Wait for a job's end, so many of the host's seconds at most."""
        until = time.monotonic() + wait / self._speed
        while job.state is JobState.RUNNING and (left := until - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(job.changed.wait(), left)

    def _other(self) -> Running | None:
        return Running("op-0000-elsewhere-1", "snap-install", {}) if self.faults.is_active("busy") else None

    async def _status(self, request: Request) -> Job:
        job = self._job(request)
        until = time.monotonic() + (request.wait or 0.0) / self._speed
        while job.state is JobState.RUNNING:
            news = len(job.log.encode()) > (request.offset or 0)
            left = until - time.monotonic()
            if news or left <= 0:
                break
            try:
                await asyncio.wait_for(job.changed.wait(), left)
            except TimeoutError:
                break
        return job.told(offset=request.offset, limit=request.limit)

    def _job(self, request: Request) -> Running:
        job = self.table.jobs.get(request.job or "")
        if job is None:
            raise RefusedError(ErrorCode.NO_SUCH_JOB, f"There is no job {request.job}")
        return job

    def _query(self, request: Request) -> Told:
        try:
            name = QueryName(request.query or "")
        except ValueError:
            raise RefusedError(ErrorCode.BAD_REQUEST, "no such query", field="query") from None
        args = _arguments(QUERY_ARGUMENTS.get(name, NoArguments), request.arguments)
        try:
            return QUERIES[name](self._work(args, {}))
        except UnavailableError as error:
            raise RefusedError(ErrorCode.UNAVAILABLE, str(error)) from None

    def _api_key(self, request: Request) -> Handover:
        args = _arguments(ApiKeyArguments, request.arguments)
        if self.model.maas.mode == "none":
            raise RefusedError(ErrorCode.UNAVAILABLE, "MAAS is not initialised")
        user = self.link.user(args.username)
        if user is None:
            raise RefusedError(ErrorCode.FAILED, "CommandError: User does not exist.")
        minted = False
        if not user.tokens:
            if not args.mint:
                raise RefusedError(ErrorCode.FAILED, f"{args.username} has no API key")
            self.link.mint(user)
            minted = True
        key = user.tokens[0].api_key
        self.secrets.add(key)
        return Handover.model_validate({"secret": key, "minted": minted})

    def work(self) -> Work:
        """What a look at the host needs."""
        return self._work(None, {})

    def _work(self, args: Any, secrets: dict[SecretName, str], step: StepName | None = None) -> Work:
        lose = self.faults.peek("lose-job")
        doomed = lose is not None and step is not None and lose.step in {"", step.value}

        async def pause(seconds: float) -> None:
            nonlocal doomed
            await asyncio.sleep(seconds / self._speed)
            if doomed and self.faults.take("lose-job", step=step or ""):
                self.table.lose()
                await asyncio.Event().wait()  # until the cancellation arrives

        return Work(
            self.model, self.link, self.faults, args, secrets, lambda _line: None, lambda _text, _percent: None, pause,
            lambda: time.monotonic() * self._speed,
        )  # fmt: skip


def _read(data: bytes) -> Request:
    try:
        return Request.model_validate_json(data)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise RefusedError(ErrorCode.BAD_REQUEST, "not of its form", field=field) from None


def _step_of(request: Request) -> tuple[StepName, Any, dict[SecretName, str]]:
    if request.step is None:
        raise RefusedError(ErrorCode.BAD_REQUEST, "missing", field="step")
    args = _arguments(STEP_ARGUMENTS[request.step], request.arguments)
    return request.step, args, {name: one.get_secret_value() for name, one in request.secrets.items()}


def _arguments(model: Any, values: dict[str, Any]) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise RefusedError(ErrorCode.BAD_REQUEST, "not of its form", field=f"arguments.{field}") from None


def _plain(result: Any) -> Any:
    if isinstance(result, Handover):
        return {"secret": result.secret.get_secret_value(), "minted": result.minted}
    if isinstance(result, Told):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(one) for one in result]
    return result
