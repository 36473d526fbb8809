"""What a plan says of a machine, and what makes it another machine than the one that was planned for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from bot.maas.errors import MaasError
from bot.maas.models import Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations.plan import LeftOut, Target

#: Power types with which MAAS can't switch: somebody has to press the button.
_BY_HAND = frozenset({"", "manual"})
#: States in which what is deployed has not come to its end, or is not known to have.
_UNFINISHED = frozenset({MachineStatus.ALLOCATED, MachineStatus.DEPLOYING, MachineStatus.FAILED_DEPLOYMENT})
#: Events looked at for the moment of the deployment: MAAS logs little of a machine that just runs.
_EVENTS = 1000
#: Machines that are read anew for a plan. A region needs 0.1 s for each and is asked for small portions, so of more of
#: them a plan takes what the event log has told, if the view is not older than so many seconds.
READ_ANEW, _VIEW_AGE = 60, 120.0
#: Machines named one by one in a sentence.
_NAMED = 5


def switchable(machine: Machine) -> bool:
    """Whether MAAS has a way to the machine's power."""
    return machine.power_type not in _BY_HAND


def system_of(machine: Machine) -> str:
    """The operating system that MAAS put on its disks, as "ubuntu/jammy"; "none" when there is none."""
    if not machine.osystem:
        return "none"
    system = f"{machine.osystem}/{machine.distro_series}" if machine.distro_series else machine.osystem
    return f"{system} (unfinished)" if machine.status in _UNFINISHED else system


def runs_system(machine: Machine) -> bool:
    """Whether somebody's system is deployed on it: in Deployed, and in what MAAS does to a deployed machine."""
    return bool(machine.osystem) and machine.status not in _UNFINISHED


def facts_of(machine: Machine, since: str = "") -> dict[str, str]:
    """The facts that a plan rests on, in the order in which they are shown."""
    facts = {"owner": machine.owner or "nobody", "deployed": system_of(machine)}
    if machine.osystem:
        facts["since"] = since or "unknown"
    facts |= {
        "power": machine.power_type or "none",
        "pool": machine.pool or "none",
        "zone": machine.zone or "none",
        "tags": ", ".join(sorted(machine.tags)) or "none",
    }
    return facts


def changed_since(machine: Machine | None, target: Target) -> str:
    """What is different about the machine since the plan was made, or "". Its power may change, its owner may not."""
    if machine is None:
        return "it is no longer in MAAS"
    if machine.locked:
        return "it is locked now"
    now = {"owner": machine.owner or "nobody", "deployed": system_of(machine)}
    changes = [] if machine.status_name == target.state else [f"{target.state} → {machine.status_name}"]
    changes += [
        f"{label} {target.facts[label]} → {value}" for label, value in now.items() if target.facts.get(label) != value
    ]
    return ", ".join(changes)


async def sort_out(
    region: RegionService, ids: Sequence[str], reason_against: Callable[[Machine], str | None]
) -> tuple[list[Machine], list[LeftOut]]:
    """Look at the machines: those to work on, and those that are left out, with the reason. Raises MaasError."""
    machines = await _as_they_are(region, ids)
    chosen, left_out = [], []
    for system_id in ids:
        machine = machines.get(system_id)
        if machine is None:
            left_out.append(LeftOut(system_id, "it is not in MAAS"))
        elif (reason := reason_against(machine)) is not None:
            left_out.append(LeftOut(machine.name, reason))
        else:
            chosen.append(machine)
    return chosen, left_out


async def _as_they_are(region: RegionService, ids: Sequence[str]) -> Mapping[str, Machine]:
    age = region.fleet.status.age
    if len(ids) <= READ_ANEW or age is None or age > _VIEW_AGE:
        return await region.fleet.refresh(ids)
    known = region.fleet.machines()
    unknown = [system_id for system_id in ids if system_id not in known]
    return {**known, **(await region.fleet.refresh(unknown))} if unknown else known


async def deployed_since(region: RegionService, machines: Sequence[Machine]) -> dict[str, str]:
    """When MAAS logged the end of each machine's deployment; missing where its log does not tell any more.

    Raises MaasError. One short read a machine, at most as many at a time as the region's limits allow.
    """
    deployed = [machine.system_id for machine in machines if machine.osystem]

    async def moment(system_id: str) -> str:
        events = await region.api.events(id=system_id, level="INFO", limit=_EVENTS)
        at = next((event.at for event in events if event.type == "Deployed"), None)
        return at.strftime("%Y-%m-%d %H:%M UTC") if at is not None else ""

    found = await asyncio.gather(*(moment(system_id) for system_id in deployed))
    return {system_id: at for system_id, at in zip(deployed, found, strict=True) if at}


async def own_user(region: RegionService) -> str:
    """The user of the bot's API key, "" when MAAS does not say."""
    try:
        return (await region.api.whoami()).username
    except MaasError:
        return ""


def owned_by_others(machines: Sequence[Machine], user: str) -> str:
    """A warning that names the owners who are not the bot's own user, or ""."""
    owners: dict[str, list[str]] = {}
    for machine in machines:
        if machine.owner and user and machine.owner != user:
            owners.setdefault(machine.owner, []).append(machine.name)
    if not owners:
        return ""
    said = "; ".join(f"{listing(names)} to {owner}" for owner, names in sorted(owners.items()))
    return f"Not allocated to the bot's own MAAS user {user}, but: {said}. Ask them first."


def subject(machines: Collection[Machine]) -> str:
    """The one machine's name, or how many there are."""
    return next(iter(machines)).name if len(machines) == 1 else f"{len(machines)} machines"


def listing(names: Sequence[str]) -> str:
    """`a, b`, and of many the first few and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def named(machines: Sequence[Machine]) -> str:
    return listing([machine.name for machine in machines])


def targets_of(machines: Sequence[Machine], facts: Callable[[Machine], Mapping[str, str]]) -> tuple[Target, ...]:
    """One target a machine, with these facts and with those that the policy's rules may be about."""
    return tuple(
        Target(one.system_id, one.name, one.status_name, {**facts(one), **_ruled_by(one, facts(one))})
        for one in machines
    )


def _ruled_by(machine: Machine, known: Mapping[str, str]) -> dict[str, str]:
    """Pool and tags, where the facts don't have them already: a rule may allow or deny by them."""
    ruled = {"pool": machine.pool or "none", "tags": ", ".join(sorted(machine.tags)) or "none"}
    return {label: value for label, value in ruled.items() if label not in known}
