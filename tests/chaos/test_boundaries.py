"""kill -9 at every boundary of every kind of operation, on SQLite and on PostgreSQL with two bots.

The boundaries are made of each operation's own steps. Each dies at all of them, one after the other; operations that
do not get into each other's way die together. Whoever comes next (the same bot anew, or the other one) goes on. In the
end each effect happened once, the audit is whole, and each thread tells what came of it.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bot.audit import Audit
from bot.operations.all_kinds import all_kinds
from bot.operations.kinds import Kind
from bot.storage import Database
from bot.tables import operation_targets as targets
from bot.tables import operations
from sandbox.demo import World
from sandbox.slack import Message
from tests.chaos.deadly import Fate, boundaries
from tests.chaos.orders import ORDERS, Order, batches
from tests.endtoend.steps import operation_id
from tests.kinds.steps import agree, done, effects, machine, roots, said
from tests.support.harness import Talk, until
from tests.support.warm import Stable, WarmBot

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(600)]

_PATIENCE = 60.0


class Herd:
    """As many bots as there are to be; whoever dies is replaced."""

    def __init__(self, stable: Stable, world: World, folder: Path, url: str) -> None:
        self._stable, self._world, self._folder, self.url = stable, world, folder, url
        self.deadly = folder / "deadly"
        self.deadly.mkdir()
        self.bots: list[WarmBot] = []
        self.deaths = 0

    async def start(self, count: int) -> None:
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
        if self.url.startswith("postgresql"):
            # The others would wait ten seconds before they hold it for dead; that is tested elsewhere.
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DELETE FROM replicas WHERE place LIKE %s", [f"% {pid}"])
        self.bots.append(self._fork())

    def _fork(self) -> WarmBot:
        more = {"MAASBOT_DATABASE_URL": self.url} if self.url.startswith("postgresql") else {}
        environment = {**self._world.environment(), "MAASBOT_LOG_LEVEL": "info", **more}
        return self._stable.fork(environment, self._folder / "bots.log", self.deadly)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("names", list(batches()), ids=" ".join)
async def test_killed_at_every_boundary(
    tmp_path: Path, stable: Stable, request: pytest.FixtureRequest, names: list[str], database: str
) -> None:
    two = database == "postgresql"
    url = request.getfixturevalue("postgres_url") if two else f"sqlite:///{tmp_path / 'bot' / 'maasbot.sqlite'}"
    orders = [ORDERS[name] for name in names]
    where = orders[0].world
    world = World.build(tmp_path, speed=40.0, strict_timing=False, host=where != "plain", bare=where == "bare")
    for order in orders:
        order.prepare(world)
    ids = [machine(world, order.name).system_id if order.name else "" for order in orders]
    await world.start()
    herd = Herd(stable, world, tmp_path, url)
    talk = Talk(world)
    try:
        await herd.start(2 if two else 1)
        before = roots(world)
        plans, fates, counts = [], [], []
        for name, order in zip(names, orders, strict=True):
            plan = await _planned(talk, order, before)
            assert plan.ephemeral_to is None, said(plan)
            fate = Fate(herd.deadly, _newest(url))
            moments = boundaries(_kind(name), _steps(url, fate.operation_id))
            fate.lay_out(moments)
            counts.append(len(moments))
            await agree(talk, plan)
            plans.append(plan)
            fates.append(fate)
        changed_before = _changes(world)
        on_host_before = Counter(world.host.model.done if world.host is not None else ())
        try:
            await herd.all_die(fates)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *(talk.read(plan)[:800] for plan in plans)])) from None
        assert herd.deaths >= max(count - len(one.passed) for count, one in zip(counts, fates, strict=True))
        for fate, plan, order in zip(fates, plans, orders, strict=True):
            await done(talk, plan, *order.end, timeout=40)
            idle = [one for one in fate.passed if one.endswith("is intended")]
            assert len(idle) < len(_steps(url, fate.operation_id)), "none of its steps had anything to do"
        for order, system_id in zip(orders, ids, strict=True):
            if order.name:
                assert effects(world, system_id) == dict(order.effects), order.words
        twice = {call: count for call, count in (_changes(world) - changed_before).items() if count > 1}
        assert not twice
        if world.host is not None:
            on_host = Counter(world.host.model.done) - on_host_before
            assert not [one for one, count in on_host.items() if count > 1]
        assert sorted(roots(world)) == sorted([*before, *(plan.ts for plan in plans)])
        own = Database(_driver(url))
        verdict = await Audit(own).verify()
        own.close()
        assert verdict.whole, verdict
    finally:
        herd.end()
        await world.stop()


async def _planned(talk: Talk, order: Order, before: list[str]) -> Message:
    """The plan, after what has to be done before it."""
    first = ""
    if order.first:
        plan = await talk.ask(order.first)
        first = operation_id(plan)
        await agree(talk, plan)
        await done(talk, plan, timeout=40)
        before.append(plan.ts)
    return await talk.ask(order.words.replace("{first}", first))


def _kind(name: str) -> Kind:
    return next(kind for kind in all_kinds() if kind.name == name)


def _steps(url: str, its_id: str) -> list[str]:
    """The keys of what an operation works on, in their order."""
    own = Database(_driver(url))
    query = sa.select(targets.c.key).where(targets.c.operation_id == its_id).order_by(targets.c.seq)
    try:
        return [str(key) for key in own.run_blocking(lambda it: it.execute(query).scalars().all())]
    finally:
        own.close()


def _newest(url: str) -> str:
    """The operation that was planned last."""
    own = Database(_driver(url))
    query = sa.select(operations.c.id).order_by(operations.c.created_at.desc()).limit(1)
    try:
        return str(own.run_blocking(lambda it: it.execute(query).scalar_one()))
    finally:
        own.close()


def _changes(world: World) -> Counter[tuple[str, str, str | None]]:
    """Every call that the region took and that changed something."""
    taken = [one for one in world.region.log if one.method != "GET" and 200 <= one.status < 300]
    return Counter((one.method, one.path, one.op) for one in taken)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
