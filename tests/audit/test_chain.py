"""The chain: gapless, tied to its transactions, kept by the database, and telling of every change."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
import sqlalchemy as sa

from bot import audit
from bot.audit import Audit, Head
from bot.audit.record import GENESIS, Record, canonical, digest
from bot.storage import Database, StorageUnavailableError
from bot.tables import audit_head, audit_records
from tests.audit.kit import entry, fill, force, rows


async def test_each_record_continues_the_one_before(database: Database) -> None:
    await fill(database, 5)
    found = await rows(database)
    assert [row["seq"] for row in found] == [1, 2, 3, 4, 5]
    previous = GENESIS
    for row in found:
        assert row["previous"] == previous
        previous = hashlib.sha256(f"{previous}\n{row['record']}".encode()).hexdigest()
        assert row["hash"] == previous
    checked = await Audit(database).verify()
    assert checked.whole
    assert checked.head == Head(5, previous)


async def test_an_empty_audit_is_whole(database: Database) -> None:
    assert await Audit(database).verify() == audit.Verification(Head(0, GENESIS))


async def test_a_rollback_leaves_no_trace_and_no_gap(database: Database) -> None:
    await fill(database, 2)

    def fail(connection: sa.Connection) -> None:
        audit.append(connection, entry(words="never happened"), 1.0)
        raise LookupError

    with pytest.raises(LookupError):
        await database.run(fail)
    await fill(database, 1)
    found = await rows(database)
    assert [row["seq"] for row in found] == [1, 2, 3]
    assert "never happened" not in str([row["record"] for row in found])
    assert (await Audit(database).verify()).whole


async def test_concurrent_appends_make_one_chain(url: str, database: Database) -> None:
    """Several bots: each has its own connections."""
    bots = [Database(url) for _ in range(4)]
    try:

        async def one(bot: Database, number: int) -> int:
            return await Audit(bot).append(entry(words=f"append {number}"))

        taken = await asyncio.gather(*(one(bots[number % 4], number) for number in range(60)))
    finally:
        for bot in bots:
            bot.close()
    assert sorted(taken) == list(range(1, 61))
    checked = await Audit(database).verify()
    assert checked.whole
    assert checked.head.seq == 60
    said = {json.loads(row["record"])["words"] for row in await rows(database)}
    assert said == {f"append {number}" for number in range(60)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_records SET kind = 'other' WHERE seq = 2",
        "UPDATE audit_records SET hash = hash",
        "DELETE FROM audit_records WHERE seq = 3",
        "DELETE FROM audit_records",
        "UPDATE audit_head SET seq = 1",
        "UPDATE audit_head SET seq = 4",
        f"UPDATE audit_head SET hash = '{'0' * 64}'",
        "DELETE FROM audit_head",
        f"INSERT INTO audit_head (id, seq, hash) VALUES (2, 0, '{GENESIS}')",
        "INSERT INTO audit_records (seq, at, kind, person_id, person_name, operation_id, subjects, record, previous, "
        f"hash) VALUES (4, '', '', '', '', '', '', '', '{GENESIS}', '{GENESIS}')",
    ],
)
async def test_the_database_itself_refuses(database: Database, statement: str) -> None:
    await fill(database, 3)
    before = await rows(database)
    with pytest.raises((sa.exc.IntegrityError, StorageUnavailableError)) as refused:
        await database.run(lambda connection: connection.exec_driver_sql(statement))
    assert "audit" in str(refused.value) or "CHECK" in str(refused.value)
    assert await rows(database) == before


async def test_sqlite_can_not_replace_a_record(sqlite: Database) -> None:
    await fill(sqlite, 3)
    for table, columns in (
        ("audit_records", "seq, at, kind, person_id, person_name, operation_id, subjects, record, previous, hash"),
        ("audit_head", "id, seq, hash"),
    ):
        statement = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1"
        with pytest.raises(sa.exc.IntegrityError, match="audit"):
            await sqlite.run(lambda connection, statement=statement: connection.exec_driver_sql(statement))


async def test_postgresql_can_not_truncate(postgres_url: str) -> None:
    database = Database(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    await database.create()
    await fill(database, 3)
    for table in ("audit_records", "audit_head"):
        with pytest.raises((sa.exc.IntegrityError, StorageUnavailableError)):
            await database.run(lambda connection, table=table: connection.exec_driver_sql(f"TRUNCATE {table}"))
    assert len(await rows(database)) == 3
    database.close()


@pytest.mark.parametrize("column", [column.name for column in audit_records.columns if column.name != "seq"])
async def test_a_change_of_any_column_is_found(database: Database, column: str) -> None:
    await fill(database, 4)
    value = GENESIS if column in {"previous", "hash"} else "2023-01-01T00:00:00.000000Z"
    await force(database, f"UPDATE audit_records SET {column} = '{value}' WHERE seq = 2")
    checked = await Audit(database).verify()
    assert checked.broken is not None
    assert checked.broken.seq == 2
    assert checked.head.seq == 1


@pytest.mark.parametrize(
    "name", ["at", "channel", "details", "form", "kind", "link", "operation_id", "person_id", "person_name", "region",
             "seq", "subjects", "team_id", "words"],
)  # fmt: skip
async def test_a_change_of_any_field_of_the_record_is_found(database: Database, name: str) -> None:
    await fill(database, 4)
    said = json.loads((await rows(database))[1]["record"])
    assert name in said
    said[name] = {"forged": True} if name == "details" else ["node-9"] if name == "subjects" else "forged"
    text = canonical(said).replace("'", "''")
    await force(database, f"UPDATE audit_records SET record = '{text}' WHERE seq = 2")
    checked = await Audit(database).verify()
    assert checked.broken == audit.Break(2, "record 2 was changed")


async def test_a_record_that_was_forged_with_its_own_hash_is_found_by_the_next(database: Database) -> None:
    await fill(database, 4)
    row = (await rows(database))[1]
    text = row["record"].replace("release node-3", "status")
    await force(
        database,
        f"UPDATE audit_records SET record = '{text}', hash = '{digest(row['previous'], text)}' WHERE seq = 2",
    )
    broken = (await Audit(database).verify()).broken
    assert broken is not None
    assert broken.seq == 3
    assert "does not continue record 2" in broken.reason


async def test_a_renumbered_record_is_found(database: Database) -> None:
    await fill(database, 3)
    await force(database, "DELETE FROM audit_records WHERE seq = 2", "UPDATE audit_records SET seq = 2 WHERE seq = 3")
    broken = (await Audit(database).verify()).broken
    assert broken is not None
    assert broken.seq == 2


@pytest.mark.parametrize(
    ("gone", "first", "reason"),
    [
        ("seq = 1", 1, "record 1 is missing"),
        ("seq IN (3, 4)", 3, "records 3 to 4 are missing"),
        ("seq = 6", 6, "record 6 is missing at the end"),
        ("seq >= 4", 4, "records 4 to 6 are missing at the end"),
        ("seq > 0", 1, "records 1 to 6 are missing at the end"),
    ],
)
async def test_what_was_taken_out_is_missed(database: Database, gone: str, first: int, reason: str) -> None:
    await fill(database, 6)
    await force(database, f"DELETE FROM audit_records WHERE {gone}")
    assert (await Audit(database).verify()).broken == audit.Break(first, reason)


async def test_a_missing_or_wrong_head_row_is_found(database: Database) -> None:
    await fill(database, 3)
    await force(database, "UPDATE audit_head SET seq = 2")
    broken = (await Audit(database).verify()).broken
    assert broken is not None
    assert "the head row names record 2 as the last" in broken.reason
    await force(database, "DELETE FROM audit_head")
    broken = (await Audit(database).verify()).broken
    assert broken is not None
    assert "head row is gone" in broken.reason
    with pytest.raises(StorageUnavailableError, match="head row"):
        await fill(database, 1)


async def test_verifying_is_not_disturbed_by_appends(database: Database) -> None:
    await fill(database, 1200)
    reading, writing = Audit(database), Audit(database)
    checking = asyncio.create_task(reading.verify())
    for _ in range(20):
        await writing.append(entry())
    checked = await checking
    assert checked.whole
    assert checked.head.seq >= 1200
    head = await database.run(lambda connection: connection.execute(sa.select(audit_head.c.seq)).scalar_one())
    assert head == 1220


async def test_export_says_all_there_is(database: Database) -> None:
    await fill(database, 3)
    lines = [line async for line in Audit(database).export()]
    assert [Record.from_line(line) for line in lines] == [Record.of(row) for row in await rows(database)]
    assert [json.loads(line)["seq"] async for line in Audit(database).export(1_700_000_001.5)] == [3]
