"""Setting the way to a machine's power: the kind of its BMC, and what MAAS has to know to reach it.

All of that counts as secret: it comes from a form, is kept sealed, and is opened where MAAS is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from pydantic import SecretStr

from bot.maas.errors import MaasError
from bot.maas.models import Event, Machine
from bot.maas.power_calls import Hidden, PowerType, hidden, shown
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.changing import locked
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import LeftOut, Plan, Target
from bot.operations.power_check import BY_HAND, power_truth
from bot.policy import Risk

#: The names under which the form hands over what was entered: the power type, and the parameters, as `written`.
POWER_TYPE, PARAMETERS = "power_type", "power_parameters"


def written(parameters: Mapping[str, Hidden]) -> SecretStr:
    """Parameters as one text, to be sealed."""
    return SecretStr(json.dumps({name: shown(value) for name, value in parameters.items()}))


def read(text: SecretStr) -> dict[str, Hidden]:
    """The parameters of which `written` made a text."""
    return {str(name): hidden(values) for name, values in json.loads(text.get_secret_value()).items()}


class PowerSetting(MachineKind):
    """The kind `power-set`. Its options are `ids` (one), `power_type`, and `sets`, the names of the parameters that get
    a new value; the values are sealed as `power_parameters`.

    No state of a machine tells of its parameters, so whoever asks looks at them first: what MAAS has already, after a
    crash or a lost answer, is not sent again.
    """

    name = "power-set"
    verb, participle, past = "Set the power settings of", "Setting the power settings of", "Set the power settings of"
    logged = False
    patience = 30.0
    look_every = 5.0
    looks_after = "MAAS has them. Asking its BMC whether it answers."

    power_type = ""

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with the power type that is wanted."""
        del target
        made = copy(self)
        made.power_type = str(options[POWER_TYPE])
        return made

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """See which parameters MAAS keeps, and that none is missing.

        Raises:
            Forbidden: the key's user is no administrator, and can't read them.
        """
        kind = await _kind(region, str(options[POWER_TYPE]))
        if kind is None:
            unknown = f"MAAS knows no power type {options[POWER_TYPE]}"
            _, left_out = await facts.sort_out(region, list(options["ids"]), lambda _: unknown)
            return _plan(region, options, left_out)
        machines, left_out = await facts.sort_out(region, list(options["ids"]), locked)
        for machine in machines:  # one, or none
            has = await _has(region, machine, kind)
            if not (missing := _missing(kind, has, options["sets"])):
                return _plan(region, options, left_out, machine, _kept(has, options), _warnings(machine, kind))
            left_out.append(LeftOut(machine.name, f"{kind.name} needs {', '.join(missing)}"))
        return _plan(region, options, left_out)

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the power type and all its parameters set, if MAAS has not got them.

        All are sent: what MAAS does to those that are left out differs by version.
        """
        kind = await _kind(region, str(options[POWER_TYPE]))
        if kind is None:
            raise MaasError(f"MAAS knows no power type {options[POWER_TYPE]} any more.", "Nothing was changed.")
        machine = await region.api.machine(key)
        has = await _has(region, machine, kind)
        given = {**has, **read(options[PARAMETERS])}
        defaults = {one.name: hidden(one.defaults) for one in kind.fields if one.defaults}
        wanted = {one.name: value for one in kind.fields if (value := {**defaults, **given}.get(one.name)) is not None}
        is_so = all(name in has and shown(has[name]) == shown(value) for name, value in wanted.items())
        if machine.power_type != kind.name or not is_so:
            await region.api.set_power(key, kind.name, wanted)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """Neither tells. `ask` looks at the parameters before it sends them."""
        del machine, events
        return False

    def end(self, machine: Machine) -> End | None:
        """MAAS has set it when it answers."""
        if machine.power_type != self.power_type:
            return None
        detail = "" if facts.switchable(machine) else BY_HAND
        return End(good=True, label=f"now {machine.power_type}", detail=detail)

    async def afterwards(self, region: RegionService, machine: Machine, end: End) -> End:
        """Ask the BMC: whether the settings are the right ones, nothing else tells."""
        if not facts.switchable(machine):
            return end
        truth = await power_truth(region, machine)
        region.fleet.bump(machine.system_id)  # MAAS may have learnt its power state by that
        if truth.answers:
            said = f"Its BMC answers: {truth.power.state}{', ' if truth.power.said else ''}{truth.power.said}."
            return End(good=True, label=f"{end.label}, BMC answers", detail=f"{said} {truth.advice}".strip())
        said = " ".join([f"MAAS has the settings, but {truth.power.said}.", f"{truth.racks}." if truth.racks else ""])
        return End(
            good=True, label=f"{end.label}, BMC does not answer", detail=f"{said.strip()} {truth.advice}".strip()
        )

    def overdue(self, machine: Machine) -> str:
        """MAAS took it, and it does not show."""
        return (
            f"MAAS took the settings, and {machine.name} has the power type {machine.power_type or 'none'}: somebody "
            "may have changed it since."
        )

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: they are set in an instant."""


async def _kind(region: RegionService, name: str) -> PowerType | None:
    return next((one for one in await region.api.power_types() if one.name == name), None)


async def _has(region: RegionService, machine: Machine, kind: PowerType) -> dict[str, Hidden]:
    """The parameters of this kind that MAAS has of the machine; none where the machine's kind is another one."""
    if machine.power_type != kind.name:
        return {}
    has = await region.api.power_parameters(machine.system_id)
    return {one.name: has[one.name] for one in kind.fields if one.name in has}


def _missing(kind: PowerType, has: Mapping[str, Hidden], sets: Sequence[str]) -> list[str]:
    def given(name: str) -> bool:
        return name in sets or any(shown(has.get(name, ())))

    return [one.label or one.name for one in kind.fields if one.required and not one.defaults and not given(one.name)]


def _kept(has: Mapping[str, Hidden], options: Mapping[str, Any]) -> str:
    return ", ".join(name for name, value in has.items() if name not in options["sets"] and any(shown(value)))


def _plan(
    region: RegionService,
    options: Mapping[str, Any],
    left_out: Sequence[LeftOut],
    machine: Machine | None = None,
    kept: str = "",
    warnings: Sequence[str] = (),
) -> Plan:
    return Plan(
        kind=PowerSetting.name,
        risk=Risk.CHANGE,
        region=region.name,
        title=f"{PowerSetting.verb} {machine.name if machine is not None else 'no machine'}",
        targets=(_target(machine, options, kept),) if machine is not None else (),
        steps=_steps(options, kept),
        warnings=tuple(warnings),
        left_out=tuple(left_out),
        options=dict(options),
    )


def _target(machine: Machine, options: Mapping[str, Any], kept: str) -> Target:
    told = {
        "power": machine.power_type or "none",
        "sets": f"{options[POWER_TYPE]}: {', '.join(options['sets']) or 'no parameter'}",
        "keeps": kept or "none",
        "pool": machine.pool or "none",
        "tags": ", ".join(sorted(machine.tags)) or "none",
    }
    return Target(machine.system_id, machine.name, machine.status_name, told)


def _steps(options: Mapping[str, Any], kept: str) -> tuple[str, ...]:
    entered = f", with what was entered for {', '.join(options['sets'])}" if options["sets"] else ""
    rest = ". It keeps the rest of what it has." if kept else "."
    return (
        f"MAAS gets the power type {options[POWER_TYPE]}{entered}{rest}",
        "Nobody sees the values. I keep them encrypted until MAAS has them, for three days at most.",
        "Its BMC is asked then whether it answers, which takes up to a minute. The machine is not switched.",
    )


def _warnings(machine: Machine, kind: PowerType) -> list[str]:
    told = []
    if facts.switchable(machine) and machine.power_type != kind.name:
        told.append(f"Its power type is {machine.power_type} now: what MAAS knows for that is lost.")
    if kind.missing_packages:
        told.append(f"A rack lacks programs for it: {', '.join(kind.missing_packages)}.")
    return told if kind.fields else [*told, BY_HAND]
