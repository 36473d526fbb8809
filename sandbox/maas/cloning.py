"""Cloning: the network and storage configuration of one machine for another."""

from __future__ import annotations

from sandbox.maas.machine import Machine
from sandbox.maas.world import World


def clone(world: World, source: Machine, destination: Machine, *, interfaces: bool) -> None:
    """Copies what this stand-in knows of a configuration: the subnet, with an address of its own at the next deploy."""
    world.effects["clone", destination.system_id] += 1
    destination.cloned_from = source.system_id
    if interfaces:
        destination.subnet, destination.ip = source.subnet, None
