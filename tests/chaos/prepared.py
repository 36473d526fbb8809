"""How the world has to be for some orders, before the bot sees it and while it dies."""

from __future__ import annotations

from pathlib import Path

from sandbox.demo import World
from sandbox.maas import machine as states
from sandbox.maas.images import CHUNK
from tests.kinds.steps import machine

#: A key that somebody has.
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC893NR3iCuA924tilDvZRjieTt6nLcaf2FYl01YWgaS olga@laptop"


def nothing(world: World) -> None:
    """Leave the world as it is."""
    del world


# -- machines ------------------------------------------------------------------------------------------------------


def off(world: World) -> None:
    machine(world, "node-11").power_state = "off"


def on(world: World) -> None:
    machine(world, "node-12").power_state = "on"


def ready(world: World) -> None:
    world.region.world.alter("node-9", status=states.READY)


def under_test(world: World) -> None:
    """A test that does not end by itself before it is aborted."""
    one = machine(world, "node-8")
    one.manners.bmc, one.manners.never_boots = "ok", True
    world.region.world.settings["node_timeout"] = 3000  # minutes
    world.region.lifecycle.test(one, world.region.world.admin, None, enable_ssh=False)


def in_rescue(world: World) -> None:
    world.region.world.alter("node-8", status=states.RESCUE_MODE, return_to=states.READY, bmc="ok")


def tagged(world: World) -> None:
    world.region.world.alter("node-6", tags=["bigmem"])


def here(world: World) -> None:
    world.region.world.alter("node-4", pool=0, zone="default")


def unlocked(world: World) -> None:
    machine(world, "node-5").locked = False


def with_bmc(world: World) -> None:
    world.region.world.alter("node-4", power_type="ipmi", bmc="ok")


# -- images --------------------------------------------------------------------------------------------------------


def another_source(world: World) -> None:
    world.region.world.images.add_source("http://mirror.lan/old/", "/etc/old.gpg")


def typing_error(world: World) -> None:
    """A source whose address nobody serves."""
    source = world.region.world.images.sources[0]
    source.url, source.keyring_filename = "http://typo.lan/", "/nowhere.gpg"


def slow_import(world: World) -> None:
    """An import that runs for minutes, and of which something arrives now and then."""
    images = world.region.world.images
    images.select(images.sources[0], "bionic")
    world.region.faults.set("slow-mirror", rate=100_000)
    world.region.imports.start()


def stalled_import(world: World) -> None:
    """An import that has loaded a part of one image, and will load nothing more."""
    images = world.region.world.images
    images.select(images.sources[0], "bionic")
    world.region.faults.set("stalled-import")
    world.region.imports.start()
    images.plan_import()
    images.of("bionic", "amd64")[0].files[0].done = CHUNK


def region_restarted(world: World) -> None:
    """The region is restarted in the middle of its import, and its mirror sends again."""
    world.region.faults.clear()
    world.region.faults.set("region-restarted")


# -- networks and keys ---------------------------------------------------------------------------------------------


def a_range(world: World) -> None:
    network = world.region.world.network
    office = next(one for one in network.subnets.values() if one.cidr == "10.99.0.0/24")
    network.add_range("reserved", "10.99.0.100", "10.99.0.110", office.id)


def reserved(world: World) -> None:
    network = world.region.world.network
    lab = next(one for one in network.subnets.values() if one.name == "lab-net")
    network.reserve("10.98.0.8", "52:54:00:aa:00:08", lab.id)


def a_key(world: World) -> None:
    world.region.world.sshkeys.append({"id": 1, "key": OTHER_KEY, "keysource": "", "user": "admin"})


def keys_elsewhere(world: World) -> None:
    world.region.world.key_sources = {"lp:olga": [OTHER_KEY]}


# -- the host ------------------------------------------------------------------------------------------------------


def pinned(world: World) -> Path:
    """The file of the host's pinned keys."""
    return world.state / "ssh" / "known_hosts"
