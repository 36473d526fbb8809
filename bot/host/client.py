"""The bot's side of what it says to the helper on the host, typed. See `bot.host.protocol`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import SecretStr, TypeAdapter, ValidationError

from bot.host import errors
from bot.host.connection import HostConnection, Ran
from bot.host.facts import QUERY_RESULT, QueryName
from bot.host.looks import Look, Told
from bot.host.protocol import (
    HELPER_PATH,
    MAX_LOG,
    PROTOCOL,
    Answer,
    ErrorCode,
    Handover,
    Hello,
    HelperFault,
    Job,
    LogPart,
    Request,
    Verb,
)
from bot.host.vocabulary import ApiKeyArguments, SecretName, Sent, StepName
from bot.maas.errors import clean

T = TypeVar("T", bound=Told)
Secrets = Mapping[SecretName, SecretStr]

#: The one command line that the host's sudo allows.
PROGRAM = f"sudo -n {HELPER_PATH}"
_JOBS = TypeAdapter(list[Job])
#: Seconds for a verb to be answered. A check may ask snap, apt, PostgreSQL and maas, which take seconds each.
_PATIENCE = {Verb.CHECK: 120.0, Verb.QUERY: 60.0, Verb.SECRET: 60.0, Verb.RUN: 30.0}


class HelperClient:
    """Asks the helper. Every method raises HostError and nothing else; no text of an error holds a secret."""

    def __init__(self, connection: HostConnection) -> None:
        self._connection = connection
        self._greeted = False

    async def hello(self) -> Hello:
        """Who is there. Raises HelperVersion when the helper does not speak the bot's protocol."""
        hello = _told(Hello, await self._ask(Request(verb=Verb.HELLO)))
        if PROTOCOL not in hello.speaks:
            spoken = ", ".join(map(str, hello.speaks)) or "none"
            raise errors.HelperVersion(
                f"The helper on {hello.hostname or 'the host'} ({clean(hello.helper, 40)}) speaks protocol {spoken}; "
                f"this bot speaks {PROTOCOL}."
            )
        self._greeted = True
        return hello

    async def look(self, step: StepName, arguments: Sent, secrets: Secrets | None = None) -> Look:
        """How a step's matter is today. Changes nothing."""
        request = Request(verb=Verb.CHECK, step=step, arguments=_plain(arguments), secrets=dict(secrets or {}))
        return _told(Look, await self._ask(request))

    async def query(self, name: QueryName, answer: type[T], arguments: Sent | None = None) -> T:
        """Facts of the host; `answer` is the type that this query answers with."""
        assert QUERY_RESULT[name] is answer, f"{name} answers with {QUERY_RESULT[name].__name__}"
        request = Request(verb=Verb.QUERY, query=name.value, arguments=_plain(arguments) if arguments else {})
        return _told(answer, await self._ask(request))

    async def run(
        self, job: str, step: StepName, arguments: Sent, secrets: Secrets | None = None, *, wait: float | None = None
    ) -> Job:
        """Start a job under an id that is stored already. A known id is never started twice: its state is answered.

        Waits up to `wait` seconds for its end.
        """
        secrets = dict(secrets or {})
        request = Request(
            verb=Verb.RUN, job=job, step=step, arguments=_plain(arguments), secrets=secrets, wait=wait, offset=0
        )
        return _told(Job, await self._ask(request))

    async def status(self, job: str, *, offset: int | None = None, wait: float | None = None) -> Job:
        """How a job goes, with its log from `offset` on. Waits up to `wait` seconds for news.

        Raises:
            NoSuchJob: it was never started.
        """
        limit = MAX_LOG if offset is not None else None
        return _told(Job, await self._ask(Request(verb=Verb.STATUS, job=job, offset=offset, limit=limit, wait=wait)))

    async def log(self, job: str, *, offset: int = 0, limit: int = MAX_LOG) -> LogPart:
        """A part of a job's log, by bytes."""
        return _told(LogPart, await self._ask(Request(verb=Verb.LOG, job=job, offset=offset, limit=limit)))

    async def jobs(self) -> list[Job]:
        """The jobs that the host remembers, newest first."""
        result = await self._ask(Request(verb=Verb.JOBS))
        try:
            return _JOBS.validate_python(result)
        except ValidationError:
            raise _unfit("a list of jobs") from None

    async def api_key(self, username: str, *, mint: bool) -> Handover:
        """The API key of a user of MAAS; with `mint` one is made where there is none."""
        arguments = _plain(ApiKeyArguments(username=username, mint=mint))
        return _told(Handover, await self._ask(Request(verb=Verb.SECRET, query="apikey", arguments=arguments)))

    async def _ask(self, request: Request) -> Any:
        if not self._greeted and request.verb is not Verb.HELLO:
            await self.hello()
        try:
            answer = _parse(await self._run(request))
        except errors.HostError:
            self._greeted = False  # whoever answers next may be another one
            raise
        if answer.error is not None:
            self._greeted = self._greeted and answer.error.code is not ErrorCode.VERSION
            raise _raised(answer.error)
        return answer.result

    async def _run(self, request: Request) -> Ran:
        """One exchange; a read over a connection that had died unseen is asked once more over a new one."""
        patience = _PATIENCE.get(request.verb, 30.0) + (request.wait or 0.0)
        try:
            return await self._connection.run(PROGRAM, request.wire(), patience=patience)
        except errors.ConnectionLost as error:
            if type(error) is not errors.ConnectionLost or request.verb in {Verb.RUN, Verb.SECRET}:
                raise
        return await self._connection.run(PROGRAM, request.wire(), patience=patience)


def _parse(ran: Ran) -> Answer:
    try:
        return Answer.model_validate_json(ran.stdout)
    except ValidationError:
        raise _not_the_helper(ran) from None


def _not_the_helper(ran: Ran) -> errors.HostError:
    """Something else than the helper spoke: sudo, the shell, or a helper that broke."""
    said = ran.said.lower()
    last = clean(ran.said.strip().rpartition("\n")[2], 200)
    if "command not found" in said and "sudo:" in said and HELPER_PATH in said:
        return errors.HelperMissing(f"{HELPER_PATH} is not on the host.")
    if ran.status == 127 or "sudo: not found" in said or "sudo: command not found" in said:
        return errors.SudoMissing("There is no sudo on the host.")
    if "a password is required" in said or "a terminal is required" in said or "not allowed" in said:
        return errors.SudoRefused(f"sudo on the host does not let the bot run its helper ({last}).")
    told = f": {last}" if last else ""
    return errors.HelperBroken(f"The helper on the host gave no answer that makes sense (exit {ran.status}){told}.")


def _told(answer: type[T], result: Any) -> T:
    try:
        return answer.model_validate(result)
    except ValidationError:
        raise _unfit(answer.__name__) from None


def _unfit(what: str) -> errors.HelperBroken:
    # pydantic's own text quotes the value, which may be a secret.
    return errors.HelperBroken(f"The helper's answer is not what this bot understands ({what}).")


def _plain(arguments: Sent) -> dict[str, Any]:
    return arguments.model_dump(mode="json", exclude_none=True)


def _raised(fault: HelperFault) -> errors.HostError:
    message = fault.message if fault.message.endswith(".") else f"{fault.message}."
    match fault.code:
        case ErrorCode.BAD_REQUEST:
            field = f" ({fault.field})" if fault.field else ""
            return errors.HelperRefused(f"The helper on the host did not accept the request{field}: {message}")
        case ErrorCode.CONFLICT:
            return errors.HelperRefused(message)
        case ErrorCode.VERSION:
            return errors.HelperVersion(f"The helper on the host does not speak protocol {PROTOCOL}: {message}")
        case ErrorCode.BUSY:
            return errors.HostBusy(message, holder=fault.holder.job if fault.holder else "")
        case ErrorCode.NO_SUCH_JOB:
            return errors.NoSuchJob(message)
        case ErrorCode.UNAVAILABLE:
            return errors.NotThere(message)
        case ErrorCode.TIMEOUT:
            return errors.HostSlow(message)
        case ErrorCode.FAILED:
            return errors.ProgramFailed(message)
        case ErrorCode.INTERNAL:
            return errors.HelperBroken(f"The helper on the host failed: {message}")
