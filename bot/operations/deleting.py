"""Deleting: MAAS forgets a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.policy import Risk

#: Machines of these types may have been made by MAAS itself, which destroys them with their record.
_VIRTUAL = frozenset({"lxd", "virsh", "rsd"})


class Deleting(MachineKind):
    """The kind `delete`. Its only option is `ids`."""

    name = "delete"
    verb, participle, past = "Delete", "Deleting", "Deleted"
    at_once = 5
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would refuse to delete."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against)
        since = await facts.deployed_since(region, machines)
        deployed = any(machine.osystem for machine in machines)
        return Plan(
            kind=self.name,
            # The record of a free machine comes back when the machine is enlisted anew. A system that runs on one that
            # MAAS no longer knows can't be brought back under MAAS without installing it anew.
            risk=Risk.IRREVERSIBLE if deployed else Risk.DESTRUCTIVE,
            region=region.name,
            title=f"Delete {facts.subject(machines)}",
            targets=facts.targets_of(machines, lambda one: facts.facts_of(one, since.get(one.system_id, ""))),
            steps=(
                "MAAS forgets the machine: it can no longer be commissioned, deployed or switched by MAAS.",
                "The machine itself is left as it is, switched on or off, its disks untouched.",
            ),
            losses=_losses(machines),
            warnings=tuple(await _warnings(region, machines)),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to delete one machine."""
        del options
        await region.api.delete(key)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is gone. MAAS deletes at once or not at all."""
        del events
        return machine is None

    def end(self, machine: Machine) -> End | None:
        """A machine that can still be read has not ended."""
        del machine
        return None

    def gone(self) -> End | None:
        """What it is about."""
        return End(good=True, label="Deleted")

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine."""
        return facts.changed_since(machine, target)

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: there is no way back once MAAS was asked."""


def _reason_against(machine: Machine) -> str | None:
    return "it is locked, and MAAS deletes no locked machine; unlock it first" if machine.locked else None


def _losses(machines: Sequence[Machine]) -> tuple[str, ...]:
    losses = ["Its record in MAAS: name, tags, pool, network and storage set-up, power address and password."]
    losses.append("Its history, test results and hardware data in MAAS.")
    deployed = [machine for machine in machines if machine.osystem]
    losses += [
        f"{one.name}: MAAS's hold on {facts.system_of(one)}; it runs on, with addresses that MAAS may give to others"
        for one in deployed[:10]
    ]
    if len(deployed) > 10:
        losses.append(f"and MAAS's hold on the systems of {len(deployed) - 10} more machines")
    return tuple(losses)


async def _warnings(region: RegionService, machines: Sequence[Machine]) -> list[str]:
    warnings = []
    on = [machine for machine in machines if machine.power_state == "on"]
    if on:
        warnings.append(
            f"{facts.named(on)}: powered on now, and stays on. If it boots over the network, MAAS enlists it as New."
        )
    busy = [machine for machine in machines if machine.status.busy]
    if busy:
        warnings.append(f"{facts.named(busy)}: MAAS is at work on it ({busy[0].status_name}), and leaves off half-way.")
    virtual = [machine for machine in machines if machine.power_type in _VIRTUAL]
    if virtual:
        warnings.append(f"{facts.named(virtual)}: a virtual machine that MAAS made is destroyed with its disks.")
    failed = [machine for machine in machines if machine.status is MachineStatus.FAILED_DISK_ERASING]
    if failed:
        warnings.append(f"{facts.named(failed)}: its disks were to be erased, and that failed; they may hold data.")
    others = facts.owned_by_others(machines, await facts.own_user(region))
    return [*warnings, others] if others else warnings
