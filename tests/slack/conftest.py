"""An outbound writer on a real socket to the stand-in, in a time that both share and that can run fast."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound import Budget, Outbound, SlackFatal
from bot.storage import Database
from sandbox.slack.model import Message as Posted
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

CHANNEL = "C0OPS"
PERSON = "U0OLGA"


class FastClock:
    """Time that runs `speed` times as fast as it does."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._begin = time.monotonic()

    def now(self) -> float:
        return 1_800_000_000.0 + (time.monotonic() - self._begin) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


@dataclass
class Bench:
    """The stand-in, the writer, and what the writer told of itself."""

    workspace: Workspace
    server: SlackServer
    clock: FastClock
    database: Database
    told: list[tuple[str, str]] = field(default_factory=list)
    fatal: list[SlackFatal] = field(default_factory=list)
    writers: list[Outbound] = field(default_factory=list)

    def writer(self, *, budgets: dict[str, Budget] | None = None, token: str = "") -> Outbound:
        """Another writer on the same database, as after a restart."""
        client = AsyncWebClient(token=token or self.workspace.app.bot_token, base_url=self.server.api_url)
        writer = Outbound(
            client,
            self.database,
            budgets=budgets,
            on_call=lambda method, outcome, _seconds: self.told.append((method, outcome)),
            on_fatal=self.fatal.append,
            clock=self.clock,
        )
        self.writers.append(writer)
        return writer

    async def kill(self, writer: Outbound) -> None:
        """End a writer without letting it finish anything."""
        await writer.close(timeout=0)
        self.writers.remove(writer)

    def posted(self) -> list[Posted]:
        """The bot's messages in the channel and its threads, oldest first."""
        bot = self.workspace.app.bot_user_id
        return [
            message
            for message in self.workspace.messages(CHANNEL, PERSON)
            if message.user == bot and not message.is_reply
        ]

    def outcomes(self, method: str) -> Counter[str]:
        """How often calls of this method ended how."""
        return Counter(outcome for name, outcome in self.told if name == method)

    def calls(self, method: str) -> list[Any]:
        """The calls of this method that arrived."""
        return [call for call in self.workspace.calls if call.method == method]


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until it holds, in real seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        await asyncio.sleep(0.01)


@pytest.fixture
def speed() -> float:
    return 20.0


@pytest.fixture
async def bench(speed: float, tmp_path: Path) -> AsyncIterator[Bench]:
    clock = FastClock(speed)
    workspace = Workspace(clock=clock.now)
    server = SlackServer(workspace)
    await server.start()
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite'}")
    await database.create()
    bench = Bench(workspace, server, clock, database)
    yield bench
    for writer in list(bench.writers):
        await writer.close(timeout=0)
    await server.stop()
    database.close()


@pytest.fixture
def outbound(bench: Bench) -> Outbound:
    return bench.writer()
