"""App Home's row of machines that need attention: why each does, and what this person can do about it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.command.offers import Offers
from bot.maas.models import Machine
from bot.maas.selection import natural_key
from bot.maas.service import RegionService
from bot.message import Bold, Buttons, Code, Divider, Mark, Paragraph, Part
from bot.operations.next_steps import next_steps, offer
from bot.people import Door, Identity, Origin

#: Machines that are shown; the state of the region above counts all.
_SHOWN = 5
_STEPS = 3


class Attention:
    """Makes the row from the fleet view: it costs the region nothing."""

    def __init__(self, regions: Mapping[str, RegionService], offers: Offers) -> None:
        self._regions = regions
        self._offers = offers

    async def parts(self, person: Identity) -> list[Part]:
        """The row for one person; nothing where nothing needs attention."""
        found = [
            (region, machine)
            for region in self._regions.values()
            for machine in region.fleet.machines().values()
            if machine.status.failed or machine.power_state == "error"
        ]
        if not found:
            return []
        found.sort(key=lambda one: (not one[1].status.failed, natural_key(one[1].name)))
        more = f", {_SHOWN} of {len(found)}" if len(found) > _SHOWN else ""
        parts: list[Part] = [Divider(), Paragraph([Bold(f"Machines needing attention{more}")])]
        for region, machine in found[:_SHOWN]:
            mark = Mark.FAIL if machine.status.failed else Mark.WARN
            parts.append(Paragraph([mark, " ", Code(machine.name), f"  {_why(region, machine)}"]))
            steps = [offer("machine", machine, region.name), *next_steps(machine, region.name)]
            buttons = await self._offers.fitting(steps, region.name, person, Origin(Door.HOME))
            parts += [Buttons(buttons[:_STEPS])] if buttons else []
        return parts


def _why(region: RegionService, machine: Machine) -> str:
    cause = region.diagnoses.of(machine)
    if cause is not None:
        return f"{machine.status_name}: {cause.summary}"
    if machine.status.failed:
        return machine.status_name
    return f"{machine.status_name}, power error: {machine.status_message or 'MAAS can not tell its power state'}"
