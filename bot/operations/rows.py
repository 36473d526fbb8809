"""From rows of the database to records."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from bot.operations.plan import Plan
from bot.operations.records import FailureCause, Operation, OperationState, PersonsDecision, TargetRow, TargetState

_PLAIN = (
    "id", "kind", "region", "team_id", "requester_id", "requester_name", "channel", "thread_ts", "words", "nonce",
    "outcome", "created_at", "confirmed_at", "started_at", "ended_at", "cancelled_by", "link", "reason", "needed",
    "approval_channel", "expires_at", "reminders", "broke_glass", "queued_behind", "replica", "waits_for",
)  # fmt: skip


def operation_of(
    row: sa.RowMapping, targets: Sequence[TargetRow] = (), decisions: Sequence[PersonsDecision] = ()
) -> Operation:
    """One operation; without its targets and decisions where only its line is wanted."""
    return Operation(
        **{name: row[name] for name in _PLAIN},
        state=OperationState(row["state"]),
        plan=Plan.from_json(row["plan"]),
        targets=tuple(targets),
        decisions=tuple(decisions),
    )


def target_of(row: sa.RowMapping) -> TargetRow:
    """One target of an operation."""
    return TargetRow(
        key=row["key"],
        name=row["name"],
        seq=row["seq"],
        state=TargetState(row["state"]),
        label=row["label"],
        detail=row["detail"],
        baseline=row["baseline"],
        asked_at=row["asked_at"],
        ended_at=row["ended_at"],
        cause=FailureCause(**json.loads(row["cause"])) if row["cause"] else None,
        phase=row["phase"],
    )


def decision_of(row: sa.RowMapping) -> PersonsDecision:
    """One person's decision."""
    return PersonsDecision(row["person_id"], row["person_name"], bool(row["approved"]), row["reason"], row["at"])
