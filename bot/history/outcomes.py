"""What operations came to in some time: how many, how long they took, and why what failed failed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.operations.records import TargetState
from bot.storage import Database
from bot.tables import operation_targets, operations

#: What differs between two failures of one cause: numbers, and what is set in brackets.
_PARTICULARS = re.compile(r"\([^)]*\)|\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b|\d+")


@dataclass(frozen=True, slots=True)
class KindOutcome:
    """What one kind of work came to. Counts are machines, or whole operations where it is work in steps.

    Attributes:
        seconds: the mean time of those that ended well, None when none did.
    """

    kind: str
    good: int
    failed: int
    stopped: int
    seconds: float | None
    in_steps: bool


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures that have one cause: the words of the newest, and whom it hit, each once."""

    kind: str
    cause: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All of it, the most frequent first."""

    kinds: tuple[KindOutcome, ...] = ()
    failures: tuple[Failures, ...] = ()


@dataclass(slots=True)
class _Tally:
    in_steps: bool = False
    good: int = 0
    failed: int = 0
    stopped: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, state: str, began: float | None, ended: float | None) -> None:
        if state == TargetState.DONE:
            self.good += 1
            if began is not None and ended is not None:
                self.seconds.append(max(0.0, ended - began))
        elif state == TargetState.FAILED:
            self.failed += 1
        else:
            self.stopped += 1


async def outcomes(database: Database, region: str, since: datetime, until: datetime) -> Outcomes:
    """What of this region's operations ended in that time.

    Raises:
        StorageUnavailableError: the database does not answer.
    """
    targets = operation_targets.c
    query = (
        sa.select(
            operations.c.id,
            operations.c.kind,
            operations.c.started_at,
            targets.name,
            targets.state,
            targets.asked_at,
            targets.ended_at,
            targets.cause,
        )
        .join(operation_targets, targets.operation_id == operations.c.id)
        .where(operations.c.region == region)
        .where(targets.ended_at.between(since.timestamp(), until.timestamp()))
        .where(targets.state.in_([one.value for one in (TargetState.DONE, TargetState.FAILED, TargetState.STOPPED)]))
        .order_by(targets.ended_at)
    )

    def read(connection: sa.Connection) -> Outcomes:
        rows = connection.execute(query).mappings().all()
        plans = sa.select(operations.c.id, operations.c.plan).where(operations.c.id.in_({row["id"] for row in rows}))
        in_steps = {row.id for row in connection.execute(plans) if json.loads(row.plan).get("subject")}
        return _count(rows, in_steps)

    return await database.run(read)


def _count(rows: Sequence[Any], in_steps: set[str]) -> Outcomes:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    causes: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    steps: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row["state"] == TargetState.FAILED:
            summary = _summary(row["cause"])
            causes[row["kind"], _alike(summary, row["name"])].append((summary, row["name"]))
        if row["id"] in in_steps:
            steps[row["id"]].append(row)
        else:
            tallies[row["kind"]].add(row["state"], row["asked_at"], row["ended_at"])
    for its in steps.values():
        tally = tallies[its[0]["kind"]]
        tally.in_steps = True
        worst = max((row["state"] for row in its), key=_severity)
        tally.add(worst, its[0]["started_at"], its[-1]["ended_at"])
    kinds = [
        KindOutcome(
            kind,
            tally.good,
            tally.failed,
            tally.stopped,
            sum(tally.seconds) / len(tally.seconds) if tally.seconds else None,
            tally.in_steps,
        )
        for kind, tally in tallies.items()
    ]
    failures = [
        Failures(kind, found[-1][0], len(found), tuple(dict.fromkeys(name for _, name in found)))
        for (kind, _), found in causes.items()
    ]
    return Outcomes(
        tuple(sorted(kinds, key=lambda one: (one.in_steps, -(one.good + one.failed + one.stopped), one.kind))),
        tuple(sorted(failures, key=lambda one: (-one.count, one.kind, one.cause))),
    )


def _severity(state: str) -> int:
    return (TargetState.DONE, TargetState.STOPPED, TargetState.FAILED).index(TargetState(state))


def _summary(cause: str | None) -> str:
    if not cause:
        return "no cause is known"
    return str(json.loads(cause).get("summary") or "no cause is known").strip()


def _alike(summary: str, name: str) -> str:
    """The same for failures that differ only in whom they hit, in numbers and addresses."""
    return _PARTICULARS.sub("#", summary.replace(name, "…")).casefold()
