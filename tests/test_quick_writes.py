"""The short way into SQLite: it writes at once or says that it did not."""

from __future__ import annotations

import sqlite3
import time

import pytest

from bot.quick_writes import QuickWrites
from bot.storage import Database
from bot.tables import inbox


def row(name: str) -> dict[str, object]:
    return {"taken_at": 1.0, "id": name, "words": "status", "replica": "r", "response_url": f"http://slack/{name}"}


@pytest.fixture
async def path(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    await database.create()
    database.close()
    return str(tmp_path / "bot.sqlite")


def rows(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT id, response_url, words, taken_at, replica FROM inbox ORDER BY id").fetchall()


async def test_what_is_written_is_there_at_once_for_everybody(path):
    quick = QuickWrites(path, inbox)
    assert quick.insert(row("a"))
    assert quick.insert(row("b"))
    assert rows(path) == [(name, f"http://slack/{name}", "status", 1.0, "r") for name in ("a", "b")]
    assert not quick.insert(row("a")), "a row that can't be written is not said to be"
    quick.close()


async def test_it_does_not_wait_for_a_lock(path):
    quick = QuickWrites(path, inbox)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert not quick.insert(row("a"))
    assert time.monotonic() - began < 0.5
    holder.execute("ROLLBACK")
    holder.close()
    assert quick.insert(row("a"))
    quick.close()


async def test_a_slow_disk_is_left_alone_for_a_while(path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    quick = QuickWrites(path, inbox)
    assert quick.insert(row("a"))

    class Slow:
        def __init__(self, real):
            self.real = real

        def execute(self, *arguments):
            now[0] += 0.5
            return self.real.execute(*arguments)

        def close(self):
            self.real.close()

    real, quick._connection = quick._connection, Slow(quick._connection)
    assert quick.insert(row("b")), "it was slow, but it is written"
    quick._connection = real
    now[0] += 29.0
    assert not quick.insert(row("c"))
    now[0] += 2.0
    assert quick.insert(row("c"))
    quick.close()
    assert [one[0] for one in rows(path)] == ["a", "b", "c"]


async def test_a_file_that_is_gone_or_broken_is_no_exception(tmp_path):
    assert not QuickWrites(str(tmp_path / "none" / "bot.sqlite"), inbox).insert(row("a"))
    (tmp_path / "broken").write_bytes(b"this is no database, and it is long enough to be read as one" * 100)
    assert not QuickWrites(str(tmp_path / "broken"), inbox).insert(row("a"))
