"""What a step of the helper is given, and how it ends when it can't be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.host.looks import Cause, Look, LookState
from bot.host.vocabulary import SecretName
from sandbox.host.faults import HostFaults
from sandbox.host.link import RegionLink
from sandbox.host.model import HostModel


class StepFailedError(Exception):
    """The step was tried, and failed."""

    def __init__(self, cause: Cause, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.remedy = remedy


@dataclass
class Work:
    """One step at work: its arguments, and the host around it. `pause` takes seconds of the model's time."""

    model: HostModel
    link: RegionLink
    faults: HostFaults
    args: Any
    secrets: dict[SecretName, str]
    say: Callable[[str], None]
    progress: Callable[[str, int | None], None]
    pause: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]

    async def percent(self, text: str, seconds: float, parts: int = 4) -> None:
        """Takes so long, and tells how far it is."""
        for part in range(parts):
            self.progress(text, 100 * part // parts)
            await self.pause(seconds / parts)
        self.progress(text, 100)


@dataclass(frozen=True)
class Step:
    """How it is today, and how to make it so."""

    look: Callable[[Work], Look]
    apply: Callable[[Work], Awaitable[None]]
    #: The second look, where it is another one than the first: of what has to be done even where all looks well.
    verify: Callable[[Work], Look] | None = None


def done(found: str, **more: Any) -> Look:
    return Look(state=LookState.DONE, found=found, **more)


def todo(found: str, will: str, *, lost: tuple[str, ...] = (), **more: Any) -> Look:
    return Look(state=LookState.TODO, found=found, will=will, lost=lost, **more)


def blocked(cause: Cause, found: str, remedy: str = "", **more: Any) -> Look:
    return Look(state=LookState.BLOCKED, found=found, cause=cause, remedy=remedy, **more)


async def nothing(_work: Work) -> None:
    """For steps that only look."""
