"""Brings a stand-in into the state that a recording was made in."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.maas import Machine, RegionStandIn
from sandbox.maas import machine as states
from sandbox.maas.images import BootFile, BootResource
from sandbox.maas.machine import STATUS_NAMES
from sandbox.maas.world import Named
from tests.contract.exchanges import Exchange
from tests.contract.need_tables import NEEDS

STATUS_NUMBERS = {name: number for number, name in STATUS_NAMES.items()}
LAB_29 = {
    "br3aen": ("m-manual", "52:54:00:00:00:01", "manual", "Commissioning"),
    "4gmh7n": ("m-ipmi", "52:54:00:00:00:02", "ipmi", "New"),
    "y8k8f7": ("m-ipmi2", "52:54:00:00:00:03", "ipmi", "Ready"),
    "7kcsxt": ("m-bmcauth", "52:54:00:00:01:67", "ipmi", "New"),
    "tm4rhn": ("m-bmctimeout", "52:54:00:00:01:66", "ipmi", "New"),
    "sefcbn": ("m-bmcslow", "52:54:00:00:01:68", "ipmi", "New"),
    "a7638e": ("fleet-0007", "52:54:00:00:02:07", "ipmi", "Deployed"),
}
LAB_34 = [
    "6n4n6k",
    "qgmqcp",
    "kfr8nb",
    "bn7nah",
    "w66nny",
    "r77exd",
    "nandq3",
    "db6ep4",
    "r43n8s",
    "qh7dse",
    "8fc3ah",
    "t8tw6n",
    "rpck8x",
    "73nq4g",
    "w4trw4",
    "nshb8s",
    "sk6mq3",
    "4h34cq",
    "m6wqy6",
    "cpy4rb",
]
STATES_34 = {10: "Deployed", 11: "Deployed", 12: "Deployed", 13: "Deployed", 14: "Deployed", 15: "Allocated",
             16: "New", 17: "Broken", 18: "Failed testing", 19: "Failed deployment"}  # fmt: skip


def make_lab(version: str) -> RegionStandIn:
    """A region as it was when most of the recordings of this version were made."""
    region = RegionStandIn(version=version, machines=0, speed=2000)
    world = region.world
    world.admin.email = "admin@example.com"
    _network(region)
    images = world.images
    images.sources.clear()
    images.resources.clear()
    images.next_ids = {"source": 1, "selection": 1, "resource": 1}
    if world.old:
        world.rack_id, world.name = "hy3khk", "vm"
        world.zones = {"default": Named(1, "default")}
        world.pools = {0: Named(0, "default", "Default pool")}
        world.tags = {}
        images.next_ids["source"] = 3
        images.add_ubuntu("focal")
        _machines_29(region)
    else:
        world.rack_id, world.name = "8fsgck" if world.recent else "4bpgyk", "vm"
        world.zones = {n: Named(i, n) for i, n in enumerate(("default", "az1", "az2"), 1)}
        world.pools = {i: Named(i, n) for i, n in enumerate(("default", "gpu", "ci"))}
        world.next_ids["zone"] = 4
        for release in ("jammy", "noble") if world.recent else ("focal", "noble"):
            images.add_ubuntu(release)
        for name in () if world.recent else ("bad", "golden"):
            images.resources[images.take_id("resource")] = BootResource(
                images.next_ids["resource"] - 1, "Uploaded", name, "amd64/generic", "generic", "20261122",
                [BootFile("root-tgz", "0" * 64, 150_000, 150_000)], "uploaded", "",
            )  # fmt: skip
        _machines_34(region)
    images.select(images.add_source(), "noble" if world.recent else "focal")
    world.settings["commissioning_distro_series"] = "noble" if world.recent else "focal"
    world.network.rack = world.rack_id
    world.groups_changed()
    return region


def _network(region: RegionStandIn) -> None:
    network = region.world.network
    for rows in (network.fabrics, network.vlans, network.subnets, network.ranges):
        rows.clear()
    old = region.world.old
    region.world.routes, region.world.discoveries, region.world.dns_names = [], [], []
    region.world.rack_addresses = ["10.99.0.2"]
    first_vlan = 5001 if old or region.world.recent else 1
    network.next_ids = {"fabric": 0, "vlan": first_vlan, "subnet": 1, "space": 1, "range": 1, "reserved": 1}
    network.add_fabric()
    network.add_fabric("fabric-1" if old else "lab")
    if old:
        network.add_fabric("fab-b")
        network.add_vlan(2, 100, "v100")
        network.add_subnet("10.77.0.0/24", 5001)
        network.rack_vlans = {5001, 5002}
        region.world.rack_addresses = ["10.77.0.1"]
    else:
        network.add_subnet("10.99.0.0/24", first_vlan)
        network.add_subnet("10.98.0.0/16", first_vlan + 1, "lab-net", gateway_ip="10.98.0.1")
        network.rack_vlans = {first_vlan, first_vlan + 1}


def _machines_29(region: RegionStandIn) -> None:
    for system_id, (hostname, mac, power, status) in LAB_29.items():
        manners = {"7kcsxt": "wrong-password", "tm4rhn": "timeout", "sefcbn": "slow"}
        machine = region.world.add_machine(hostname, system_id=system_id, macs=[mac], power_type=power)
        machine.manners.bmc = manners.get(system_id, "ok")
        put_into(region, machine, status)


def _machines_34(region: RegionStandIn) -> None:
    for index, system_id in enumerate(LAB_34):
        machine = region.world.add_machine(
            f"node{index:04d}",
            system_id=system_id,
            macs=[f"52:54:00:00:00:{index:02x}"],
            power_type="manual",
            pool=index % 3,
            zone=("default", "az1", "az2")[index % 3],
            tags=[("virtual", "ssd", "bigmem")[index % 3]],
        )
        put_into(region, machine, STATES_34.get(index, "Ready"))
    name = "6w834y" if region.world.recent else "kyccyw"
    fresh = region.world.add_machine("fresh1", system_id=name, macs=["52:54:00:ee:00:01"], power_type="manual")
    put_into(region, fresh, "New")


def put_into(region: RegionStandIn, machine: Machine, status: str, owner: str | None = "admin") -> None:
    """Gives the machine a status, and what goes with it."""
    world = region.world
    machine.status = machine.return_to = STATUS_NUMBERS[status]
    if status != "New":
        machine.commissioning_set = world.take_id("script_set")
        machine.testing_set = world.take_id("script_set")
        machine.commissioning_status = machine.testing_status = 0 if status == "Commissioning" else 2
        machine.status_message, machine.status_action = status, ""
    if status not in ("New", "Commissioning", "Failed commissioning"):
        machine.hardware = "small"
        machine.subnet = 1 if world.old else 2
    machine.owner = owner if status not in ("New", "Ready", "Broken", "Failed testing") else None
    if status in ("Deployed", "Deploying", "Failed deployment", "Disk erasing"):
        machine.osystem, machine.distro_series = "ubuntu", "focal"
        machine.installation_set = world.take_id("script_set")
        machine.ip = f"10.77.0.{machine.number + 3}" if world.old else f"10.98.10.{machine.number}"
        machine.power_state = "on"
    if status == "Disk erasing":
        machine.return_to = states.DEPLOYED


def prepare(region: RegionStandIn, exchange: Exchange) -> None:
    """What this one recording needs beyond the lab."""
    if exchange.method == "GET" and exchange.is_json and exchange.status == 200 and exchange.answer:
        _mirror_read(region, exchange)
    for pattern, need in NEEDS[region.version.rpartition(".")[0]]:
        if re.fullmatch(pattern, exchange.name):
            need(region)


def _mirror_read(region: RegionStandIn, exchange: Exchange) -> None:
    """For a read, the recording itself tells the state."""
    body = json.loads(exchange.answer)
    if "/boot-resources/" in exchange.url and "op=" not in exchange.url:
        region.world.images.resources.clear()
        for row in body if isinstance(body, list) else [body]:
            _mirror_image(region, row)
        return
    if "/machines/" not in exchange.url and "/nodes/" not in exchange.url:
        return
    for row in body if isinstance(body, list) else [body]:
        if isinstance(row, dict) and row.get("system_id") in region.world.machines and "status_name" in row:
            machine = region.world.machines[row["system_id"]]
            if "osystem" in row:
                put_into(region, machine, row["status_name"], row["owner"])
                machine.power_state = row["power_state"]


def _mirror_image(region: RegionStandIn, row: dict[str, Any]) -> None:
    sets = row.get("sets", {"20260101": {"label": "stable", "files": {}}})
    version, found = next(iter(sets.items()))
    files = []
    for name, file in found["files"].items():
        upside_down = file.get("progress", 0)
        done = file["size"] if file["complete"] else (int(file["size"] / upside_down) if upside_down else 0)
        files.append(BootFile(name, file["sha256"], file["size"], done))
    region.world.images.resources[row["id"]] = BootResource(
        row["id"], row["type"], row["name"], row["architecture"], row.get("subarches", ""), version, files,
        found["label"], row.get("title"),
    )  # fmt: skip
