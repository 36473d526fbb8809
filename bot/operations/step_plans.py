"""Plans of work in steps: how one is put together, and how one says that there is nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.maas.service import RegionService
from bot.operations.plan import BECOMES, LeftOut, Plan, Target
from bot.operations.steps import OperationStep, StepKind
from bot.policy import Risk


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with how it is today, and what it will be."""

    step: OperationStep
    today: str
    wanted: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def target(self) -> Target:
        return Target(self.step.key, self.step.title, self.today, {BECOMES: self.wanted, **self.facts})


def plan_steps(
    kind: StepKind,
    region: str,
    options: Mapping[str, Any],
    steps: Sequence[PlannedStep],
    *,
    title: str,
    subject: str,
    locks: tuple[str, ...],
    risk: Risk = Risk.CHANGE,
    happens: Sequence[str] = (),
    losses: Sequence[str] = (),
    warnings: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
) -> Plan:
    """A plan that does these steps in their order."""
    return Plan(
        kind=kind.name,
        risk=risk,
        region=region,
        title=title,
        targets=tuple(one.target() for one in steps),
        steps=tuple(happens),
        losses=tuple(losses),
        warnings=tuple(warnings),
        left_out=tuple(left_out),
        options=dict(options),
        subject=subject,
        locks=locks,
    )


async def no_administrator(region: RegionService) -> str | None:
    """Why nothing of this can be done: MAAS would take the first steps and refuse a later one. None: it can be.

    Raises MaasError.
    """
    user = await region.api.whoami()
    if user.is_superuser:
        return None
    return f"my MAAS user {user.username} is no administrator; give me an administrator's API key in MAAS_API_KEY"


def plan_nothing(
    kind: StepKind, region: str, options: Mapping[str, Any], subject: str, reason: str, locks: tuple[str, ...]
) -> Plan:
    """A plan without steps: it is so already, or it can't be done, for this reason (without its full stop)."""
    return plan_steps(
        kind, region, options, (), title=subject, subject=subject, locks=locks, left_out=(LeftOut(subject, reason),)
    )
