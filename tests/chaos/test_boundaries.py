"""kill -9 at every boundary of every kind of operation, on SQLite and on PostgreSQL with two bots.

The boundaries are made of each kind's steps. One operation dies at all of them, one after the other: whoever comes
next (the same bot anew, or the other one) goes on. In the end each effect happened once, the audit is whole, and the
one thread tells what came of it.
"""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg
import pytest

from bot.audit import Audit
from bot.operations.all_kinds import all_kinds
from bot.operations.kinds import Kind
from bot.storage import Database
from sandbox.demo import World
from tests.chaos.deadly import boundaries, lay_out, left
from tests.chaos.orders import ORDERS, counted
from tests.kinds.steps import agree, done, machine, roots
from tests.support.harness import Talk, until
from tests.support.warm import Stable, WarmBot

pytestmark = [pytest.mark.chaos, pytest.mark.long]


class Herd:
    """As many bots as there are to be; whoever dies is replaced."""

    def __init__(self, stable: Stable, world: World, folder: Path, url: str) -> None:
        self._stable, self._world, self._folder, self.url = stable, world, folder, url
        self.deadly = folder / "deadly"
        self.bots: list[WarmBot] = []
        self.deaths = 0

    async def start(self, count: int) -> None:
        self.bots = [self._fork() for _ in range(count)]
        for bot in self.bots:
            await bot.ready()

    async def until_all_have_died(self, count: int) -> None:
        """Let one after the other die, until there is no boundary left."""
        while self.deaths < count:
            ahead = left(self.deadly)[:1]
            await self._replace(
                await until(lambda: [bot for bot in self.bots if bot.code is not None], 40, f"a death at {ahead}")
            )

    def end(self) -> None:
        for bot in self.bots:
            bot.signal(signal.SIGKILL)

    async def _replace(self, dead: list[WarmBot]) -> None:
        for bot in dead:
            assert bot.code == -signal.SIGKILL, bot.log.read_text()[-3000:]
            self.deaths += 1
            self.bots.remove(bot)
            if self.url.startswith("postgresql"):
                # The others would wait ten seconds before they hold it for dead; that is tested elsewhere.
                with psycopg.connect(self.url, autocommit=True) as connection:
                    connection.execute("DELETE FROM replicas WHERE place LIKE %s", [f"% {bot.pid}"])
            self.bots.append(self._fork())

    def _fork(self) -> WarmBot:
        more = {"MAASBOT_DATABASE_URL": self.url} if self.url.startswith("postgresql") else {}
        environment = {**self._world.environment(), "MAASBOT_LOG_LEVEL": "info", **more}
        return self._stable.fork(environment, self._folder / "bots.log", self.deadly)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
async def test_killed_at_every_boundary(
    tmp_path: Path, stable: Stable, request: pytest.FixtureRequest, kind: Kind, database: str
) -> None:
    two = database == "postgresql"
    url = request.getfixturevalue("postgres_url") if two else f"sqlite:///{tmp_path / 'bot' / 'maasbot.sqlite'}"
    order = ORDERS[kind.name]
    world = World.build(tmp_path, speed=order.speed, strict_timing=False)
    order.prepare(world)
    system_id = machine(world, order.name).system_id
    await world.start()
    herd = Herd(stable, world, tmp_path, url)
    moments = boundaries(kind, order.options)
    lay_out(herd.deadly, moments)
    talk = Talk(world)
    try:
        await herd.start(2 if two else 1)
        root = await talk.ask(order.words)
        await agree(talk, root)
        await herd.until_all_have_died(len(moments))
        assert left(herd.deadly) == []
        await done(talk, root, *order.end, timeout=40)
        assert counted(world, order, system_id) == dict(order.effects)
        assert roots(world) == [root.ts]
        own = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        verdict = await Audit(own).verify()
        own.close()
        assert verdict.whole, verdict
    finally:
        herd.end()
        await world.stop()
