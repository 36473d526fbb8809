"""Steps whose matter is on the region's host: each is a job of the helper there, begun under the operation's name."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from bot.host import errors
from bot.host.client import Secrets
from bot.host.jobs import Order, Watcher
from bot.host.looks import Cause, Look, LookState
from bot.host.service import HostService
from bot.host.vocabulary import Sent, StepName
from bot.maas.service import RegionService
from bot.operations.steps import AsItWas, OperationStep, StepAgainError, StepContext, StepFailedError, StepKind

T = TypeVar("T")

#: The end of a log that is shown on demand, in bytes.
_TAIL = 4000

#: What a plan says of a step that has nothing to do. Sizes and versions move, and would void an approval.
SO_ALREADY = "already so"

_PASSES = (errors.ConnectionLost, errors.TooManySessions, errors.HostSlow)
_STAYS = (errors.HostKeyChanged, errors.HostKeyUnknown, errors.KeyRefused, errors.TooManyKeys)


def host_of(region: RegionService) -> HostService:
    """The region's host. Raises HostNotSetUp."""
    if region.host is None:
        raise errors.HostNotSetUp(f"The host of region {region.name} is not set up for the bot.")
    return region.host


async def asked(question: Awaitable[T], step: str = "") -> T:
    """The answer to a question to the host, its failures in the words of steps.

    Raises:
        StepAgainError: the host is away; it may come back. A job may run on there meanwhile.
        StepFailedError: the job failed, or must not be done.
        HostError: waiting does not mend it.
    """
    try:
        return await question
    except errors.JobFailed as error:
        tail = error.tail
        raise StepFailedError(error.problem, error.remedy, script=step, tail=tail[-2500:], log=tail) from None
    except errors.JobUnseen as error:
        raise StepAgainError(_whole(error), runs_on=True) from None
    except _STAYS:
        raise
    except (errors.HostUnreachable, *_PASSES) as error:
        raise StepAgainError(error.problem) from None


class JobStep(OperationStep):
    """One step of the helper. `will` is what it does, for plans made before its look can tell."""

    detached = True
    #: Whether to look before a job is begun even where the plan found something to do. A job looks first by itself, so
    #: for most that would be asking twice.
    looks_first = False

    #: Whether plans tell of it in its own words: those of its look name an operation that there is not yet.
    has_own_words = False
    #: A look that is blocked by one of these before the steps ahead have run says nothing of how it will be then.
    waits_for: frozenset[Cause] = frozenset({Cause.NOT_INSTALLED, Cause.NOT_INITIALISED, Cause.CLUSTER_DOWN})

    def __init__(self, key: str, title: str, step: StepName, arguments: Sent, will: str) -> None:
        self.key = key
        self.title = title
        self.step = step
        self.will = will
        self._arguments = arguments

    def arguments(self, operation_id: str) -> Sent:
        """The step's arguments; some have the operation's id in them."""
        del operation_id
        return self._arguments

    def secrets(self, context: StepContext) -> Secrets:
        """The secrets of a job that is really started. They go to the host, and nowhere else."""
        del context
        return {}

    async def look(self, host: HostService, operation_id: str) -> Look:
        """How it is on the host today. Raises HostError."""
        return await host.helper.look(self.step, self.arguments(operation_id))

    async def check(self, context: StepContext) -> str | None:
        """What was found, when there is nothing to do. A job that runs already has its end awaited, not judged."""
        if not (context.repeated or self.looks_first or context.planned == SO_ALREADY):
            return None
        host = host_of(context.region)
        try:
            if context.repeated and await asked(host.jobs.under_way(self.order(context))):
                return None
            look = await asked(self.look(host, context.operation_id))
        except errors.HostError as error:
            raise StepAgainError(_whole(error), lasting=error) from error
        if look.state is LookState.BLOCKED:
            raise StepFailedError(sentence(look.found), look.remedy)
        return look.found if look.state is LookState.DONE else None

    async def apply(self, context: StepContext) -> None:
        """Run the job to its end, or be with it until then if it runs already."""
        host = host_of(context.region)
        try:
            await asked(host.jobs.run(self.order(context), watcher(context)), self.step.value)
        except StepAgainError as error:
            raise StepAgainError(str(error), runs_on=error.runs_on or False) from None

    async def verify(self, context: StepContext) -> str:
        """What the job found at its end: it ends well only when its own second look says that it is so."""
        job = await asked(host_of(context.region).jobs.newest(self.order(context)))
        if job is None or job.outcome is None:
            raise StepFailedError(f"{self.title}: the host knows nothing of its end.", "Look at the host, then retry.")
        return job.outcome.found if job.outcome.changed or context.repeated else AsItWas(job.outcome.found)

    def order(self, context: StepContext) -> Order:
        """The job under the operation's name."""
        arguments = self.arguments(context.operation_id)
        return Order(
            f"{context.operation_id}-{self.key}",
            self.step,
            arguments,
            lambda: self.secrets(context),
            # Its row says so before anything is sent, and keeps saying so to a bot that comes after.
            unsent=not context.repeated,
        )


class OnceStep(JobStep):
    """A step that has to be done even where all looks well, like a restart: done when its job has ended well."""

    async def check(self, context: StepContext) -> str | None:
        """Nothing to see: how it is says nothing of whether it was done."""
        del context
        return None


class HostKind(StepKind):
    """A kind whose steps are jobs on the host: what they say can be read while they run."""

    has_log = True

    async def log(self, region: RegionService, operation_id: str) -> str:
        """The end of the log of the newest job of this operation."""
        helper = host_of(region).helper
        job = next((one for one in await helper.jobs() if one.job.startswith(f"{operation_id}-")), None)
        if job is None:
            return ""
        size = (await helper.log(job.job, limit=1)).size
        return (await helper.log(job.job, offset=max(0, size - _TAIL))).text


def _whole(error: errors.HostError) -> str:
    """What happened and what to do: it is shown for as long as the step waits."""
    return f"{error.problem} {error.remedy}".strip()


def watcher(context: StepContext) -> Watcher:
    """Shows in the thread what a job does."""
    return Watcher(context.note, cancelled=context.cancelled.is_set)


def not_yet(step: JobStep, look: Look) -> bool:
    """Whether a look is blocked only because the steps before have not been done."""
    return look.state is LookState.BLOCKED and look.cause in step.waits_for


def sentence(text: str) -> str:
    """`text` as a sentence: the helper tells what it found in a few words."""
    text = f"{text[:1].upper()}{text[1:]}"
    return text if text.endswith((".", "…")) else f"{text}."
