"""Makes a believable region: network, images, and a fleet in all the states that people meet."""

from __future__ import annotations

import time
from ipaddress import ip_address

from sandbox.maas import machine as states
from sandbox.maas.hardware import PROFILES
from sandbox.maas.machine import FAILED, PASSED, Machine
from sandbox.maas.network import Subnet
from sandbox.maas.power import WRONG_PASSWORD
from sandbox.maas.users import API
from sandbox.maas.world import Named, World, mac_of

KINDS = (
    "deployed", "ready", "new", "failed-commissioning", "deployed-locked", "broken", "new-failing",
    "bmc-trouble", "failed-testing", "ready", "deployed", "allocated",
)  # fmt: skip
"""The states of the first machines, in order; a larger fleet goes on with the common ones."""

COMMON = (
    "deployed",
    "deployed",
    "deployed",
    "ready",
    "ready",
    "new",
    "deployed",
    "ready",
    "allocated",
    "deployed",
)
RARE = ("failed-commissioning", "failed-testing", "broken", "failed-deployment", "bmc-trouble")


def make_region(world: World, machines: int) -> None:
    """Fills an empty world; the same seed gives the same region."""
    _make_groups(world)
    _make_network(world)
    _make_images(world)
    lab = world.network.subnets[2]
    addresses = _Addresses(lab)
    for index in range(machines):
        _make_machine(world, index, _kind(index), addresses)
    _make_history(world)


class _Addresses:
    """Addresses of a subnet, handed out one after the other."""

    def __init__(self, subnet: Subnet) -> None:
        self.subnet = subnet
        self._next = int(subnet.network.network_address) + 10

    def take(self) -> str:
        self._next += 1
        return str(ip_address(self._next))


def _kind(index: int) -> str:
    if index < len(KINDS):
        return KINDS[index]
    if index % 37 == 0:
        return RARE[index // 37 % len(RARE)]
    return COMMON[index % len(COMMON)]


def _make_groups(world: World) -> None:
    for number, name in enumerate(("rack-a", "rack-b"), 2):
        world.zones[name] = Named(number, name, f"Row {name[-1].upper()}")
    for number, name in enumerate(("ci", "gpu"), 1):
        world.pools[number] = Named(number, name, f"Machines for {name}")
    for number, name in enumerate(("virtual", "ssd", "bigmem"), 1):
        world.tags[name] = Named(number, name, name)
    world.next_ids.update({"zone": 4, "pool": 3, "tag": 4})


def _make_network(world: World) -> None:
    network = world.network
    office, lab = network.add_fabric(), network.add_fabric("lab")
    first, second = network.untagged(office.id), network.untagged(lab.id)
    network.add_subnet("10.99.0.0/24", first.id)
    network.add_subnet("10.98.0.0/16", second.id, "lab-net", gateway_ip="10.98.0.1")
    network.rack_vlans = {first.id, second.id}
    network.add_range("dynamic", "10.98.200.1", "10.98.200.200", 2, comment="PXE")
    second.dhcp_on, second.primary_rack = True, world.rack_id
    world.rack_addresses = ["10.99.0.2", "10.98.0.2"]
    world.add_dns_name("registry.maas", ["10.98.0.5"])
    world.routes = [{"id": 1, "source": 2, "destination": 1, "gateway_ip": "10.98.0.1", "metric": 100}]
    world.discoveries = [
        {"ip": "10.99.0.1", "mac_address": "52:54:00:fe:00:01", "hostname": "router", "seen": time.time() - 40},
        {"ip": "10.99.0.77", "mac_address": "00:1b:a9:12:34:56", "mac_organization": "Brother", "seen": time.time()},
    ]
    network.changed()


def _make_images(world: World) -> None:
    source = world.images.add_source()
    for release in ("focal", "jammy", "noble"):
        world.images.select(source, release)
        world.images.add_ubuntu(release)
    release = "focal" if world.old else "jammy"
    world.settings["default_distro_series"] = release
    world.settings["commissioning_distro_series"] = release
    world.settings["completed_intro"] = True
    world.settings["maas_name"] = world.name
    world.settings["upstream_dns"] = "10.99.0.1"


def _make_machine(world: World, index: int, kind: str, addresses: _Addresses) -> None:
    rng = world.rng
    profile = rng.choice(("small", "small", "compute", "storage"))
    count = PROFILES[profile].nics
    machine = world.add_machine(
        f"node-{index + 1}",
        macs=[mac_of((index + 1) * 4 + i) for i in range(count)],
        found=profile,
        zone=rng.choice(("default", "rack-a", "rack-b")),
        pool=rng.choice((0, 0, 1, 2)),
    )
    if kind.startswith("new"):
        machine.macs = machine.macs[:1]
        if kind == "new-failing":
            machine.manners.fail_script = "50-maas-01-commissioning"
        return
    if kind == "failed-commissioning":
        machine.manners.fail_script = "maas-lshw"
        machine.commissioning_set, machine.commissioning_status = world.take_id("script_set"), FAILED
        machine.testing_set, machine.testing_status = world.take_id("script_set"), 0
        _settle(world, machine, states.FAILED_COMMISSIONING, ["Commissioning", "Failed commissioning"])
        return
    _commissioned(world, machine)
    machine.subnet = addresses.subnet.id
    machine.tags = sorted(rng.sample(["virtual", "ssd", "bigmem"], rng.choice((0, 1, 1, 2))))
    if kind == "broken":
        _settle(world, machine, states.BROKEN, ["Released"])
        comment = "(admin) - power supply 2 is dead"
        world.events.add(
            "DEBUG", "User marking node broken", comment, node=machine.system_id, hostname=machine.hostname
        )
    elif kind == "failed-testing":
        machine.manners.fail_test = "smartctl-validate"
        machine.testing_status = FAILED
        _settle(world, machine, states.FAILED_TESTING, ["Testing", "Failed testing"])
    elif kind == "bmc-trouble":
        machine.manners.bmc = "wrong-password"
        machine.power_state = "error"
        _settle(world, machine, states.READY, ["Ready"])
        world.node_event(machine, "WARNING", "Failed to query node's BMC", WRONG_PASSWORD)
    elif kind == "ready":
        _settle(world, machine, states.READY, ["Ready"])
    else:
        _owned(world, machine, kind, addresses)


def _owned(world: World, machine: Machine, kind: str, addresses: _Addresses) -> None:
    machine.owner = world.rng.choice(("admin", "admin", "operator"))
    if kind == "allocated":
        _settle(world, machine, states.ALLOCATED, ["Ready"])
        return
    release = world.rng.choice(("focal", "jammy", "noble"))
    machine.osystem, machine.distro_series = "ubuntu", release
    machine.hwe_kernel = {"focal": "ga-20.04", "jammy": "ga-22.04", "noble": "ga-24.04"}[release]
    machine.installation_set = world.take_id("script_set")
    machine.ip = addresses.take()
    if kind == "failed-deployment":
        machine.manners.fail_deploy = True
        _settle(world, machine, states.FAILED_DEPLOYMENT, ["Deploying", "Failed deployment"])
        return
    machine.netboot = False
    machine.power_state = "on"
    _settle(world, machine, states.DEPLOYED, ["Deployed"])
    machine.locked = kind == "deployed-locked"


def _commissioned(world: World, machine: Machine) -> None:
    machine.hardware, machine.ever_passed = machine.found, True
    machine.commissioning_set, machine.commissioning_status = world.take_id("script_set"), PASSED
    machine.testing_set, machine.testing_status = world.take_id("script_set"), PASSED


def _settle(world: World, machine: Machine, status: int, events: list[str]) -> None:
    machine.status = machine.previous_status = status
    for name in events:
        world.node_event(machine, "INFO", name)


def _make_history(world: World) -> None:
    world.region_event("DEBUG", "Region import info", "Started importing of boot images from 1 source(s).")
    world.region_event(
        "DEBUG", "Region import info", "Importing images from source: http://images.maas.io/ephemeral-v3/stable/"
    )
    world.repositories = [dict(r) for r in world.repositories]
    for repository in world.repositories:
        if repository["name"] == "main_archive":
            repository["url"] = "http://archive.ubuntu.com/ubuntu"
    world.notifications.append(
        {
            "ident": "release_notification",
            "user": None,
            "users": True,
            "admins": True,
            "message": "A newer release of MAAS is available.",
            "context": {},
            "category": "info",
            "dismissable": True,
            "id": world.take_id("notification"),
            "resource_uri": f"{API}/notifications/1/",
        }
    )
