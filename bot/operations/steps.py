"""Kinds of work made of steps, one after the other: an import of images, a set-up, an installation.

A step looks first (is it so already?), acts, and verifies by looking again. That makes it safe to repeat: whoever
finds it cut short, by a crash of the bot or by a region that went away in the middle, begins it anew with the look.
What can't be repeated even so (a command over SSH) is started under a name made of `StepContext.operation_id` and
`key`, and is found again under it.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.operations.kinds import Kind


class StepFailedError(Exception):
    """A step can't come to its end: what happened and what was left, and what to do next, in sentences.

    `log` is the whole output of the program that failed, `script` its name, `tail` the end of it. No secrets.
    """

    def __init__(self, problem: str, remedy: str = "", *, script: str = "", tail: str = "", log: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.script = script
        self.tail = tail
        self.log = log


class StepStoppedError(Exception):
    """A step was cancelled at a safe point. Says what was left, in a sentence."""


class StepAgainError(Exception):
    """What a step works on is away for the moment, or its answer was lost: look again in a while. Says why.

    Attributes:
        runs_on: whether what the step began elsewhere may run on there unseen; None where this failure does not tell.
        lasting: what to fail with at once when nothing runs on: waiting alone does not mend it.
    """

    def __init__(self, problem: str, *, runs_on: bool | None = None, lasting: MaasError | None = None) -> None:
        super().__init__(problem)
        self.runs_on = runs_on
        self.lasting = lasting


class SharedFiles(Protocol):
    """Where files are that people shared in their chat."""

    def opened(self, file_id: str, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content of a file as it arrives; `name` is what messages call it.

        Raises:
            StepFailedError: it is gone, or is not given.
            StepAgainError: it can't be had for the moment.
        """


class AsItWas(str):
    """How something is, where `apply` found it so and changed nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may use. `pause` scales every wait: 1 is real time, tests make it small."""

    operation_id: str
    key: str
    region: RegionService
    options: Mapping[str, Any]
    #: Whether this step was begun before, by a process that is gone or before its answer was lost.
    repeated: bool
    cancelled: asyncio.Event
    say: Callable[[str], None]
    pause: float = 1.0
    shared: SharedFiles | None = None
    #: What the plan says that the step will do.
    planned: str = ""

    def note(self, text: str) -> None:
        """Show in the thread what the step does right now: a percentage, what it waits for. Never a secret."""
        self.say(text)

    def stop_if_cancelled(self, left: str = "") -> None:
        """A safe point: from here nothing goes on once somebody cancelled.

        Raises:
            StepStoppedError: with `left`, what the step leaves behind.
        """
        if self.cancelled.is_set():
            raise StepStoppedError(left)

    async def sleep(self, seconds: float) -> None:
        """Wait, or until somebody cancels; only `stop_if_cancelled` ends the step then."""
        if self.cancelled.is_set():
            await asyncio.sleep(seconds * self.pause)
            return
        try:
            await asyncio.wait_for(self.cancelled.wait(), seconds * self.pause)
        except TimeoutError:
            return


class OperationStep(ABC):
    """One step. Methods raise MaasError, StepFailedError, StepStoppedError; none keeps state.

    `key` is unique in its kind and never changes; `title` is what people read: "Dynamic range", "Package maas".
    """

    key: str
    title: str
    #: Seconds between two looks of `verify`, and for how long it looks.
    look_every = 2.0
    patience = 120.0
    #: Whether waiting in `verify` ends when somebody cancels, leaving what was begun to come to its end by itself.
    can_stop = False
    #: Whether what `apply` begins runs elsewhere by itself, so that it may run on where nobody can look at it.
    detached = False

    @abstractmethod
    async def check(self, context: StepContext) -> str | None:
        """How it is, in a few words, when it is as wanted; None when there is something to do."""

    @abstractmethod
    async def apply(self, context: StepContext) -> None:
        """Make it so, or begin to. Called after a look found that it is not so, perhaps more than once."""

    async def verify(self, context: StepContext) -> str:
        """How it is once it is as wanted, by looking again; an `AsItWas` where nothing had to be done.

        Raises:
            StepFailedError: it did not become so in time.
        """
        until = time.monotonic() + self.patience * context.pause
        while True:
            label = await self.check(context)
            if label is not None:
                return label
            if self.can_stop:
                context.stop_if_cancelled()
            if time.monotonic() >= until:
                raise StepFailedError(self.overdue(), "Look at it, then retry: what is done stays done.")
            await context.sleep(self.look_every)

    def overdue(self) -> str:
        """What to say when `verify` has waited for long enough, in a sentence."""
        return f"{self.title}: MAAS took the order, and {self.patience:g} s later it still does not show."


class StepKind(Kind):
    """One kind of work in steps. Its plans have a `subject`, and one target a step, under the step's key."""

    #: Seconds for which a region, or a host, that went away in the middle of a step is waited for.
    patience = 900.0

    @abstractmethod
    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """All steps that there may be with these options, in their order; a plan may leave some out."""

    async def log(self, region: RegionService, operation_id: str) -> str:
        """The last lines of what the operation's programs say, where there are such (`has_log`). Raises MaasError."""
        del region, operation_id
        return ""
