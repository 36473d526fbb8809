"""Changes that MAAS makes in one instant: what is asked for is seen in the machine itself, or it was not done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import LeftOut, Plan, Target
from bot.policy import Risk


class Changing(MachineKind):
    """One change that shows at once. A kind of it says what is looked at, what is asked, and when it is so.

    Safe to repeat by nature: whoever comes after a crash sees in the machine whether it is so already.
    """

    at_once = 10
    logged = False
    #: Seconds for the change to show, and between two looks: MAAS answers when it is made.
    patience = 30.0
    look_every = 5.0
    #: What is lost by it, and how bad that is. Most of these changes lose nothing.
    risk = Risk.CHANGE

    options: Mapping[str, Any]

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with what was asked for: whether it is so depends on that."""
        del target
        made = copy(self)
        made.options = options
        return made

    @abstractmethod
    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        """What the plan is called: "Move node-3 to pool lab"."""

    @abstractmethod
    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        """What MAAS does, in sentences."""

    @abstractmethod
    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        """Why the machine is left out, or None."""

    @abstractmethod
    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        """What the change rests on, and no more: the plan is void if one of these has changed."""

    @abstractmethod
    def is_so(self, machine: Machine) -> bool:
        """Whether the machine is as it was asked for, by `options`."""

    def label(self, machine: Machine) -> str:
        """The word for how it is then."""
        return machine.status_name

    async def warnings(
        self, region: RegionService, machines: Sequence[Machine], options: Mapping[str, Any]
    ) -> Sequence[str]:
        """What could go wrong, in sentences. Raises MaasError."""
        del region, machines, options
        return ()

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those for which there is nothing to do, or that MAAS would refuse."""
        machines, left_out = await facts.sort_out(
            region, list(options["ids"]), lambda machine: self.reason_against(machine, options)
        )
        return await self._plan_of(region, options, machines, left_out)

    async def _plan_of(
        self, region: RegionService, options: Mapping[str, Any], machines: Sequence[Machine], left_out: list[LeftOut]
    ) -> Plan:
        return Plan(
            kind=self.name,
            risk=self.risk,
            region=region.name,
            title=self.title(machines, options),
            targets=facts.targets_of(machines, lambda machine: self.facts(machine, options)),
            steps=tuple(self.steps(options)),
            warnings=tuple(await self.warnings(region, machines, options)),
            left_out=tuple(left_out),
            options=dict(options),
        )

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is so."""
        del events
        return machine is not None and self.is_so(machine)

    def end(self, machine: Machine) -> End | None:
        """Good when it is so; MAAS refuses, or has made the change when it answers."""
        return End(good=True, label=self.label(machine)) if self.is_so(machine) else None

    def overdue(self, machine: Machine) -> str:
        """MAAS took it, and it does not show."""
        return f"MAAS took the change, and {machine.name} does not show it: somebody may have changed it back since."

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: it is made in an instant."""


def locked(machine: Machine) -> str | None:
    """The reason of those that MAAS refuses to change because they are locked; it answers 403 and says nothing."""
    return "it is locked; unlock it first" if machine.locked else None
