"""What a click or a word came to, and how it goes into the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import audit
from bot.operations.records import Operation
from bot.people import Identity


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a click or a word had its effect; if not, why, in a sentence for the person.

    `field` names the form's field that the reason is about, if it is about one.
    """

    done: bool
    reason: str = ""
    field: str = ""


def entry_for(
    operation: Operation,
    kind: str,
    person: Identity | None = None,
    details: Mapping[str, Any] | None = None,
    subjects: tuple[str, ...] | None = None,
) -> audit.Entry:
    """An audit record about an operation. Without a person it is the bot's own doing."""
    return audit.Entry(
        kind=kind,
        person_id=person.user_id if person is not None else "",
        person_name=person.name if person is not None else "",
        team_id=operation.team_id,
        channel=operation.channel,
        link=operation.link,
        operation_id=operation.id,
        region=operation.region,
        subjects=subjects if subjects is not None else operation.plan.subjects,
        words=operation.words,
        details={"fingerprint": operation.plan.fingerprint, **(details or {})},
    )


def remaining(seconds: float) -> str:
    """`45 s`, `4 min 10 s`, `2 h 5 min`: a span of time in words."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
