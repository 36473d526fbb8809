"""The background: a broken chain is noticed soon, in bounded steps, and told in the metrics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot import audit
from bot.audit.chain import BATCH
from bot.audit.verifier import Verifier
from bot.storage import Database
from tests.audit.kit import entry, figure, fill, force, watched
from tests.support.harness import until


async def test_a_change_of_an_old_record_is_noticed(database: Database) -> None:
    await fill(database, 2 * BATCH + 10)
    async with watched(database) as (service, metrics):
        await until(lambda: service.health.verified_at is not None)
        assert service.health.broken is None
        await until(lambda: figure(metrics, "maasbot_audit_records") == 2 * BATCH + 10)
        assert figure(metrics, "maasbot_audit_broken") == 0
        await force(database, "UPDATE audit_records SET person_id = 'U0VICTOR' WHERE seq = 7")
        await until(lambda: service.health.broken == audit.Break(7, "record 7 was changed: person_id"))
        await until(lambda: figure(metrics, "maasbot_audit_broken") == 1)
        await service.append(entry())
        await force(database, "UPDATE audit_records SET person_id = 'U0OLGA' WHERE seq = 7")
        await until(lambda: service.health.broken is None, what="the repair to be noticed")


async def test_a_chain_that_becomes_shorter_is_noticed_even_if_all_fits(database: Database) -> None:
    await fill(database, 5)
    verifier = Verifier(database)
    assert await verifier.step()
    assert verifier.broken is None
    await force(
        database,
        "DELETE FROM audit_records WHERE seq > 3",
        "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit_records WHERE seq = 3)",
    )
    assert await verifier.step()
    assert verifier.broken == audit.Break(4, "the chain ended with record 5 before, now with 3")


async def test_each_step_is_bounded(sqlite: Database) -> None:
    await fill(sqlite, 2 * BATCH + 1)
    verifier = Verifier(sqlite)
    assert [await verifier.step() for _ in range(4)] == [False, False, True, False]


_BIG = """
import asyncio, resource, sys
import sqlalchemy as sa
from bot.audit import Audit, Entry, append
from bot.storage import Database

async def main(url):
    database = Database(url)
    await database.create()
    def write(connection):
        for number in range(2000):
            append(connection, Entry("operation.step", words="x" * 4000), 1.7e9 + number)
    for _ in range(int(sys.argv[2])):
        await database.run(write)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = await Audit(database).verify()
    assert found.whole
    lines = 0
    async for line in Audit(database).export():
        lines += 1
    print(lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main(sys.argv[1]))
"""


async def test_memory_does_not_grow_with_the_chain(tmp_path: Path) -> None:
    """8,000 records of 4 KB are verified and exported in far less memory than they take."""
    done = subprocess.run(
        [sys.executable, "-c", _BIG, f"sqlite:///{tmp_path / 'big.sqlite'}", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines, grown = map(int, done.stdout.split())
    assert lines == 8_000
    assert grown * 1024 < 16 * 2**20
