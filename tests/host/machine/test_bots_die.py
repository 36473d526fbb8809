"""kill -9 of the whole bot around every job of an install and of a reset of a real machine; alone, or one of two.

The boundaries are made of the operation's own steps, as in tests/chaos: before a step, before its job is begun, after
the job has ended, and after that was written down. Here a real machine is what must not be touched twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.audit import Audit
from bot.operations.all_kinds import all_kinds
from bot.storage import Database
from bot.tables import operation_targets as targets
from tests.chaos.deadly import Fate, boundaries
from tests.chaos.herd import Herd
from tests.host.machine.conftest import MachineMaker
from tests.host.machine.whole import GONE, INSTALLED, STEPS, around, changes, jobs_of, nothing_is_left, region_is_whole
from tests.kinds.steps import agree, done, operation_id, roots, said
from tests.support.harness import Talk
from tests.support.host_machine import Machine
from tests.support.warm import Stable
from tests.support.warm import stable as running_stable

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stable() -> Iterator[Stable]:
    """The process from which bots are forked."""
    with running_stable() as it:
        yield it


@pytest.mark.parametrize(("bots", "database"), [(1, "production"), (2, "test"), (2, "production")])
async def test_killed_at_every_boundary(
    make_machine: MachineMaker,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    stable: Stable,
    bots: int,
    database: str,
) -> None:
    machine = await asyncio.to_thread(make_machine)
    machine.install_helper()
    url = f"sqlite:///{tmp_path / 'bot' / 'maasbot.sqlite'}" if bots == 1 else request.getfixturevalue("postgres_url")
    async with around(machine, tmp_path) as world:
        herd, talk = Herd(stable, world, tmp_path, url), Talk(world)
        try:
            await herd.start(bots)
            await dies(herd, talk, machine, "install", f"install --database {database}", STEPS[database][0])
            await asyncio.to_thread(region_is_whole, machine, database)
            await dies(herd, talk, machine, "reset", "reset", STEPS[database][1])
            await asyncio.to_thread(nothing_is_left, machine)
        finally:
            herd.end()
        wanted = INSTALLED[database] + GONE[database]
        assert {one: changes(machine)[one] for one in wanted} == dict(wanted), "each effect once"
        assert len(roots(world)) == 2
        own = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        verdict = await Audit(own).verify()
        own.close()
        assert verdict.whole, verdict


async def dies(herd: Herd, talk: Talk, machine: Machine, kind: str, words: str, steps: int) -> None:
    """Ask for it, let it die at each boundary of its steps, and see it end well in the one thread."""
    known = jobs_of(machine)
    plan = await talk.ask(words, timeout=60)
    assert plan.ephemeral_to is None, said(plan)
    fate = Fate(herd.deadly, operation_id(plan))
    moments = boundaries(next(one for one in all_kinds() if one.name == kind), keys_of(herd.url, fate.operation_id))
    fate.lay_out(moments)
    before = herd.deaths
    await agree(talk, plan)
    try:
        await herd.all_die([fate])
    except AssertionError as error:
        raise AssertionError(f"{error}\n{talk.read(plan)[:1500]}") from None
    assert herd.deaths - before >= len(moments) - len(fate.passed)
    end = {"install": "Installed the host", "reset": "Reset the host"}[kind]
    await done(talk, plan, end, timeout=120)
    begun = Counter(one.split("-", 2)[2] for one in jobs_of(machine) if one not in known)
    assert len(begun) >= steps, begun
    # Each job that was begun ended well, and no step has changed something twice.
    jobs = [one for one in machine.result(verb="jobs") if one["job"].startswith(fate.operation_id)]
    assert all((one["state"], one["rc"]) == ("done", 0) for one in jobs), jobs
    changed = Counter(one["step"] for one in jobs if one["outcome"]["changed"])
    # A password that died with a bot is made anew, and set, before it is used.
    assert not {one for one, count in changed.items() if count > 1} - {"role-create", "snap-install", "snap-remove"}


def keys_of(url: str, its_id: str) -> list[str]:
    """The steps of an operation, in their order."""
    own = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    query = sa.select(targets.c.key).where(targets.c.operation_id == its_id).order_by(targets.c.seq)
    try:
        return [str(key) for key in own.run_blocking(lambda it: it.execute(query).scalars().all())]
    finally:
        own.close()
