"""Bots that stop dead at the boundaries of operations, to be killed there.

The boundaries are made of an operation's own steps. For each operation that is to die there is a folder with one file
for each boundary that is still to come, named in their order. The bot that comes to the first of them takes its file
away, says so by a file named after its process, and goes on with this operation no more: what it has written and done
by then is all that there will be. Once every operation stands like this the process is killed, which is then a death
of each of them at its own boundary.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bot.operations.kinds import Kind, MachineKind
from bot.operations.steps import StepKind

#: Of one request to MAAS and of the wait for its end, and of one step: first, in the middle, last.
_REQUEST = ("ask begins", "is intended", "is taken", "ask is over", "wait begins", "wait is over")
_STEP = ("begins", "is intended", "is applied", "is over")


def boundaries(kind: Kind, keys: Sequence[str]) -> list[str]:
    """Every moment between two things that an operation of this kind does or writes down; `keys` are its steps'."""
    found = ["begin begins", "begin is over"]
    if isinstance(kind, MachineKind):
        found += [f"{number + 1} {moment}" for number in range(len(kind.phases())) for moment in _REQUEST]
    elif isinstance(kind, StepKind):
        found += [f"{key} {moment}" for key in keys for moment in _STEP]
    return [*found, "finish begins", "finish is over"]


class Fate:
    """What is to come of one operation."""

    def __init__(self, folder: Path, operation_id: str) -> None:
        self._ahead, self._at = folder / operation_id / "ahead", folder / operation_id / "at"
        self.operation_id = operation_id
        #: What happens in the world once it has died there, by the moment.
        self.happens: dict[str, Callable[[], None]] = {}

    def lay_out(self, moments: Sequence[str]) -> None:
        """Write down where it is to die."""
        self._at.mkdir(parents=True)
        made = self._ahead.with_name("made")
        made.mkdir()
        for number, moment in enumerate(moments):
            (made / f"{number:03} {moment}").touch()
        made.rename(self._ahead)  # whole at once: a bot may be looking

    @property
    def ahead(self) -> list[str]:
        """The boundaries that are still to come, in their order."""
        return sorted(one.name for one in self._ahead.iterdir()) if self._ahead.exists() else []

    @property
    def stands_in(self) -> set[int]:
        """The processes in which it has stopped."""
        return {int(one.name) for one in self._at.iterdir()} if self._at.exists() else set()

    async def until_it_is_the_turn_of(self, key: str) -> None:
        """Let the step before come to its last moment: its row tells of its end a little earlier."""
        while True:
            names = [one.partition(" ")[2] for one in self.ahead]
            mine = [name for name in names if name.startswith(f"{key} ")]
            if os.getpid() not in self.stands_in and (not mine or names[0] == mine[0]):
                return
            await asyncio.sleep(0.01)

    def forget(self, pid: int) -> None:
        """That process has been killed."""
        (self._at / str(pid)).unlink(missing_ok=True)

    def let_happen(self) -> None:
        """Let come what comes after the moments that are over."""
        ahead = {one.partition(" ")[2] for one in self.ahead}
        for moment in [one for one in self.happens if one not in ahead]:
            self.happens.pop(moment)()

    def pass_over(self, moments: Sequence[str]) -> None:
        """There were no such moments: the step had nothing to do. Written down for the test to judge."""
        for one in self.ahead:
            if one.partition(" ")[2] in moments:
                (self._ahead / one).rename(self._ahead.with_name(f"passed {one}"))

    @property
    def passed(self) -> list[str]:
        """Those that there were not, in their order."""
        found = sorted(one.name for one in self._ahead.parent.iterdir() if one.name.startswith("passed "))
        return [one.removeprefix("passed ") for one in found]

    async def come_to(self, moment: str) -> None:
        """Stop for good if this is where it dies next."""
        ahead = self.ahead
        if not ahead or ahead[0].partition(" ")[2] != moment:
            return
        (self._ahead / ahead[0]).unlink()
        (self._at / str(os.getpid())).touch()
        await asyncio.Event().wait()


class _Impatient:
    """The event by which DBOS's queues are stopped, and with which they wait between two looks: a second each."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)

    def wait(self, timeout: float) -> bool:
        """Wait a tenth of that. Two looks are most of the time in which a killed bot comes back."""
        return self._event.wait(timeout / 10)


def arm(folder: Path) -> None:
    """Make the operations of this process stop where the folder says."""
    from dbos import _dbos

    from bot.operations import engine
    from bot.operations.asking import Asking
    from bot.operations.replicas import ReplicaPace
    from bot.operations.runner import MachineRunner
    from bot.operations.step_runner import StepRunner
    from bot.operations.work import OperationWork

    def around(owner: type, method: str) -> None:
        whole = getattr(owner, method)

        @functools.wraps(whole)
        async def mortal(self: Any, operation_id: str) -> Any:
            await Fate(folder, operation_id).come_to(f"{method} begins")
            result = await whole(self, operation_id)
            await Fate(folder, operation_id).come_to(f"{method} is over")
            return result

        setattr(owner, method, mortal)

    around(OperationWork, "begin")
    around(OperationWork, "finish")

    run, ask_once = MachineRunner.run, Asking._ask_once

    async def mortal_run(self: Any, operation: Any, key: str, step: Any) -> None:
        fate = Fate(folder, operation.id)

        async def mortal_step(name: str, function: Any) -> str:
            word, _, number = name.partition(" ")

            async def whole() -> str:
                await fate.come_to(f"{number or 1} {word} begins")
                result = str(await function())
                await fate.come_to(f"{number or 1} {word} is over")
                return result

            return str(await step(name, whole))

        await run(self, operation, key, mortal_step)

    async def mortal_ask(self: Any, operation: Any, target: Any, *rest: Any) -> bool:
        fate = Fate(folder, operation.id)
        await fate.come_to(f"{target.phase + 1} is intended")
        took = await ask_once(self, operation, target, *rest)
        if took:
            await fate.come_to(f"{target.phase + 1} is taken")
        return took

    MachineRunner.run = mortal_run  # type: ignore[method-assign, assignment]
    Asking._ask_once = mortal_ask  # type: ignore[method-assign, assignment]

    do, work = StepRunner._do, StepRunner._work

    class MortalStep:
        """A step with moments around what it does."""

        def __init__(self, one: Any, fate: Fate) -> None:
            self._one, self._fate = one, fate

        def __getattr__(self, name: str) -> Any:
            return getattr(self._one, name)

        async def apply(self, context: Any) -> None:
            await self._fate.come_to(f"{self._one.key} is intended")
            await self._one.apply(context)
            await self._fate.come_to(f"{self._one.key} is applied")

    async def mortal_do(self: Any, operation: Any, kind: Any, key: str) -> str:
        fate = Fate(folder, operation.id)
        if await self._turn(operation, key) is not None:
            await fate.until_it_is_the_turn_of(key)
            await fate.come_to(f"{key} begins")
        result = await do(self, operation, kind, key)
        fate.pass_over([f"{key} is intended", f"{key} is applied"])
        await fate.come_to(f"{key} is over")
        return result

    async def mortal_work(self: Any, kind: Any, one: Any, operation: Any, *rest: Any) -> None:
        await work(self, kind, MortalStep(one, Fate(folder, operation.id)), operation, *rest)  # type: ignore[arg-type]

    StepRunner._do = mortal_do  # type: ignore[method-assign]
    StepRunner._work = mortal_work  # type: ignore[method-assign, assignment]
    # How soon others are held for dead is tested elsewhere; here they look around more often.
    engine.ReplicaPace = functools.partial(ReplicaPace, beat=0.3)  # type: ignore[misc, assignment]
    hand_out = _dbos.queue_thread
    _dbos.queue_thread = lambda stop, dbos: hand_out(_Impatient(stop), dbos)  # type: ignore[attr-defined, arg-type]
