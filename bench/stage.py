"""Where the bot is measured: Slack's stand-in in this process, the region's in a second, the bot in a third."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from bench.processes import Child, free_port
from sandbox.demo import World
from sandbox.slack import Message, MessageRef, Workspace

#: An operator, and people who only read; all may ask for the status.
OLGA = "U0OLGA"
PEOPLE = (OLGA, "U0ANDREA", "U0VICTOR", "U0ADAM")
OPS = "C0OPS"
#: Machines per /maas commission, which is also how many the command works on at once by default.
_AT_ONCE = 25
_BOT = "from bot.cli import main; main()"
_CONFIRM = "operation.confirm"


class Stage:
    """Make one with `stage()`."""

    def __init__(self, world: World, region: Child, folder: Path, answers: dict[str, float]) -> None:
        self.workspace: Workspace = world.workspace
        self.region = region
        self.folder = folder
        self._world = world
        self._answers = answers

    def environment(self, state: str, **more: str) -> dict[str, str]:
        """The settings of a bot with its state in the folder of that name."""
        world = {**self._world.environment(), "MAASBOT_LOG_FORMAT": "json", "MAASBOT_LOG_LEVEL": "info"}
        return {**world, "MAASBOT_STATE_DIR": str(self.folder / state), **more}

    @contextlib.asynccontextmanager
    async def bot(self, state: str = "state", *, program: str = _BOT, **more: str) -> AsyncIterator[BotProcess]:
        """`maasbot run`, launched and not waited for; `program` is how Python comes to it."""
        port = free_port()
        environment = self.environment(state, MAASBOT_HTTP_PORT=str(port), **more)
        bot = BotProcess("bot", ("-c", program, "run"), self.folder, environment, talks=False)
        bot.port = port
        try:
            await bot.start()
            yield bot
        finally:
            await bot.stop()

    @contextlib.asynccontextmanager
    async def child(self, name: str, *arguments: str) -> AsyncIterator[Child]:
        """One of our own programs, with the settings of a bot."""
        child = Child(name, ("-m", f"bench.{name}", *arguments), self.folder, self.environment("none"))
        try:
            await child.start()
            yield child
        finally:
            await child.stop()

    async def view_filled(self, state: str = "state", timeout: float = 90.0) -> None:
        """Wait until the bot with this state has read every machine: it writes its view down then."""
        saved = self.folder / state / "fleet-default.json"
        await until(saved.exists, timeout, "the fleet view to fill")

    # -- as people ---------------------------------------------------------------------------------------------

    async def answer_time(self, text: str, user: str = OLGA, timeout: float = 20.0) -> float:
        """Type a command; seconds until its answer stands at Slack."""
        started = time.perf_counter()
        outcome = await self.workspace.slash(user, OPS, text)
        if outcome.error is not None:
            raise AssertionError(f"{text}: {outcome.error}")
        path = outcome.response_url.removeprefix(self.workspace.base_url)
        await until(lambda: path in self._answers, timeout, f"an answer to {text}", pause=0.002)
        return self._answers[path] - started

    async def commission(self, count: int, *, settle: float = 6.0) -> None:
        """Let the bot commission so many more machines, wait until all are at it, and `settle` seconds more."""
        if not count:
            return
        before = await self.region.ask({"do": "commissioned"})
        names = await self._ready_machines(count)
        for begin in range(0, count, _AT_ONCE):
            plan = await self._plan(names[begin : begin + _AT_ONCE])
            await self.confirm(plan)
        async with asyncio.timeout(60):
            while await self.region.ask({"do": "commissioned"}) < before + count:
                await asyncio.sleep(0.2)
        await asyncio.sleep(settle)

    async def _ready_machines(self, count: int) -> list[str]:
        names: list[str] = await self.region.ask({"do": "ready", "count": count})
        if len(names) < count:
            raise AssertionError(f"the region has {len(names)} machines to commission, not {count}")
        return names

    async def _plan(self, names: list[str]) -> Message:
        return await self.plan(f"commission {' '.join(names)}")

    async def plan(self, words: str, action: str = _CONFIRM) -> Message:
        """Type words that are answered with a plan, and wait for it and its button."""
        before = {message.ts for message in self.workspace.messages(OPS, OLGA)}
        outcome = await self.workspace.slash(OLGA, OPS, words)
        assert outcome.error is None, outcome.error

        def plan() -> Message | None:
            fresh = [one for one in self.workspace.messages(OPS, OLGA) if one.ts not in before and one.bot_id]
            return next((one for one in fresh if _button(one, action) is not None), None)

        found: Message = await until(plan, 60.0, "a plan to confirm", pause=0.005)
        return found

    async def confirm(self, plan: Message) -> None:
        """Press its button."""
        await self.click(plan, _CONFIRM, OLGA)

    async def click(self, message: Message, action: str, user: str) -> None:
        """Press the button of that action on a message."""
        found = _button(message, action)
        assert found is not None, f"no {action}"
        block, button = found
        ref = MessageRef(message.channel_id, message.ts)
        outcome = await self.workspace.click(user, ref, action, block_id=block["block_id"], value=button["value"])
        assert outcome.error is None, outcome.error


class BotProcess(Child):
    """`maasbot run`."""

    port = 0

    async def ready(self, timeout: float = 90.0) -> None:
        """Wait for /readyz to answer 200.

        Raises:
            ChildError: it ended, or is not ready in time.
        """
        deadline = time.monotonic() + timeout
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                if self.ended or time.monotonic() > deadline:
                    raise self.error("did not become ready")
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def stage(machines: int, speed: float | None = None) -> AsyncIterator[Stage]:
    """Both stand-ins on loopback; everything ends and is removed on the way out. `speed` is that of the machines."""
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as name:
        folder = Path(name)
        paces = () if speed is None else (str(speed),)
        region = Child("region", ("-m", "bench.region", str(machines), *paces), folder)
        # The world's own region is not started: it would share this process with Slack.
        world = World.build(folder, machines=1, strict_timing=True)
        answers: dict[str, float] = {}
        _note_answers(world.workspace, answers)
        try:
            await region.start()
            told = await region.read()
            world.extra = {"MAAS_URL": told["url"], "MAAS_API_KEY": told["key"]}
            await world.slack.start()
            yield Stage(world, region, folder, answers)
        finally:
            await world.slack.stop()
            await region.stop()


def _note_answers(workspace: Workspace, answers: dict[str, float]) -> None:
    respond = workspace.respond

    def noting(path: str, body: Any) -> None:
        respond(path, body)
        answers.setdefault(path, time.perf_counter())

    workspace.respond = noting  # type: ignore[method-assign]


def _button(message: Message, action: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    for block in message.blocks:
        for element in block.get("elements", []):
            if isinstance(element, dict) and element.get("action_id") == action:
                return block, element
    return None


async def until(condition: Callable[[], Any], timeout: float, what: str, *, pause: float = 0.05) -> Any:
    """Wait for a true value and return it.

    Raises:
        AssertionError: it did not come in time.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        await asyncio.sleep(pause)
    return value
