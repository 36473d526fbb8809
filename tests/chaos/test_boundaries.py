"""kill -9 at every boundary of every kind of operation, on SQLite and on PostgreSQL with two bots.

The boundaries are made of each operation's own steps. Each dies at all of them, one after the other; operations that
do not get into each other's way die together. Whoever comes next (the same bot anew, or the other one) goes on. In the
end each effect happened once, the audit is whole, and each thread tells what came of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

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
from tests.chaos import prepared
from tests.chaos.deadly import Fate, boundaries
from tests.chaos.herd import Herd
from tests.chaos.orders import CONTENT, ORDERS, Order, batches
from tests.endtoend.steps import operation_id
from tests.kinds.steps import agree, done, effects, entered, machine, power_form, roots, said
from tests.support.harness import ADAM, OLGA, Talk
from tests.support.served import served
from tests.support.warm import Stable

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("names", list(batches()), ids=" ".join)
async def test_killed_at_every_boundary(
    tmp_path: Path, stable: Stable, request: pytest.FixtureRequest, names: list[str], database: str
) -> None:
    two = database == "postgresql"
    url = request.getfixturevalue("postgres_url") if two else f"sqlite:///{tmp_path / 'bot' / 'maasbot.sqlite'}"
    orders = [ORDERS[name] for name in names]
    world = _world(tmp_path, orders)
    ids = [machine(world, order.name).system_id if order.name else "" for order in orders]
    await world.start()
    herd = Herd(stable, world, tmp_path, url)
    if orders[0].world == "unpinned":
        prepared.pinned(world).unlink()
    talk = Talk(world)
    try:
        await herd.start(2 if two else 1)
        before = roots(world)
        plans, fates, counts = [], [], []
        async with served({"image": CONTENT}) as address:
            for name, order in zip(names, orders, strict=True):
                plan = await _planned(talk, order, before, f"{address}/image")
                fate = Fate(herd.deadly, _newest(url))
                moments = boundaries(_kind(name), _steps(url, fate.operation_id))
                fate.lay_out(moments)
                fate.happens = {moment: partial(what, world) for moment, what in order.happens.items()}
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
            assert order.so(world), order.words
        _each_call_once(_changes(world) - changed_before, orders)
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


def _world(folder: Path, orders: Sequence[Order]) -> World:
    """The world that these orders need, all of them the same."""
    kind = orders[0].world
    world = World.build(
        folder,
        speed=40.0,
        strict_timing=False,
        fresh=kind == "fresh",
        host=kind in {"host", "bare", "unpinned"},
        bare=kind == "bare",
        version=kind if kind[0].isdigit() else "3.4.10",
    )
    # So many starts in so short a time are not what Slack's limits are for; tests/slack has those.
    world.workspace.rates.generous = True
    world.extra = {"MAASBOT_ADMINS": f"{ADAM},{OLGA}"}
    for order in orders:
        order.prepare(world)
    return world


async def _planned(talk: Talk, order: Order, before: list[str], image: str) -> Message:
    """The plan, after what has to be done before it."""
    first = ""
    if order.first:
        plan = await talk.ask(order.first)
        first = operation_id(plan)
        await agree(talk, plan)
        await done(talk, plan, timeout=40)
        before.append(plan.ts)
    words = order.words.replace("{first}", first).replace("{image}", image)
    plan = await talk.ask(words)
    while order.unseen and plan.ephemeral_to and order.unseen in said(plan):
        plan = await talk.ask(words)
    if order.fill:
        plan = await entered(talk, await power_form(talk, plan), order.fill)
    assert plan.ephemeral_to is None, said(plan)
    return plan


def _each_call_once(taken: Counter[tuple[str, str, str]], orders: Sequence[Order]) -> None:
    """MAAS was told everything once, other than what an order's row says."""
    for call, count in (row for order in orders for row in order.times.items()):
        [known] = [one for one in taken if fnmatchcase(" ".join(one).strip(), call)]
        assert taken.pop(known) == count, call
    assert not {call: count for call, count in taken.items() if count > 1}


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


def _changes(world: World) -> Counter[tuple[str, str, str]]:
    """Every call that the region took and that changed something."""
    taken = [one for one in world.region.log if one.method != "GET" and 200 <= one.status < 300]
    return Counter((one.method, one.path, one.op or "") for one in taken)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
