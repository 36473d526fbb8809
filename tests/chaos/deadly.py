"""Bots that kill themselves with SIGKILL at the boundaries of an operation, one after the other.

The boundaries are made of the kind's own steps. A folder holds one file for each that is still to come, named in
their order; the bot that gets to the first of them takes its file away and dies. Of several bots one does.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.operations.kinds import Kind, MachineKind
from bot.operations.steps import StepKind

#: Of one request to MAAS and of the wait for its end, and of one step.
_REQUEST = ("ask begins", "is intended", "is taken", "ask is over", "wait begins", "wait is over")
_STEP = ("step begins", "is intended", "is applied", "is verified", "step is over")


def boundaries(kind: Kind, options: Mapping[str, Any]) -> list[str]:
    """Every moment of an operation of this kind between two of which something is written down or done."""
    found = ["begin begins", "begin is over"]
    if isinstance(kind, MachineKind):
        found += [f"{number + 1} {moment}" for number in range(len(kind.phases())) for moment in _REQUEST]
    elif isinstance(kind, StepKind):
        found += [f"{step.key} {moment}" for step in kind.steps(options) for moment in _STEP]
    return [*found, "finish begins", "finish is over"]


def lay_out(folder: Path, moments: list[str]) -> None:
    """Make the folder that `arm` reads."""
    folder.mkdir()
    for number, moment in enumerate(moments):
        (folder / f"{number:03} {moment}").touch()


def left(folder: Path) -> list[str]:
    """The boundaries that nobody has died at yet, in their order."""
    return sorted(one.name for one in folder.iterdir())


def arm(folder: Path) -> None:
    """Make this process die at the first of the boundaries, when it comes there."""
    from bot.operations import engine
    from bot.operations.replicas import ReplicaPace
    from bot.operations.runner import MachineRunner
    from bot.operations.step_runner import StepRunner
    from bot.operations.work import OperationWork
    from bot.operations.workflows import Workflows

    def die_at(moment: str) -> None:
        ahead = left(folder)
        if not ahead or ahead[0].partition(" ")[2] != moment:
            return
        try:
            (folder / ahead[0]).unlink()
        except FileNotFoundError:
            return  # the other bot was quicker
        os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: type, method: str, before: Any, after: Any) -> None:
        """Let moments happen before and after a method; they are named by its arguments and its result."""
        whole = getattr(owner, method)

        @functools.wraps(whole)
        async def with_moments(*args: Any, **kwargs: Any) -> Any:
            die_at(before(*args))
            result = await whole(*args, **kwargs)
            die_at(after(*args, result))
            return result

        setattr(owner, method, with_moments)

    for method, name in (("begin", "begin"), ("finish", "finish")):
        around(OperationWork, method, lambda *_, name=name: f"{name} begins", lambda *_, name=name: f"{name} is over")

    def request(_self: Any, _operation: Any, target: Any, *_rest: Any) -> str:
        return f"{target.phase + 1} is intended"

    def taken(_self: Any, _operation: Any, target: Any, *rest: Any) -> str:
        return f"{target.phase + 1} is taken" if rest[-1] else ""

    around(MachineRunner, "_ask_once", request, taken)

    def which(name: str) -> str:
        word, _, number = name.partition(" ")
        return f"{number or 1} {word}"

    step = Workflows._step

    async def mortal_step(self: Any, name: str, function: Any) -> str:
        async def with_moments() -> str:
            if name != "do":
                die_at(f"{which(name)} begins")
            result = await function()
            if name != "do":
                die_at(f"{which(name)} is over")
            return str(result)

        return await step(self, name, with_moments)

    Workflows._step = mortal_step  # type: ignore[method-assign]

    class MortalStep:
        """A step with moments around what it does."""

        def __init__(self, one: Any) -> None:
            self._one = one

        def __getattr__(self, name: str) -> Any:
            return getattr(self._one, name)

        async def apply(self, context: Any) -> None:
            die_at(f"{self._one.key} is intended")
            await self._one.apply(context)
            die_at(f"{self._one.key} is applied")

        async def verify(self, context: Any) -> str:
            label = await self._one.verify(context)
            die_at(f"{self._one.key} is verified")
            return str(label)

    do, work = StepRunner._do, StepRunner._work

    async def mortal_do(self: Any, operation: Any, kind: Any, key: str) -> str:
        if await self._turn(operation, key) is not None:
            die_at(f"{key} step begins")
        result = await do(self, operation, kind, key)
        die_at(f"{key} step is over")
        return result

    async def mortal_work(self: Any, kind: Any, one: Any, *rest: Any) -> None:
        await work(self, kind, MortalStep(one), *rest)  # type: ignore[arg-type]

    StepRunner._do = mortal_do  # type: ignore[method-assign]
    StepRunner._work = mortal_work  # type: ignore[method-assign, assignment]
    # How soon others are held for dead is tested elsewhere; here they look around more often.
    engine.ReplicaPace = functools.partial(ReplicaPace, beat=0.3)  # type: ignore[misc, assignment]
