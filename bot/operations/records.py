"""Operations as they are stored and shown: values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.operations.plan import Plan
from bot.policy import Risk


class OperationState(StrEnum):
    """The life of an operation. Everything from `done` on is an end."""

    PLANNED = "planned"
    AWAITING = "awaiting approval"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    VOID = "void"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DENIED = "denied"

    @property
    def under_way(self) -> bool:
        return self in UNDER_WAY

    @property
    def ended(self) -> bool:
        return self not in UNDER_WAY and not self.open

    @property
    def open(self) -> bool:
        """A person's word is waited for."""
        return self in {OperationState.PLANNED, OperationState.AWAITING}


UNDER_WAY = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.CANCELLING})


class TargetState(StrEnum):
    """The life of one target: `asking` is the written intent, `asked` the certainty that MAAS took it."""

    WAITING = "waiting"
    ASKING = "asking"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    UNTOUCHED = "untouched"

    @property
    def ended(self) -> bool:
        return self in {TargetState.DONE, TargetState.FAILED, TargetState.STOPPED, TargetState.UNTOUCHED}


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why a target failed: `summary` is the first line a person reads, `tail` the end of the script's output."""

    summary: str
    script: str = ""
    tail: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target. `phase` counts what was asked of MAAS and came to a good end, for kinds of several phases."""

    key: str
    name: str
    seq: int
    state: TargetState
    label: str = ""
    detail: str = ""
    baseline: int | None = None
    asked_at: float | None = None
    ended_at: float | None = None
    cause: FailureCause | None = None
    phase: int = 0


@dataclass(frozen=True, slots=True)
class PersonsDecision:
    """What one person decided on an operation, and why."""

    person_id: str
    person_name: str
    approved: bool
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation with its targets. Times are seconds since the epoch."""

    id: str
    kind: str
    region: str
    state: OperationState
    team_id: str
    requester_id: str
    requester_name: str
    channel: str
    thread_ts: str | None
    words: str
    plan: Plan
    nonce: str
    outcome: str
    created_at: float
    confirmed_at: float | None
    started_at: float | None
    ended_at: float | None
    cancelled_by: str | None
    link: str = ""
    reason: str = ""
    needed: int = 0
    approval_channel: str | None = None
    expires_at: float | None = None
    reminders: int = 0
    broke_glass: bool = False
    queued_behind: str | None = None
    replica: str | None = None
    waits_for: str = ""
    targets: tuple[TargetRow, ...] = ()
    decisions: tuple[PersonsDecision, ...] = ()
    #: Why its thread can't be kept, "" when it is; known to the bot that keeps it, and not stored.
    unshown: str = ""

    @property
    def its_turn(self) -> bool:
        """It waited in line for others, its turn has come, and people have to look at its plan as it is now."""
        return self.state is OperationState.PLANNED and self.confirmed_at is not None

    @property
    def glass_ends(self) -> float | None:
        """Until when it may begin without an approval; None where nobody broke the glass for it."""
        return self.expires_at if self.broke_glass else None

    @property
    def agreed(self) -> bool:
        """Whether the word that its plan's risk asks for has been given. Nothing begins without it."""
        if self.plan.risk is Risk.CHANGE:
            return self.confirmed_at is not None
        return self.broke_glass or sum(1 for one in self.decisions if one.approved) >= max(1, self.needed)

    def count(self, *states: TargetState) -> int:
        return sum(1 for target in self.targets if target.state in states)
