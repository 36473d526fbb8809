"""Accepting: a machine that enlisted itself is taken in, and commissioned with MAAS's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.models import Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.commissioning import Commissioning
from bot.operations.plan import Plan
from bot.policy import Risk


class Accepting(Commissioning):
    """The kind `accept`. Its only option is `ids`. What follows is a commissioning like any other."""

    name = "accept"
    verb, participle, past = "Accept", "Accepting", "Accepted"

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that are not New."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against)
        plan = await super().plan(region, options)
        chosen = {machine.system_id for machine in machines}
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Accept {facts.subject(machines)}",
            targets=tuple(target for target in plan.targets if target.key in chosen),
            steps=("MAAS takes it in and commissions it with its defaults.", *plan.steps),
            warnings=plan.warnings,
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def _commission(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        del options
        await region.api.accept(key)


def _reason_against(machine: Machine) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status is not MachineStatus.NEW:
        return f"it is {machine.status_name}; only New machines wait to be accepted"
    return None
