"""What operations came to: counted by kind, timed, and what failed grouped by its cause."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.outcomes import outcomes
from bot.storage import Database
from bot.tables import operation_targets, operations

UNTIL = datetime(2026, 11, 27, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
END = (UNTIL - timedelta(days=1)).timestamp()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    await made.create()
    yield made
    made.close()


async def had(
    database: Database, kind: str, *targets: dict[str, Any], region: str = "default", subject: str = ""
) -> None:
    """An operation with these targets, stored as the bot stores them."""
    name = f"op-{await database.run(lambda it: len(it.execute(operations.select()).all()))}"
    row = {
        **dict.fromkeys(("team_id", "requester_id", "requester_name", "channel", "words", "fingerprint", "nonce"), "x"),
        "id": name, "kind": kind, "region": region, "state": "done", "plan": json.dumps({"subject": subject}),
        "created_at": END - 700, "started_at": END - 600, "ended_at": END,
    }  # fmt: skip
    rows = [
        {"operation_id": name, "key": f"k{at}", "seq": at, "name": f"node-{at}", "asked_at": END - 60, "ended_at": END}
        | {key: json.dumps({"summary": value}) if key == "cause" else value for key, value in target.items()}
        for at, target in enumerate(targets)
    ]
    await database.run(lambda it: it.execute(operations.insert().values(**row)))
    for one in rows:
        await database.run(lambda it, one=one: it.execute(operation_targets.insert().values(**one)))


async def test_nothing(database: Database) -> None:
    found = await outcomes(database, "default", SINCE, UNTIL)
    assert (found.kinds, found.failures) == ((), ())


async def test_by_kind_with_mean_times_and_causes(database: Database) -> None:
    good = {"state": "done"}
    await had(
        database,
        "commission",
        good,
        {"state": "done", "asked_at": END - 180},
        {"state": "failed", "cause": "smartctl-validate on sda failed on node-2 (exit 1)"},
        {"state": "failed", "cause": "smartctl-validate on sda failed on node-3 (exit 2)"},
        {"state": "failed", "cause": "The BMC of node-4 at 10.0.0.17 does not answer"},
        {"state": "stopped"},
        {"state": "untouched"},
        {"state": "asked", "ended_at": None},
        {"state": "done", "ended_at": SINCE.timestamp() - 1},
    )
    await had(database, "release", {"state": "failed"})
    await had(database, "commission", *[good] * 5, region="lab")
    await had(database, "images import", good, good, good, subject="the images")
    await had(database, "images import", good, {"state": "failed", "cause": "no space"}, subject="the images")
    found = await outcomes(database, "default", SINCE, UNTIL)
    assert [(one.kind, one.good, one.failed, one.stopped, one.seconds, one.in_steps) for one in found.kinds] == [
        ("commission", 2, 3, 1, 120.0, False),
        ("release", 0, 1, 0, None, False),
        ("images import", 1, 1, 0, 600.0, True),
    ]
    assert [(one.kind, one.cause, one.count, one.names) for one in found.failures] == [
        ("commission", "smartctl-validate on sda failed on node-3 (exit 2)", 2, ("node-2", "node-3")),
        ("commission", "The BMC of node-4 at 10.0.0.17 does not answer", 1, ("node-4",)),
        ("images import", "no space", 1, ("node-1",)),
        ("release", "no cause is known", 1, ("node-0",)),
    ]
