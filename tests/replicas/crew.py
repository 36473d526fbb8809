"""Two bots in processes of their own, on one PostgreSQL, one workspace and one region."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from sandbox.demo import World
from sandbox.slack import Message
from tests.support.harness import OLGA, OPS, Talk, until
from tests.support.process import BotProcess

#: A bot whose workflows are of another version, and which can go on with these.
_OTHER_VERSION = """
import bot.operations.engine as engine
engine.WORKFLOW_VERSION = {version!r}
engine.READABLE_VERSIONS = frozenset({readable!r})
"""


class Crew:
    """Bots that share a database, and one story of a machine."""

    def __init__(self, world: World, url: str, folder: Path) -> None:
        self.world = world
        self.talk = Talk(world)
        self.url = url
        self._folder = folder
        self._connection: psycopg.Connection[Any] | None = None
        self.bots: list[BotProcess] = []
        self.root: Message | None = None
        self.system_id = next(one.system_id for one in world.region.world.machines.values() if one.hostname == "node-3")

    def bot(self, *, version: str = "", readable: tuple[str, ...] = ()) -> BotProcess:
        """One more bot, not started."""
        number = len(self.bots) + 1
        environment = {
            **self.world.environment(),
            "MAASBOT_STATE_DIR": str(self._folder / f"bot-{number}"),
            **({"MAASBOT_DATABASE_URL": self.url} if self.url else {}),
        }
        program = _OTHER_VERSION.format(version=version, readable=readable) if version else ""
        bot = BotProcess(environment, self._folder / f"bot-{number}.log", before=program)
        self.bots.append(bot)
        return bot

    async def start(self, count: int = 1) -> list[BotProcess]:
        """Start bots at the same time, and wait until all take commands."""
        started = [self.bot() for _ in range(count)]
        await self.up(*started)
        return started

    async def up(self, *bots: BotProcess) -> None:
        """The same for bots made before."""
        for bot in bots:
            await bot.start(ready=False)
        for bot in bots:
            await bot.ready(60)

    async def begin_on(self, bot: BotProcess, *others: BotProcess) -> None:
        """Start bots one after the other, and let the first begin to work on the machine."""
        for one in (bot, *others):
            await self.up(one)
        with self.only_hears(bot):
            assert await self.begin() is bot

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True)
        return self._connection.execute(query).fetchall()

    def reconnect(self) -> None:
        """Look with a new connection: the server was away."""
        self._connection = None

    def worker(self) -> BotProcess | None:
        """The bot that works on the operation."""
        found = self.rows("SELECT r.place FROM operations o JOIN replicas r ON r.id = o.replica")
        return next((bot for bot in self.bots if found and found[0][0].endswith(f" {bot.pid}")), None)

    @property
    def asked(self) -> int:
        """How often the region was made to commission the machine."""
        return int(self.world.region.effects["commission", self.system_id])

    @property
    def machine(self) -> Any:
        return self.world.region.world.machines[self.system_id]

    async def plan(self) -> Message:
        self.root = await self.talk.ask("commission node-3")
        return self.root

    async def confirm(self) -> None:
        assert self.root is not None
        await self.talk.click(self.root, "operation.confirm")

    async def begin(self) -> BotProcess:
        """Plan, confirm, and wait until the machine is at it; returns the bot that works on it."""
        await self.plan()
        await self.confirm()
        await until(lambda: self.machine.status_name == "Commissioning", what="the machine to begin")
        return await until(self.worker, what="somebody to work on it")

    async def ends_well(self, timeout: float = 40.0) -> None:
        """The one thread tells the truth, and each effect happened once."""
        assert self.root is not None
        await self.talk.reads(self.root, "Commissioned node-3", "1 of 1 done (1 Ready)", timeout=timeout)
        await until(lambda: len(self.farewells()) == 1, what="the last reply")
        assert self.asked == 1
        roots = [one for one in self.world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]
        assert [one.ts for one in roots] == [self.root.ts]
        assert "operation.cancel" not in str(self.talk.now(self.root).blocks)
        assert not self.url or self.rows("SELECT 1 FROM locks") == []

    def farewells(self) -> list[Message]:
        assert self.root is not None
        return [one for one in self.talk.replies(self.root) if OLGA in str(one.blocks)]

    @contextmanager
    def only_hears(self, bot: BotProcess) -> Iterator[None]:
        """Slack speaks to this bot alone; bots that were started one after the other are connected in that order."""
        hub = self.world.workspace.courier.hub
        all_of_them = list(hub.sockets)
        assert len(all_of_them) == len(self.bots)
        hub.sockets[:] = [all_of_them[self.bots.index(bot)]]
        try:
            yield
        finally:
            hub.sockets[:] = all_of_them

    async def takes_over(self, dead: BotProcess, timeout: float = 30.0) -> float:
        """Wait until another bot works on the operation; returns the seconds."""
        begun = time.monotonic()
        await until(lambda: self.worker() not in (None, dead), timeout, "another bot to take over")
        return time.monotonic() - begun


@asynccontextmanager
async def crew(tmp_path: Path, url: str, speed: float = 20.0) -> AsyncIterator[Crew]:
    """Stand-ins, and no bot yet; whatever was started is ended. Without a URL, bots keep their state in files."""
    world = World.build(tmp_path, speed=speed, strict_timing=False)
    await world.start()
    it = Crew(world, url, tmp_path)
    try:
        yield it
    finally:
        for bot in it.bots:
            bot.kill()
        for bot in it.bots:
            if bot.pid:
                await bot.gone()
        await world.stop()


def seconds(label: str, value: float) -> None:
    """Say a measure where the run's log keeps it."""
    sys.stderr.write(f"\n{label}: {value:.1f} s\n")
