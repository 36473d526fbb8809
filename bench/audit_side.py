"""One side of `bench.audit` in a process of its own: `python -m bench.audit_side fill|select|batches|verify FILE N`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import psutil
import sqlalchemy as sa

from bot.audit import Audit, Entry, append
from bot.audit.chain import read_rows
from bot.storage import Database
from bot.tables import audit_records


def fill(connection: sa.Connection, first: int, count: int) -> None:
    """Records like those of a commissioning."""
    for number in range(first, first + count):
        entry = Entry(
            "operation.step",
            team_id="T0TEAM",
            channel="C0OPS",
            link=f"https://example.slack.com/archives/C0OPS/p{number:016d}",
            operation_id=f"op-{number // 8:x}",
            region="default",
            subjects=(f"node-{number % 2000}",),
            words=f"commission node-{number % 2000}",
            details={"fingerprint": "0123456789abcdef" * 4, "outcome": "done", "state": "Ready", "target": "abc123"},
        )
        append(connection, entry, 1_700_000_000.0 + number)


async def work(side: str, database: Database, count: int) -> None:
    """What is measured."""
    if side == "fill":
        await database.create()
        for first in range(0, count, 1000):
            await database.run(lambda connection, first=first: fill(connection, first, min(1000, count - first)))
    elif side == "select":
        query = audit_records.select().order_by(audit_records.c.seq)
        rows = await database.run(lambda connection: connection.execute(query).mappings().all())
        assert len(rows) == count
    elif side == "batches":
        after = 0
        while rows := await database.run(lambda connection, after=after: read_rows(connection, after)):
            after = rows[-1]["seq"]
        assert after == count
    else:
        found = await Audit(database).verify()
        assert found.whole
        assert found.head.seq == count


async def main(side: str, file: Path, count: int) -> None:
    """Print one line of JSON: seconds, bytes by which the process grew, bytes of the file."""
    database = Database(f"sqlite:///{file}")
    process = psutil.Process()
    await database.run(lambda connection: connection.exec_driver_sql("SELECT 1"))
    before, began = process.memory_info().rss, time.perf_counter()
    await work(side, database, count)
    seconds, grown = time.perf_counter() - began, process.memory_info().rss - before
    database.close()
    print(json.dumps({"seconds": seconds, "rss": grown, "size": file.stat().st_size}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
