"""The bot's own database held by another program: people are told, and work goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.steps import CONFIRM, asked, confirmed, machine_of, rows, told
from tests.support.harness import OLGA, running, until


@contextlib.contextmanager
def held(state: Path, file: str = "maasbot.sqlite") -> Iterator[None]:
    """Another program has begun to write and does not end."""
    connection = sqlite3.connect(state / "bot" / file, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("begin immediate")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.close()


@pytest.mark.long
async def test_asking_while_the_database_is_locked(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        with held(tmp_path):
            started = time.monotonic()
            outcome = await it.world.workspace.slash(OLGA, "C0OPS", "status")
            assert outcome.ok and time.monotonic() - started < 2.5, "the acknowledgement does not wait for it"
            await told(it.talk, OLGA, "MAAS 3.4.10 is up")
            assert (await it.world.workspace.slash(OLGA, "C0OPS", "commission node-3")).ok
            text = await told(it.talk, OLGA, "locked by another program", timeout=45)
            assert "Nothing was started" in text
            assert "whoever runs this bot" in text
        root = await confirmed(it.talk, "commission node-3", timeout=40)
        await it.talk.reads(root, "Commissioned node-3")
        assert asked(it, "node-3") == 1


async def test_locked_at_the_click(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        with held(tmp_path):
            await it.talk.click(plan, CONFIRM)
            await told(it.talk, OLGA, "locked by another program", "Nothing was started")
            assert asked(it, "node-3") == 0
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3", timeout=40)
        assert asked(it, "node-3") == 1


@pytest.mark.long
async def test_locked_half_way(tmp_path: Path) -> None:
    """Longer than the database is waited for: the operation goes on when it is free, and holds nothing for ever."""
    async with running(tmp_path, speed=15.0) as it:
        root = await confirmed(it.talk, "commission node-3 node-7 --testing-scripts none --at-once 1")
        await until(lambda: machine_of(it, "node-3").status_name == "Commissioning")
        with held(tmp_path):
            await asyncio.sleep(5)
        await it.talk.reads(root, "1 of 2", timeout=60)
        await until(lambda: not _open_targets(tmp_path), 40, "every machine to have an end")
        assert asked(it, "node-3") == 1
        assert asked(it, "node-7") == 1
        await it.talk.reads(root, "node-3: Ready", timeout=20)


async def test_the_engine_s_database_locked_at_the_click(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        with held(tmp_path, "engine.sqlite"):
            await it.talk.click(plan, CONFIRM)
            await asyncio.sleep(4)
        await it.talk.reads(plan, "Commissioned node-3", timeout=60)
        assert asked(it, "node-3") == 1


def _open_targets(state: Path) -> int:
    query = "select count(*) from operation_targets where state in ('waiting', 'asking', 'asked')"
    return int(rows(state, query)[0][0])
