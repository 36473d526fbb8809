"""Records, and ways to do to them what nobody should."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot import audit
from bot.audit import Audit, Rhythm
from bot.audit.mirror import Mirror
from bot.storage import Database
from bot.tables import audit_records
from bot.telemetry import Metrics

OLGA = {"person_id": "U0OLGA", "person_name": "olga", "team_id": "T0TEAM"}


def entry(kind: str = "operation.planned", **values: Any) -> audit.Entry:
    """A record like those of an operation, on node-3 by olga unless told otherwise."""
    said: dict[str, Any] = {
        **OLGA, "channel": "C0OPS", "operation_id": "op-4k2f", "region": "default", "subjects": ("node-3",),
        "words": "release node-3", "details": {"fingerprint": "f" * 64},
    }  # fmt: skip
    return audit.Entry(kind, **{**said, **values})


async def fill(database: Database, count: int, **values: Any) -> None:
    """Append so many records in one transaction."""

    def write(connection: sa.Connection) -> None:
        for number in range(count):
            audit.append(connection, entry(**values), 1_700_000_000.0 + number)

    await database.run(write)


async def rows(database: Database) -> Sequence[sa.RowMapping]:
    """All records as stored."""
    query = audit_records.select().order_by(audit_records.c.seq)
    return await database.run(lambda connection: connection.execute(query).mappings().all())


async def force(database: Database, *statements: str) -> None:
    """Do what the triggers forbid, as somebody who owns the database can."""

    def write(connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for table in ("audit_records", "audit_head"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.exec_driver_sql(statement)

    await database.run(write)


def sync_url(url: str) -> str:
    """The URL with the driver that the bot uses."""
    return re.sub(r"^postgresql://", "postgresql+psycopg://", url)


QUICK = Rhythm(look=0.02, hurry=0.01, verify=0.02)


@asynccontextmanager
async def watched(database: Database, mirror: Mirror | None = None) -> AsyncIterator[tuple[Audit, Metrics]]:
    metrics = Metrics()
    service = Audit(database, mirror, metrics, rhythm=QUICK)
    await service.start()
    try:
        yield service, metrics
    finally:
        await service.close()


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


def figure(metrics: Metrics, name: str) -> float:
    text = metrics.text().decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))
