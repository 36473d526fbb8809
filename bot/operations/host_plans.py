"""From steps on the host to a plan: each step is looked at, and the plan rests on what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.host import errors
from bot.host.looks import Look, LookState
from bot.host.service import HostService
from bot.maas.service import RegionService
from bot.operations.host_steps import SO_ALREADY, JobStep, not_yet, sentence
from bot.operations.plan import LeftOut, Plan, Target
from bot.operations.steps import OperationStep, StepKind
from bot.policy import Risk

#: Stands for the operation's id while there is none: only a look is made under it.
_NO_OPERATION = "op-plan"


@dataclass(frozen=True, slots=True)
class Looked:
    """A step with what its look found; `look` None for steps that are not the helper's."""

    step: OperationStep
    look: Look | None = None

    @property
    def stuck(self) -> bool:
        """Whether it must not be done as the host is now."""
        if not isinstance(self.step, JobStep) or self.look is None:
            return False
        return self.look.state is LookState.BLOCKED and not not_yet(self.step, self.look)

    @property
    def open(self) -> bool:
        """Whether there is something to do, as far as can be told now."""
        return self.look is None or self.look.state is not LookState.DONE


async def look_at(host: HostService, steps: Sequence[OperationStep]) -> list[Looked]:
    """Look at each step.

    Raises:
        StepBlocked: one of them must not be done as the host is now.
        HostError: the host can't be asked.
    """

    async def one(step: OperationStep) -> Looked:
        if not isinstance(step, JobStep):
            return Looked(step)
        return Looked(step, await step.look(host, _NO_OPERATION))

    if steps:  # alone first: an unknown host is asked for its key once, not twenty times
        await host.helper.hello()
    looked = await asyncio.gather(*(one(step) for step in steps))
    for found in looked:
        if found.stuck:
            assert found.look is not None
            raise errors.StepBlocked(f"{found.step.title}: {sentence(found.look.found)}", found.look.remedy)
    return list(looked)


def target_of(found: Looked, facts: Mapping[str, str] | None = None) -> Target:
    """The step as the plan names it."""
    step, look = found.step, found.look
    if look is None:
        state = getattr(step, "will", "to be done")
    elif look.state is LookState.DONE:
        state = SO_ALREADY
    else:
        own = step.will if isinstance(step, JobStep) else ""
        names_it = isinstance(step, JobStep) and step.has_own_words
        state = (own if names_it or look.state is not LookState.TODO else look.will or own) or "to be done"
    return Target(step.key, step.title, state, dict(facts or {}))


def plan_of(
    kind: StepKind,
    region: RegionService,
    looked: Sequence[Looked],
    options: Mapping[str, Any],
    *,
    title: str,
    risk: Risk,
    facts: Mapping[str, Mapping[str, str]] | None = None,
    happens: Sequence[str] = (),
    losses: Sequence[str] = (),
    warnings: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
    typed: str = "",
    away: bool = False,
) -> Plan:
    """The plan of these steps; `facts` by their keys. Without `losses` it tells what the looks say will be lost.

    While MAAS is `away`, nobody else may work with the region's images and network.
    """
    assert region.host is not None
    told = [loss for found in looked if found.look is not None and found.open for loss in found.look.lost]
    return Plan(
        kind=kind.name,
        risk=risk,
        region=region.name,
        title=title,
        targets=tuple(target_of(found, (facts or {}).get(found.step.key)) for found in looked),
        steps=tuple(happens),
        losses=tuple(losses or told),
        warnings=tuple(warnings),
        left_out=tuple(left_out),
        options=dict(options),
        subject=f"the host {region.host.name}",
        locks=("host", "images", "network") if away else ("host",),
        typed=typed,
    )
