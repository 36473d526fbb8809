"""Machines that are new in a region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.models import Machine
from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source


class MachinesSource(Source):
    """Remembers which machines there are; one that is not among them has appeared."""

    name = "machines"
    what = What.MACHINES
    of_machines = True

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Compare the ids in the fleet view with those that are known."""
        machines = region.fleet.machines()
        ids = sorted(machines)
        if memory is None:
            return Looked({"known": ids})
        known = set(memory["known"])
        fresh = [machines[system_id] for system_id in ids if system_id not in known]
        return Looked({"known": ids}, tuple(_appeared(machine, glance.now) for machine in fresh))


def _appeared(machine: Machine, now: float) -> Happening:
    return Happening(Sort.APPEARED, machine.system_id, machine.name, machine.status_name, Mark.IDLE, at=now)
