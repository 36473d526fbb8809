"""An empty region, as it is right after `maas init` and the first administrator: nothing in it works yet."""

from __future__ import annotations

from sandbox.maas.images import DEFAULT_SOURCE
from sandbox.maas.world import World

#: Keys that Launchpad and GitHub have in the demo; anybody else is unknown there.
KEY_SOURCES = {
    "lp:olga": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe olga@launchpad"],
    "gh:olga": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC893NR3iCuA924tilDvZRjieTt6nLcaf2FYl01YWgaS olga@github"],
    "lp:nokeys": [],
}


def make_fresh_region(world: World) -> None:
    """Fills an empty world with what a new region has: two networks of its rack, a source, and no images."""
    network = world.network
    office, lab = network.add_fabric(), network.add_fabric()
    first, second = network.untagged(office.id), network.untagged(lab.id)
    network.add_subnet("10.99.0.0/24", first.id, gateway_ip="10.99.0.1")
    network.add_subnet("10.98.0.0/24", second.id)
    network.rack_vlans = {first.id, second.id}
    world.rack_addresses = ["10.99.0.2", "10.98.0.1"]
    world.images.select(world.images.add_source(DEFAULT_SOURCE), "focal")
    world.settings.update(maas_name=world.name, upstream_dns=None, completed_intro=False)
    world.repositories = [dict(row) for row in world.repositories]
    for repository in world.repositories:
        if repository["name"] == "main_archive":
            repository["url"] = "http://archive.ubuntu.com/ubuntu"
    world.key_sources = {source: list(keys) for source, keys in KEY_SOURCES.items()}
    network.changed()
