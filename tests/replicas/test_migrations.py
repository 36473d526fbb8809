"""The schema's history ends in the tables that the code knows, from every beginning, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot import migrations
from bot.storage import Database, StorageUnavailableError
from bot.tables import metadata

#: The tables as the first version made them, before there were revisions.
_FIRST_TABLES = {"inbox", "operation_targets", "operations", "slack_messages"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.sqlite'}"
    return str(request.getfixturevalue("postgres_url")).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    made = Database(url)
    yield made
    made.close()


def differences(connection: sa.Connection) -> list[object]:
    """What a further revision would have to do."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def triggers(connection: sa.Connection) -> set[str]:
    """The names of all triggers: they are no part of the metadata, and a revision may forget them."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    return set(connection.execute(sa.text(query)).scalars())


async def test_history_and_code_agree(database: Database) -> None:
    """If this fails: write a revision into bot/migrations/versions for what was changed in bot/storage.py."""
    await database.create()
    assert await database.run(differences) == []


async def test_triggers_are_those_of_new_tables(url: str, database: Database, tmp_path: Path) -> None:
    await database.create()
    if database.is_sqlite:
        fresh = Database(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
        await fresh.run(metadata.create_all)
        expected = await fresh.run(triggers)
        fresh.close()
    else:
        expected = {name for name in await database.run(triggers) if name.startswith("audit_")}
    assert expected
    assert await database.run(triggers) == expected


async def test_again_changes_nothing(database: Database) -> None:
    await database.create()
    await database.create()
    assert await database.run(differences) == []


async def test_tables_from_before_there_were_revisions(database: Database) -> None:
    def make_first_version(connection: sa.Connection) -> None:
        command.upgrade(migrations.configuration(connection), "0001")
        connection.execute(sa.text("DROP TABLE alembic_version"))
        assert set(sa.inspect(connection).get_table_names()) == _FIRST_TABLES
        connection.execute(
            sa.text("INSERT INTO inbox (id, response_url, words, taken_at) VALUES ('1', 'u', 'status', 1.0)")
        )

    await database.run(make_first_version)
    await database.create()
    assert await database.run(differences) == []
    kept = await database.run(lambda it: it.execute(sa.text("SELECT words, replica FROM inbox")).all())
    assert [tuple(row) for row in kept] == [("status", "")]


async def test_two_at_once_on_an_empty_database(url: str, database: Database) -> None:
    others = [Database(url) for _ in range(3)]
    await asyncio.gather(*(one.create() for one in [database, *others]))
    for one in others:
        one.close()
    assert await database.run(differences) == []


async def test_a_newer_database_is_refused(database: Database) -> None:
    await database.create()
    await database.run(lambda it: it.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StorageUnavailableError, match=r"changed by a newer maasbot .*revision 9999"):
        await database.create()


async def test_a_revision_that_fails_leaves_nothing_half_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: sa.Connection) -> None:
        migrations.upgrade(connection)
        raise RuntimeError("after the last revision")

    with pytest.raises(RuntimeError):
        await database.run(fail)
    assert await database.run(lambda it: sa.inspect(it).get_table_names()) == []


def test_revisions_are_one_line() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(migrations.configuration(connection))
        assert len(script.get_heads()) == 1
        assert [one.revision for one in script.walk_revisions()][-1] == "0001"


async def test_a_file_that_another_program_locked_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailableError, match="locked"):
        await database.create()
    other.close()
    database.close()
