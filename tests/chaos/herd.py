"""The bots of one test: whoever is killed is replaced."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import psycopg

from sandbox.demo import World
from tests.chaos.deadly import Fate
from tests.support.harness import until
from tests.support.warm import Stable, WarmBot

_PATIENCE = 60.0


class Herd:
    """As many bots as there are to be; whoever dies is replaced."""

    def __init__(self, stable: Stable, world: World, folder: Path, url: str) -> None:
        self._stable, self._world, self._folder, self.url = stable, world, folder, url
        self._environment = {**world.environment(), "MAASBOT_LOG_LEVEL": "info"}
        if url.startswith("postgresql"):
            self._environment["MAASBOT_DATABASE_URL"] = url
        self.deadly = folder / "deadly"
        self.deadly.mkdir()
        self.bots: list[WarmBot] = []
        self.deaths = 0

    async def start(self, count: int) -> None:
        """Fork them, and wait until they take commands."""
        self.bots = [self._fork() for _ in range(count)]
        if not self._world.bare:
            for bot in self.bots:
                await bot.ready()
        await until(lambda: len(self._world.workspace.courier.hub.sockets) >= count, 60, "all to be connected")

    async def all_die(self, fates: list[Fate]) -> None:
        """Let every operation come to its next boundary, kill, and again, until there is none left."""
        while unfinished := [one for one in fates if one.ahead or one.stands_in]:

            def moving(those: list[Fate] = unfinished) -> list[str]:
                self._all_live()
                return [f"{one.operation_id} {one.ahead[:1]}" for one in those if not one.stands_in]

            await until(lambda moving=moving: not moving(), _PATIENCE, f"a boundary: {moving()}")
            stand = Counter(pid for one in unfinished for pid in one.stands_in)
            await self._kill(stand.most_common(1)[0][0], fates)

    def end(self) -> None:
        """Kill them all."""
        for bot in self.bots:
            bot.signal(signal.SIGKILL)

    def _all_live(self) -> None:
        for bot in self.bots:
            assert bot.code is None, f"a bot ended with {bot.code}:\n{bot.log.read_text()[-3000:]}"

    async def _kill(self, pid: int, fates: list[Fate]) -> None:
        bot = next(one for one in self.bots if one.pid == pid)
        bot.signal(signal.SIGKILL)
        assert await bot.gone() == -signal.SIGKILL
        self.deaths += 1
        self.bots.remove(bot)
        for fate in fates:
            fate.forget(pid)
            fate.let_happen()
        if self.url.startswith("postgresql"):
            # The others would wait ten seconds before they hold it for dead; that is tested elsewhere.
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DELETE FROM replicas WHERE place LIKE %s", [f"% {pid}"])
        self.bots.append(self._fork())

    def _fork(self) -> WarmBot:
        return self._stable.fork(self._environment, self._folder / "bots.log", self.deadly)
