"""Cloning: a machine gets the network and storage configuration of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.changing import Changing, locked
from bot.operations.kinds import End
from bot.operations.plan import LeftOut, Plan, Target

_DESTINATIONS = frozenset({MachineStatus.READY, MachineStatus.FAILED_TESTING})


class Cloning(Changing):
    """The kind `clone`. Its options are `ids`, `source` (a system id), `source_name`, `storage`, `network`.

    MAAS does it while it is asked, and nothing in the machine tells afterwards that it was: after a crash it is asked
    for again, which comes to the same.
    """

    name = "clone"
    verb, participle, past = "Clone to", "Cloning to", "Cloned to"
    at_once = 3
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """As any; without its source there is nothing to do."""
        source = (await region.fleet.refresh([str(options["source"])])).get(str(options["source"]))
        if source is not None and source.storage:
            return await super().plan(region, options)
        why = "was not commissioned: MAAS does not know its disks" if source is not None else "is no longer in MAAS"
        machines, left_out = await facts.sort_out(region, list(options["ids"]), lambda _: None)
        reasons = [LeftOut(machine.name, f"{options['source_name']} {why}") for machine in machines]
        return await self._plan_of(region, options, (), [*left_out, *reasons])

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Clone {_what(options)} of {options['source_name']} to {facts.subject(machines)}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"MAAS replaces its {_what(options)} configuration by that of {options['source_name']}; addresses stay its "
            "own. It is used when the machine is deployed next.",
            "MAAS refuses a machine whose disks are smaller, or whose interfaces have other names.",
        )

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if machine.system_id == options["source"]:
            return "it is the one that is cloned from"
        if machine.status not in _DESTINATIONS:
            return f"it is {machine.status_name}; MAAS clones only to machines that are Ready or Failed testing"
        return locked(machine)

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        return {"owner": machine.owner or "nobody", "from": str(options["source_name"])}

    def is_so(self, machine: Machine) -> bool:
        """MAAS has done it when it answers."""
        del machine
        return True

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """Nothing tells; it is asked for again."""
        del machine, events
        return False

    def end(self, machine: Machine) -> End | None:
        """MAAS has done it when it answers."""
        return End(good=True, label=machine.status_name)

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """It has to be there, and as free as it was."""
        if machine is None:
            return "it is no longer in MAAS"
        return "" if machine.status_name == target.state else f"{target.state} → {machine.status_name}"

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the configuration copied to one machine."""
        await region.api.clone(
            str(options["source"]), key, storage=bool(options["storage"]), interfaces=bool(options["network"])
        )


def _what(options: Mapping[str, Any]) -> str:
    parts = [word for word in ("network", "storage") if options[word]]
    return " and ".join(parts)
