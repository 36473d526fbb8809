"""The query filters of GET machines/: which exist in which version, and what they let through."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.maas.answers import refuse_form
from sandbox.maas.hardware import PROFILES
from sandbox.maas.machine import STATUS_FILTERS, Machine
from sandbox.maas.request import Form
from sandbox.maas.world import World

OLD_FILTERS = {"id", "hostname", "mac_address", "domain", "zone", "pool", "agent_name", "status", "tags"}
NEW_FILTERS = OLD_FILTERS | {
    "not_status", "not_pool", "not_in_zone", "not_tags", "not_id", "owner", "power_state", "arch",
    "cpu_count", "mem", "fqdn", "description",
}  # fmt: skip


def select_machines(world: World, query: Form, known: set[str] | None = None) -> list[Machine]:
    """The machines that all filters of the query let through.

    Raises:
        Refusal: 400 naming every filter that the version does not know, or a value that it does not accept.
    """
    known = known or (OLD_FILTERS if world.old else NEW_FILTERS)
    names = [n for n in query if n != "op"]
    if unknown := {n: "No such constraint." for n in names if n not in known}:
        raise refuse_form(unknown)
    tests: list[Callable[[Machine], bool]] = []
    chosen: list[Machine] | None = None
    for name in names:
        values = query.all(name)
        if name == "id":
            chosen = [world.machines[v] for v in dict.fromkeys(values) if v in world.machines]
        else:
            tests.append(_test(world, name, values))
    machines = list(world.machines.values()) if chosen is None else chosen
    machines.sort(key=lambda m: m.number)
    return [m for m in machines if all(test(m) for test in tests)]


def _statuses(name: str, values: list[str]) -> set[int]:
    for value in values:
        if value not in STATUS_FILTERS:
            raise refuse_form({name: f"Select a valid choice. {value} is not one of the available choices."})
    return {STATUS_FILTERS[v] for v in values}


def _zones(world: World, name: str, values: list[str]) -> set[str]:
    if missing := [v for v in values if v not in world.zones]:
        raise refuse_form({name: f"No such zone(s): {', '.join(missing)}."})
    return set(values)


def _pools(world: World, name: str, values: list[str]) -> set[int]:
    known = {p.name: p.id for p in world.pools.values()}
    if missing := [v for v in values if v not in known]:
        raise refuse_form({name: f"No such pool(s): {', '.join(missing)}."})
    return {known[v] for v in values}


def _tags(world: World, name: str, values: list[str]) -> set[str]:
    wanted = {tag.strip() for v in values for tag in v.replace(" ", ",").split(",") if tag.strip()}
    if missing := sorted(wanted - set(world.tags)):
        quoted = ", ".join(f"'{m}'" for m in missing)
        raise refuse_form({name: f"No such tag(s): {quoted}."})
    return wanted


def _test(world: World, name: str, values: list[str]) -> Callable[[Machine], bool]:
    plain = set(values)
    if name in ("status", "not_status"):
        statuses = _statuses(name, values)
        return lambda m: (m.status in statuses) == (name == "status")
    if name in ("zone", "not_in_zone"):
        zones = _zones(world, name, values)
        return lambda m: (m.zone in zones) == (name == "zone")
    if name in ("pool", "not_pool"):
        pools = _pools(world, name, values)
        return lambda m: (m.pool in pools) == (name == "pool")
    if name == "tags":
        tags = _tags(world, name, values)
        return lambda m: tags <= set(m.tags)
    if name == "not_tags":
        tags = _tags(world, name, values)
        return lambda m: not tags & set(m.tags)
    if name in ("cpu_count", "mem"):
        least = float(values[-1])
        return lambda m: _amount(m, name) >= least
    if name == "arch":
        return lambda m: m.architecture in plain or m.architecture.split("/")[0] in plain
    if name == "mac_address":
        macs = {v.lower() for v in values}
        return lambda m: bool(macs & set(m.macs))
    if name == "domain":
        return lambda _: "maas" in plain
    if name == "not_id":
        return lambda m: m.system_id not in plain
    field = {"owner": "owner", "power_state": "power_state", "agent_name": "agent_name"}.get(name, name)
    return lambda m: getattr(m, field) in plain


def _amount(machine: Machine, name: str) -> float:
    profile = PROFILES.get(machine.hardware)
    if profile is None:
        return 0
    return profile.cpu_count if name == "cpu_count" else profile.memory
