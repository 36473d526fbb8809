"""What the bot and the helper on the host say to each other: one JSON request on stdin, one JSON answer on stdout.

The helper (`bot/host/helper/`) is the one program that runs as root, and checks every field again by itself. These are
the bot's types for it; `tests/host/test_protocol.py` holds both sides against each other. The steps with their
arguments are in `bot/host/vocabulary.py`, what a look and an outcome hold in `looks.py`, what queries answer in
`facts.py` and `system_facts.py`. How a job lives and dies is told in `docs/host-protocol.md`.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal

from pydantic import Field, SecretStr, field_serializer

from bot.host.looks import Outcome, Told
from bot.host.vocabulary import JobId, SecretName, Sent, StepName

#: The version of this protocol; the helper says which it speaks (`Hello.speaks`).
PROTOCOL = 1
#: The one command line that sudo allows the bot, without arguments.
HELPER_PATH = "/usr/local/libexec/maasbot/step"
#: A request, and the part of an answer that is a log, in bytes.
MAX_REQUEST = 65_536
MAX_LOG = 262_144


class Verb(StrEnum):
    HELLO = "hello"  # → Hello
    CHECK = "check"  # → Look: how is it today? Changes nothing.
    RUN = "run"  # → Job: start a job, or say how it goes when its id is known already
    STATUS = "status"  # → Job, with the log from an offset on
    LOG = "log"  # → LogPart
    JOBS = "jobs"  # → list[Job], newest first
    QUERY = "query"  # → one of bot.host.facts
    SECRET = "secret"  # → Handover: the answer holds a secret; never stored, never logged  # noqa: S105


class Request(Sent):
    """The one document on stdin. Fields that the verb does not use are left out.

    `secrets` are apart from `arguments`: the helper keeps arguments with the job, and never the secrets.
    """

    protocol: int = PROTOCOL
    verb: Verb
    step: StepName | None = None  # check, run
    arguments: dict[str, Any] = Field(default_factory=dict)  # check, run, query, secret
    secrets: dict[SecretName, SecretStr] = Field(default_factory=dict)  # check, run
    job: JobId | None = None  # run, status, log
    query: str | None = None  # query: a QueryName of bot.host.facts; secret: "apikey"
    offset: int | None = Field(None, ge=0)  # run, status, log: the log's bytes from here on
    limit: int | None = Field(None, ge=1, le=MAX_LOG)  # run, status, log
    wait: float | None = Field(None, ge=0, le=30)  # seconds to wait; run: for the end; status: for more log or the end

    @field_serializer("secrets", when_used="json")
    def _clear(self, secrets: dict[SecretName, SecretStr]) -> dict[str, str]:
        return {name.value: secret.get_secret_value() for name, secret in secrets.items()}

    def wire(self) -> bytes:
        """The bytes for stdin, secrets in clear: they go nowhere else."""
        return self.model_dump_json(exclude_none=True, exclude_defaults=False).encode()


class ErrorCode(StrEnum):
    """Why the helper did not do what was asked. Nothing was changed by any of these."""

    BAD_REQUEST = "bad_request"  # a field is missing, unknown, or not of its form; `field` names it
    VERSION = "version"  # it does not speak this protocol; `Hello.speaks` in `details`
    BUSY = "busy"  # another job runs on this host; `holder` tells which
    CONFLICT = "conflict"  # this job id was used for something else
    NO_SUCH_JOB = "no_such_job"
    UNAVAILABLE = "unavailable"  # what the query asks about is not installed or not running
    FAILED = "failed"  # the program that was asked failed; the message has its last words
    TIMEOUT = "timeout"
    INTERNAL = "internal"  # a fault of the helper's


class HelperFault(Told):
    code: ErrorCode
    message: str
    field: str | None = None
    holder: Job | None = None
    details: dict[str, Any] = Field(default_factory=dict)


class Answer(Told):
    """The one document on stdout; `result` is there if and only if `error` is not."""

    protocol: int
    helper: str = Field(description="the helper's version, like 1.0.0")
    result: Any = None
    error: HelperFault | None = None


class Hello(Told):
    """Who is there. `sha256` is of the helper's own file: compare it with the one that this bot would install."""

    helper: str
    speaks: tuple[int, ...]
    sha256: str
    python: str
    hostname: str
    boot: str = Field(description="changes with each start of the host")
    jobs: Literal["systemd", "setsid"]
    steps: tuple[str, ...]
    queries: tuple[str, ...]
    time: datetime


class JobState(StrEnum):
    DONE = "done"  # `rc` and `outcome` tell how
    RUNNING = "running"
    LOST = "lost"  # it ended without a word (power, kill): its outcome is unknown; `check` the step, then a new job


class JobCode(IntEnum):
    """`Job.rc` in words."""

    OK = 0
    FAILED = 1
    LATER = 75  # nothing wrong for good: `Outcome.cause` is one of PASSING
    BLOCKED = 77  # a guard refused; nothing was changed


class Progress(Told):
    """What the step does just now; `percent` where apt or snap tell it."""

    text: str
    percent: int | None = None


class LogPart(Told):
    """Part of a job's log, by bytes; ask on from `next_offset`. It holds no secret, and ends with a whole character."""

    offset: int
    next_offset: int
    size: int
    text: str


class Job(Told):
    job: str
    step: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    state: JobState
    rc: int | None = None
    outcome: Outcome | None = None
    progress: Progress | None = None
    started: datetime | None = None
    finished: datetime | None = None
    log: LogPart | None = None  # run and status with an offset
    fresh: bool = False  # run: this request started it, no earlier one did


class Handover(Told):
    """A secret, for one person's eyes or the bot's secrets file."""

    secret: SecretStr
    minted: bool = False


HelperFault.model_rebuild()
