"""Setting the way to a machine's power. What is set is secret: it passes through here and stays nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.maas.errors import MaasError, RegionUnreachable
from bot.maas.models import Machine
from bot.maas.power_calls import Hidden, PowerType, hidden, shown
from bot.maas.service import RegionService


@dataclass(frozen=True, slots=True)
class PowerChange:
    """What was set: names only. `kept` are those of which MAAS keeps what it had."""

    power_type: str
    changed: tuple[str, ...]
    kept: tuple[str, ...]


class PowerNotSetError(Exception):
    """MAAS did not take the settings, or nobody can tell. `reason` is fit for a person's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def set_power(
    region: RegionService, machine: Machine, kind: PowerType, given: Mapping[str, Hidden]
) -> PowerChange:
    """Set what was `given`, and keep the rest of what MAAS has where the kind stays the same.

    All parameters are sent: what MAAS does to those that are left out differs by version.

    Raises:
        PowerNotSetError: a parameter is missing, or the connection was lost and MAAS has not what was sent.
        MaasError: MAAS refused; its words hold none of the values.
    """
    fields = {field.name: field for field in kind.fields}
    known = await region.api.power_parameters(machine.system_id) if machine.power_type == kind.name else {}
    wanted: dict[str, Hidden] = {}
    for name, field in fields.items():
        if name in given:
            wanted[name] = given[name]
        elif name in known:
            wanted[name] = known[name]
        elif field.defaults:
            wanted[name] = hidden(field.defaults)
    missing = [one.label or name for name, one in fields.items() if one.required and not any(_value(wanted, name))]
    if missing:
        raise PowerNotSetError(f"{kind.name} needs {', '.join(missing)}. Nothing was changed.")
    change = PowerChange(
        kind.name, tuple(name for name in fields if name in given), tuple(name for name in known if name not in given)
    )
    try:
        await region.api.set_power(machine.system_id, kind.name, wanted)
    except MaasError as error:
        if not (error.outcome_unknown or isinstance(error, RegionUnreachable)):
            raise
        # The connection was lost: MAAS may have taken it. It is looked at, never sent again blindly.
        if not await _has(region, machine.system_id, kind.name, wanted):
            raise PowerNotSetError(
                f"{error.problem} MAAS was looked at again and has not got these settings; it is as it was. Ask again."
            ) from None
    region.fleet.bump(machine.system_id)
    return change


async def _has(region: RegionService, system_id: str, kind: str, wanted: Mapping[str, Hidden]) -> bool:
    try:
        machine = await region.api.machine(system_id)
        found = await region.api.power_parameters(system_id)
    except MaasError as error:
        raise PowerNotSetError(
            f"The connection was lost, and MAAS can't be looked at: {error.problem} It is not known whether it has the "
            "new settings: power check tells, once it answers."
        ) from None
    return machine.power_type == kind and all(_value(found, name) == _value(wanted, name) for name in wanted)


def _value(parameters: Mapping[str, Hidden], name: str) -> list[str]:
    return shown(parameters.get(name, ()))
