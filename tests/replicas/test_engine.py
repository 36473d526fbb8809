"""The engine alone, with work that does nothing: what was never begun, what is old, and the fence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.operations.engine import Engine, EngineBusyError, Step
from bot.operations.replicas import ReplicaPace, Replicas
from bot.operations.retention import Retention
from bot.storage import Database
from bot.tables import operation_targets, operations, slack_messages
from tests.replicas.test_locks import operation_row
from tests.support.harness import until
from tests.support.postgres import running_postgres

QUICK = ReplicaPace(beat=0.1, fence=0.8, dead=1.0)


class Done:
    """Work that only counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.begun: list[str] = []
        self.asked: list[str] = []

    async def begin(self, operation_id: str) -> list[str]:
        self.begun.append(operation_id)
        return ["a", "b"]

    async def run_target(self, operation_id: str, key: str, step: Step) -> None:
        async def ask() -> str:
            self.asked.append(f"{operation_id}.{key}")
            return "asked"

        await step("ask", ask)

    async def finish(self, operation_id: str) -> None:
        ended = operations.update().where(operations.c.id == operation_id).values(state="done", ended_at=time.time())
        await self._database.run(lambda connection: connection.execute(ended))


def driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


@asynccontextmanager
async def engine(
    url: str, engine_url: str, *, lock_file: Path | None = None, on_lost: Callable[[str], None] | None = None
) -> AsyncIterator[tuple[Engine, Done, Database]]:
    database = Database(url)
    await database.create()
    work = Done(database)
    made = Engine(engine_url, work, lock_file, database, pace=QUICK, on_lost=on_lost or pytest.fail)
    try:
        yield made, work, database
    finally:
        await made.close()
        database.close()


def state(database: Database, operation_id: str) -> str:
    query = sa.select(operations.c.state).where(operations.c.id == operation_id)
    return str(database.run_blocking(lambda connection: connection.execute(query).scalar_one()))


async def add(database: Database, operation_id: str, state: str = "queued") -> None:
    await database.run(lambda it: it.execute(operations.insert().values(**operation_row(operation_id, state))))


async def test_what_was_let_begin_and_never_began_is_begun(postgres_url: str) -> None:
    """The bot that took the word died before it handed the operation to the engine."""
    url = driver(postgres_url)
    async with engine(url, url) as (it, work, database):
        await it.launch()
        await add(database, "op-lost")
        await until(lambda: state(database, "op-lost") == "done", 10, "the lost one to end")
        assert work.begun == ["op-lost"]
        assert sorted(work.asked) == ["op-lost.a", "op-lost.b"]


async def test_started_twice_runs_once(postgres_url: str) -> None:
    url = driver(postgres_url)
    async with engine(url, url) as (it, work, database):
        await it.launch()
        await add(database, "op-twice")
        await asyncio.gather(*(it.start("op-twice") for _ in range(5)))
        await until(lambda: state(database, "op-twice") == "done", 10)
        assert work.begun == ["op-twice"]
        owner = await database.run(lambda one: one.execute(sa.select(operations.c.replica)).scalar_one())
        assert owner == it.replica


async def test_engine_keeps_a_schema_of_its_own(postgres_url: str) -> None:
    url = driver(postgres_url)
    async with engine(url, url) as (it, _, database):
        await it.launch()
        tables = await database.run(
            lambda one: one.execute(sa.text("SELECT table_schema, table_name FROM information_schema.tables")).all()
        )
        ours = {name for schema, name in tables if schema == "public"}
        assert "workflow_status" not in ours
        assert ("maasbot_engine", "workflow_status") in [tuple(row) for row in tables]


async def test_old_operations_are_forgotten(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    async with engine(url, f"sqlite:///{tmp_path / 'engine.sqlite'}") as (it, _, database):
        await it.launch()
        await add(database, "op-old")
        await it.start("op-old")
        await until(lambda: state(database, "op-old") == "done", 10)
        await add(database, "op-young", "done")
        await add(database, "op-works", "running")

        def age(connection: sa.Connection) -> None:
            connection.execute(operations.update().where(operations.c.id == "op-old").values(ended_at=100.0))
            connection.execute(operations.update().where(operations.c.id == "op-young").values(ended_at=time.time()))
            target = {"operation_id": "op-old", "key": "a", "seq": 0, "name": "a", "state": "done"}
            connection.execute(operation_targets.insert().values(**target))
            for key, at in (("operation:op-old", 100.0), ("operation:op-young", time.time())):
                connection.execute(slack_messages.insert().values(key=key, channel="C", updated_at=at))

        await database.run(age)
        assert await Retention(database, it.workflows, timedelta(days=90)).run() == 1
        left = await database.run(lambda one: set(one.execute(sa.select(operations.c.id)).scalars()))
        assert left == {"op-young", "op-works"}
        assert await database.run(lambda one: one.execute(sa.select(operation_targets)).all()) == []
        assert await database.run(lambda one: one.execute(sa.select(slack_messages.c.key)).scalars().all()) == [
            "operation:op-young"
        ]
        await asyncio.sleep(0.1)
        assert await asyncio.to_thread(it.workflows.delete_ended, "2000-01-01T00:00:00+00:00", 100) == 0
        assert await asyncio.to_thread(it.workflows.delete_ended, "2100-01-01T00:00:00+00:00", 100) == 3


async def test_one_process_a_state_directory(tmp_path: Path) -> None:
    url, engine_url = f"sqlite:///{tmp_path / 'bot.sqlite'}", f"sqlite:///{tmp_path / 'engine.sqlite'}"
    async with engine(url, engine_url, lock_file=tmp_path / "lock") as (it, work, database):
        await it.launch()
        second = Engine(engine_url, work, tmp_path / "lock", database)
        with pytest.raises(EngineBusyError, match="another maasbot works with"):
            await second.launch()


async def test_fence_falls_before_the_others_take_over() -> None:
    """The database is gone: the bot ends itself, in time."""
    with running_postgres() as server:
        database = Database(driver(server.new_database()))
        await database.create()
        lost: list[tuple[float, str]] = []
        replicas = Replicas(database, "1", QUICK, lambda reason: lost.append((time.monotonic(), reason)))
        await replicas.join()
        await asyncio.sleep(0.3)
        assert lost == []
        begun = time.monotonic()
        await asyncio.to_thread(server.stop)
        await until(lambda: lost, 5, "the fence to fall")
        assert lost[0][0] - begun < QUICK.dead + 0.2
        assert "no heartbeat" in lost[0][1]
        await replicas.leave()
        database.close()


async def test_one_that_was_held_for_dead_ends_itself(postgres_url: str) -> None:
    database = Database(driver(postgres_url))
    await database.create()
    lost: list[str] = []
    replicas = Replicas(database, "1", QUICK, lost.append)
    await replicas.join()
    other = Replicas(database, "1", ReplicaPace(beat=0.1, fence=0.0, dead=-1.0), lost.append)
    assert await database.run(other.living) == {other.id}
    await until(lambda: lost, 5, "the first to notice")
    assert lost == ["the other replicas hold it for dead"]
    await replicas.leave()
    database.close()
