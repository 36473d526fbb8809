"""The JSON of a machine: the recorded key set of its version, filled in from the world."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from sandbox.maas import hardware
from sandbox.maas.machine import SCRIPT_STATUS, Machine
from sandbox.maas.template import Template
from sandbox.maas.users import API

if TYPE_CHECKING:
    from sandbox.maas.world import World

SCALARS = [
    "system_id", "hostname", "fqdn", "owner", "status", "status_name", "status_message", "status_action",
    "power_state", "power_type", "osystem", "distro_series", "hwe_kernel", "min_hwe_kernel", "netboot",
    "locked", "description", "architecture", "tag_names", "owner_data", "workload_annotations",
    "ip_addresses", "commissioning_status", "commissioning_status_name", "testing_status",
    "testing_status_name", "storage_test_status", "storage_test_status_name",
    "current_commissioning_result_id", "current_testing_result_id", "current_installation_result_id",
    "hardware_uuid", "enable_hw_sync", "ephemeral_deploy", "sync_interval",
]  # fmt: skip


def without_firmware(disks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in d.items() if k != "firmware_version"} for d in disks]


class MachineRenderer:
    """Prints machines; keeps a template for each shape that occurs."""

    def __init__(self, world: World, bare: dict[str, Any]) -> None:
        self._world = world
        self._bare = bare
        self._templates: dict[tuple[object, ...], Template] = {}
        self._printed: dict[str, tuple[int, str]] = {}
        self._generation = -1

    def one(self, machine: Machine) -> bytes:
        return self._template(machine, 0).fill(self._values(machine)).encode()

    def many(self, machines: list[Machine]) -> bytes:
        if not machines:
            return b"[]"
        rows = [self.row(m) for m in machines]
        return ("[\n    " + ",\n    ".join(rows) + "\n]").encode()

    def row(self, machine: Machine) -> str:
        """The machine as it stands in a list; kept until the machine changes."""
        template = self._template(machine, 1)
        kept = self._printed.get(machine.system_id)
        if kept is None or kept[0] != machine.revision:
            kept = (machine.revision, template.fill(self._values(machine)))
            self._printed[machine.system_id] = kept
        return kept[1]

    def _template(self, machine: Machine, depth: int) -> Template:
        world = self._world
        if self._generation != world.generation:
            self._templates.clear()
            self._printed.clear()
            self._generation = world.generation
        linked = "ip" if machine.ip else "auto"
        key = (
            depth, machine.hardware, machine.subnet, linked, machine.pool, machine.zone, len(machine.macs)
        )  # fmt: skip
        if key not in self._templates:
            self._templates[key] = Template(self._shape(machine), depth)
        return self._templates[key]

    def _shape(self, machine: Machine) -> dict[str, Any]:
        world, network = self._world, self._world.network
        profile = hardware.PROFILES.get(machine.hardware)
        subnet = None if machine.subnet is None else network.subnets.get(machine.subnet)
        links: list[dict[str, Any]] = []
        vlan = None
        if subnet is not None:
            link = {"id": "@@link@@", "mode": "auto", "subnet": network.subnet_json(subnet)}
            links = [{**link, "ip_address": "@%ip%@"} if machine.ip else link]
            vlan = network.vlan_json(network.vlans[subnet.vlan])
        nics = hardware.interfaces(machine.hardware, links, vlan, len(machine.macs))
        disks = hardware.block_devices(machine.hardware)
        shape = dict(self._bare)
        shape.update({name: f"@@{name}@@" for name in SCALARS if name in shape})
        shape.update(
            {
                "pool": world.pool_json(world.pools[machine.pool]),
                "zone": world.zone_json(world.zones[machine.zone]),
                "interface_set": nics,
                "boot_interface": nics[0],
                "blockdevice_set": without_firmware(disks) if world.old else disks,
                "physicalblockdevice_set": disks,
                "boot_disk": disks[0] if disks else None,
                "numanode_set": hardware.numa_nodes(machine.hardware),
                "resource_uri": f"{API}/machines/@%system_id%@/",
            }
        )
        if profile is not None:
            info = {
                **self._bare["hardware_info"],
                "system_vendor": profile.vendor,
                "system_product": profile.product,
                "system_serial": "SN@%serial%@",
                "cpu_model": profile.cpu_model,
                "chassis_vendor": profile.vendor,
                "mainboard_vendor": profile.vendor,
            }
            shape.update(
                {
                    "cpu_count": profile.cpu_count,
                    "memory": profile.memory,
                    "cpu_speed": profile.cpu_speed,
                    "storage": profile.storage,
                    "hardware_info": info,
                }
            )
        if subnet is not None and subnet.gateway_ip:
            shape["default_gateways"] = {
                **shape["default_gateways"],
                "ipv4": {"gateway_ip": subnet.gateway_ip, "link_id": None},
            }
        return shape

    def _values(self, machine: Machine) -> dict[str, object]:
        values: dict[str, object] = {name: getattr(machine, name, None) for name in SCALARS}
        tested = machine.testing_status if machine.testing_set is not None else -1
        values.update(
            {
                "tag_names": machine.tags,
                "ip_addresses": [machine.ip] if machine.ip else [],
                "commissioning_status_name": SCRIPT_STATUS[machine.commissioning_status],
                "testing_status_name": SCRIPT_STATUS[machine.testing_status],
                "storage_test_status": tested,
                "storage_test_status_name": SCRIPT_STATUS[tested],
                "current_commissioning_result_id": machine.commissioning_set,
                "current_testing_result_id": machine.testing_set,
                "current_installation_result_id": machine.installation_set,
                "hardware_uuid": None,
                "sync_interval": 900 if machine.enable_hw_sync else None,
                "ip": machine.ip,
                "link": machine.number * 10 + 1,
                "uuid": f"{zlib.crc32(machine.system_id.encode()):012x}",
                "serial": f"{machine.number:06d}",
            }
        )
        for i in range(max(len(machine.macs), hardware.nic_count(machine.hardware))):
            values[f"nic{i}"] = machine.number * 10 + i
            values[f"mac{i}"] = machine.macs[i] if i < len(machine.macs) else f"{machine.macs[0][:-2]}{0xA0 + i:02x}"
        for i in range(4):
            values[f"disk{i}"] = machine.number * 10 + i
        return values
