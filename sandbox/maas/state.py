"""The state of a world as plain JSON data, for the state file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from sandbox.maas.machine import Machine
from sandbox.maas.results import ScriptSet
from sandbox.maas.users import Token, User
from sandbox.maas.world import Named, World


def dump_world(world: World) -> dict[str, Any]:
    """The whole state as plain JSON data."""
    return {
        "version": world.version,
        "name": world.name,
        "machines": [m.dump() for m in world.machines.values()],
        "events": world.events.dump(),
        "effects": [[op, system_id, n] for (op, system_id), n in world.effects.items()],
        "users": [asdict(u) for u in world.users],
        "rack_id": world.rack_id,
        "rack_alive": world.rack_alive,
        "network": world.network.dump(),
        "images": world.images.dump(),
        "zones": [asdict(z) for z in world.zones.values()],
        "pools": [asdict(p) for p in world.pools.values()],
        "tags": [asdict(t) for t in world.tags.values()],
        "settings": world.settings,
        "scripts": world.scripts,
        "script_bodies": world.script_bodies,
        "script_sets": [s.dump() for s in world.script_sets.values()],
        "repositories": world.repositories,
        "notifications": world.notifications,
        "sshkeys": world.sshkeys,
        "domains": world.domains,
        "dns_names": world.dns_names,
        "routes": world.routes,
        "discoveries": world.discoveries,
        "key_sources": world.key_sources,
        "rack_addresses": world.rack_addresses,
        "power_busy": sorted(world.power_busy),
        "next_ids": world.next_ids,
    }


def load_world(world: World, rows: dict[str, Any]) -> None:
    """Replaces the state by one that `dump_world` made."""
    world.machines = {r["system_id"]: Machine.load(r) for r in rows["machines"]}
    world.events.load(rows["events"])
    world.effects = Counter({(op, system_id): n for op, system_id, n in rows["effects"]})
    world.users = [User(**{**u, "tokens": [Token(**t) for t in u["tokens"]]}) for u in rows["users"]]
    world.network.load(rows["network"])
    world.images.load(rows["images"])
    world.zones = {r["name"]: Named(**r) for r in rows["zones"]}
    world.pools = {r["id"]: Named(**r) for r in rows["pools"]}
    world.tags = {r["name"]: Named(**r) for r in rows["tags"]}
    world.script_sets = {r["id"]: ScriptSet.load(r) for r in rows["script_sets"]}
    world.power_busy = set(rows["power_busy"])
    for name in [
        "name",
        "rack_id",
        "rack_alive",
        "settings",
        "scripts",
        "script_bodies",
        "repositories",
        "notifications",
        "sshkeys",
        "domains",
        "next_ids",
    ]:
        setattr(world, name, rows[name])
    for name in ("dns_names", "routes", "discoveries", "key_sources", "rack_addresses"):
        # a state file of an earlier version has none of them
        setattr(world, name, rows.get(name, getattr(world, name)))
    world.network.rack = world.rack_id
    world.groups_changed()
