"""Something small that needs approvals, and what there is around it: a world of one value, an engine of one list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sqlalchemy as sa

from bot.maas.models import Event, Machine
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.people import Door, Origin
from bot.policy import Risk
from bot.storage import Database
from bot.tables import audit_records, decisions

#: All of them may ask, but for the last.
PEOPLE = ["U0OLGA", "U0ANDREA", "U0ALICE", "U0VICTOR"]
#: Who may break the glass.
GLASS = "U0OLGA"
NAME = "node-1"
POLICY = """
[[policy.approve]]
name = "approvers"
who = {who}
commands = ["*"]
needed = {needed}

[policy.break_glass]
who = ["{glass}"]
for = "30m"
"""
HERE = Origin(Door.BUTTON, "C0OPS")
REGION: Any = type("Region", (), {"name": "default"})()


class Switch(MachineKind):
    """Something that can be done to one machine, in a world of one value."""

    name = "switch"
    verb, participle, past = "Switch", "Switching", "Switched"

    def __init__(self) -> None:
        self.world = 0

    async def plan(self, region: Any, options: Mapping[str, Any]) -> Plan:
        target = Target("abc", NAME, f"state {self.world}", {"pool": "lab", "tags": ""})
        return Plan(
            "switch", Risk(options["risk"]), region.name, f"Switch {NAME}", (target,), ("switch it",), options=options
        )

    async def ask(self, region: Any, key: str, options: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        raise NotImplementedError

    def end(self, machine: Machine) -> End | None:
        raise NotImplementedError

    async def stop(self, region: Any, key: str) -> None:
        raise NotImplementedError


class Engine:
    """Remembers what was to be started; a crash forgets it."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def launch(self) -> None:
        pass

    async def start(self, operation_id: str) -> None:
        self.started.append(operation_id)

    async def close(self) -> None:
        pass


def recorded(connection: sa.Connection) -> tuple[dict[str, list[str]], dict[str, int]]:
    """By operation: the kinds of the audit's records in their order, and how many approvals are on record."""
    kinds: dict[str, list[str]] = {}
    query = sa.select(audit_records.c.operation_id, audit_records.c.kind).order_by(audit_records.c.seq)
    for operation_id, kind in connection.execute(query):
        kinds.setdefault(operation_id, []).append(kind)
    counted = sa.select(decisions.c.operation_id, sa.func.count()).where(decisions.c.approved.is_(True))
    counts = connection.execute(counted.group_by(decisions.c.operation_id))
    return kinds, {row.operation_id: row[1] for row in counts}


@lru_cache(maxsize=1)
def empty_database() -> Path:
    """A database with its tables, made once: the migrations would cost more than all that is tried on it."""
    file = Path(mkdtemp()) / "empty.sqlite"
    database = Database(f"sqlite:///{file}")
    asyncio.run(database.create())
    database.close()
    return file
