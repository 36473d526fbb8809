"""Hardware that commissioning finds: a few believable profiles, in the shape of the API's machine.

Values that differ between machines of one profile are slots: "@@name@@" stands for a whole JSON value and
`@%name%@` for a part of a string; see `template`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.maas.users import API

NODE = f"{API}/nodes/@%system_id%@"


@dataclass(frozen=True)
class Disk:
    name: str
    size: int
    model: str
    serial: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """`memory` in MiB, disk sizes in bytes, `cpu_speed` in MHz."""

    cpu_count: int
    memory: int
    cpu_speed: int
    cpu_model: str
    vendor: str
    product: str
    nics: int
    nic_vendor: str
    nic_product: str
    disks: tuple[Disk, ...]

    @property
    def storage(self) -> float:
        return sum(d.size for d in self.disks) / 1e6


PROFILES = {
    "small": Profile(
        8, 15918, 2400, "Intel(R) Core(TM) i7-4700MQ CPU", "Dell Inc.", "PowerEdge R240", 1,
        "Intel Corporation", "Ethernet Connection I217-LM",
        (Disk("sda", 512110190592, "Crucial_CT512M55", "14060968BCD8", ("ssd", "sata")),),
    ),
    "compute": Profile(
        32, 131072, 2900, "Intel(R) Xeon(R) Gold 6226R CPU", "Supermicro", "SYS-1029P-WTR", 2,
        "Intel Corporation", "Ethernet Controller X710 for 10GBASE-T",
        (
            Disk("sda", 480103981056, "SAMSUNG MZ7LH480", "S45PNA0M520000", ("ssd", "sata")),
            Disk("sdb", 480103981056, "SAMSUNG MZ7LH480", "S45PNA0M520001", ("ssd", "sata")),
        ),
    ),
    "storage": Profile(
        16, 65536, 2100, "AMD EPYC 7282 16-Core Processor", "HPE", "ProLiant DL385 Gen10", 2,
        "Mellanox Technologies", "MT27800 Family [ConnectX-5]",
        (
            Disk("sda", 240057409536, "INTEL SSDSC2KB24", "PHYF0123005K240AGN", ("ssd", "sata")),
            Disk("sdb", 6001175126016, "WDC WD60EFRX-68M", "WD-WX11D6700001", ("rotary", "5400rpm", "sata")),
            Disk("sdc", 6001175126016, "WDC WD60EFRX-68M", "WD-WX11D6700002", ("rotary", "5400rpm", "sata")),
        ),
    ),
}  # fmt: skip


def nic_count(profile: str) -> int:
    return PROFILES[profile].nics if profile else 1


def interfaces(
    profile: str, links: list[dict[str, Any]], vlan: dict[str, Any] | None, macs: int
) -> list[dict[str, Any]]:
    """The interface_set: the first interface carries the links; an uncommissioned machine has bare ones."""
    hardware = PROFILES.get(profile)
    count = max(macs, hardware.nics if hardware else 1)
    return [
        {
            "id": f"@@nic{i}@@",
            "type": "physical",
            "name": f"eth{i}",
            "mac_address": f"@%mac{i}%@",
            "vendor": hardware.nic_vendor if hardware else None,
            "product": hardware.nic_product if hardware else None,
            "firmware_version": "1.2.3.4" if hardware else None,
            "link_speed": 1000 if hardware else 0,
            "interface_speed": 1000 if hardware else 0,
            "link_connected": True,
            "links": links if i == 0 else [],
            "vlan": vlan if i == 0 else None,
            "tags": ["sriov"] if hardware and hardware.nics > 1 else [],
            "effective_mtu": 1500,
            "params": {},
            "enabled": True,
            "parents": [],
            "children": [],
            "discovered": None,
            "numa_node": 0,
            "sriov_max_vf": 8 if hardware else 0,
            "system_id": "@%system_id%@",
            "resource_uri": f"{NODE}/interfaces/@%nic{i}%@/",
        }
        for i in range(count)
    ]


def block_devices(profile: str) -> list[dict[str, Any]]:
    """The blockdevice_set: a root file system on the first disk, the others unused."""
    hardware = PROFILES.get(profile)
    return [_disk(i, d) for i, d in enumerate(hardware.disks)] if hardware else []


def _disk(index: int, disk: Disk) -> dict[str, Any]:
    first = index == 0
    uri = f"{NODE}/blockdevices/@%disk{index}%@/"
    size = disk.size - 6643712
    partition = {
        "id": f"@@disk{index}@@",
        "device_id": f"@@disk{index}@@",
        "uuid": "78ab1e6b-6445-4ab6-abf1-@%uuid%@",
        "size": size,
        "bootable": False,
        "tags": [],
        "type": "partition",
        "system_id": "@%system_id%@",
        "path": f"/dev/disk/by-dname/{disk.name}-part1",
        "used_for": "ext4 formatted filesystem mounted at /",
        "filesystem": {
            "fstype": "ext4",
            "label": "root",
            "uuid": "8f34c8b2-6b6c-4294-9499-@%uuid%@",
            "mount_point": "/",
            "mount_options": None,
        },
        "resource_uri": f"{uri}partition/@%disk{index}%@",
    }
    return {
        "id": f"@@disk{index}@@",
        "type": "physical",
        "name": disk.name,
        "path": f"/dev/disk/by-dname/{disk.name}",
        "id_path": f"/dev/disk/by-id/ata-{disk.model.replace(' ', '_')}_{disk.serial}",
        "model": disk.model,
        "serial": disk.serial,
        "firmware_version": "MU01",
        "size": disk.size,
        "used_size": size if first else 0,
        "available_size": 0 if first else disk.size,
        "block_size": 4096,
        "numa_node": 0,
        "tags": list(disk.tags),
        "used_for": "GPT partitioned with 1 partition" if first else "Unused",
        "partition_table_type": "GPT" if first else None,
        "partitions": [partition] if first else [],
        "filesystem": None,
        "storage_pool": None,
        "uuid": None,
        "system_id": "@%system_id%@",
        "resource_uri": uri,
    }


def numa_nodes(profile: str) -> list[dict[str, Any]]:
    hardware = PROFILES.get(profile)
    if hardware is None:
        return [{"index": 0, "memory": 0, "cores": [], "hugepages_set": []}]
    cores = list(range(hardware.cpu_count))
    return [{"index": 0, "memory": hardware.memory, "cores": cores, "hugepages_set": []}]
