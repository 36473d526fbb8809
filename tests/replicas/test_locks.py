"""Locks: all or none, one holder, on both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.operations import locks
from bot.storage import Database
from bot.tables import locks as table
from bot.tables import operations


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    made = Database(url)
    await made.create()
    yield made
    made.close()


async def take(database: Database, keys: set[str], operation_id: str, region: str = "r") -> dict[str, str]:
    return await database.run(lambda it: locks.acquire(it, region, keys, operation_id, time.time()))


async def held(database: Database, keys: set[str], region: str = "r") -> dict[str, str]:
    return await database.run(lambda it: locks.holders(it, region, keys))


async def test_all_or_none(database: Database) -> None:
    assert await take(database, {"a", "b"}, "op-1") == {}
    assert await take(database, {"b", "c"}, "op-2") == {"b": "op-1"}
    assert await held(database, {"a", "b", "c"}) == {"a": "op-1", "b": "op-1"}
    await database.run(lambda it: locks.release(it, "op-1"))
    assert await take(database, {"b", "c"}, "op-2") == {}


async def test_taking_again_and_more_is_fine(database: Database) -> None:
    assert await take(database, {"a"}, "op-1") == {}
    assert await take(database, {"a", "b"}, "op-1") == {}
    assert await take(database, {"c"}, "op-2") == {}
    assert await take(database, {"a", "b", "c"}, "op-1") == {"c": "op-2"}
    assert await held(database, {"a", "b", "c"}) == {"a": "op-1", "b": "op-1", "c": "op-2"}, "kept what it had"


async def test_regions_are_apart(database: Database) -> None:
    assert await take(database, {"a"}, "op-1", "north") == {}
    assert await take(database, {"a"}, "op-2", "south") == {}
    assert await held(database, {"a"}, "south") == {"a": "op-2"}


async def test_goes_with_the_transaction(database: Database) -> None:
    def take_and_fail(connection: sa.Connection) -> None:
        assert locks.acquire(connection, "r", {"a"}, "op-1", 0.0) == {}
        raise RuntimeError("after taking")

    with pytest.raises(RuntimeError):
        await database.run(take_and_fail)
    assert await held(database, {"a"}) == {}


async def test_more_keys_than_one_statement_takes(database: Database) -> None:
    keys = {f"key-{number}" for number in range(1000)}
    assert await take(database, keys, "op-1") == {}
    assert len(await held(database, keys)) == 1000
    assert len(await take(database, keys | {"new"}, "op-2")) == 1000
    assert await held(database, {"new"}) == {}


async def test_many_at_once(database: Database) -> None:
    """Overlapping sets, in every order: nobody waits for ever, and no key has two holders."""
    wanted = [{f"k{(start + step) % 7}" for step in range(3)} for start in range(7)] * 4
    answers = await asyncio.gather(*(take(database, keys, f"op-{number}") for number, keys in enumerate(wanted)))
    winners = [number for number, answer in enumerate(answers) if answer == {}]
    assert winners
    found = await held(database, {f"k{number}" for number in range(7)})
    for number in winners:
        assert {key for key, holder in found.items() if holder == f"op-{number}"} == wanted[number]
    assert set(found.values()) == {f"op-{number}" for number in winners}


async def test_locks_of_what_has_ended_are_found(database: Database) -> None:
    def insert(connection: sa.Connection) -> None:
        for operation_id, state in (("op-1", "running"), ("op-2", "done")):
            connection.execute(operations.insert().values(**operation_row(operation_id, state)))
            locks.acquire(connection, "r", {operation_id}, operation_id, 0.0)
        locks.acquire(connection, "r", {"x"}, "op-never", 0.0)

    await database.run(insert)
    assert await database.run(locks.release_ended) == ["op-2", "op-never"]
    assert await database.run(lambda it: it.execute(sa.select(table.c.key)).scalars().all()) == ["op-1"]


def operation_row(operation_id: str, state: str, **values: Any) -> dict[str, Any]:
    """A row of an operation of no consequence."""
    text = dict.fromkeys(("kind", "region", "team_id", "requester_id", "requester_name", "channel", "words"), "x")
    return {
        "id": operation_id, "state": state, "plan": "{}", "fingerprint": "", "nonce": "n", "created_at": 0.0,
        **text, **values,
    }  # fmt: skip
