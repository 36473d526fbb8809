"""The rack controller and the region controller: one host that is both, as in a small MAAS."""

from __future__ import annotations

from typing import Any

from sandbox.maas import data_files
from sandbox.maas.faults import Faults
from sandbox.maas.world import World

DEAD_SERVICES = {"tftp", "dhcpd", "dhcpd6", "rackd", "ntp_rack"}
LOST_SERVICES = {"http", "dns_rack", "syslog_rack", "proxy_rack"}


class Controllers:
    """Prints the controllers with today's names, network and state of services."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._rack: dict[str, Any] = data_files.load(world.version, "rackcontroller")
        self._region: dict[str, Any] = data_files.load(world.version, "regioncontroller")

    @property
    def rack_alive(self) -> bool:
        return self._world.rack_alive and not self._faults.is_active("dead-rack")

    def rack_json(self) -> dict[str, Any]:
        row = self._named(self._rack, "rackcontrollers")
        row["service_set"] = [self._service(s) for s in row["service_set"]]
        row["interface_set"] = self._interfaces(row["interface_set"])
        row["ip_addresses"] = list(self._world.rack_addresses)
        return row

    def _interfaces(self, recorded: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One interface on each VLAN that the rack reaches, with its addresses there."""
        network, made = self._world.network, []
        link = next(link for one in recorded for link in one["links"])
        for index, number in enumerate(sorted(network.rack_vlans)):
            row = dict(recorded[min(index, len(recorded) - 1)])
            row.update(id=index + 1, name=f"eth{index}", vlan=network.vlan_json(network.vlans[number]))
            there = [(s, a) for a in self._world.rack_addresses if (s := network.subnet_of(a)) and s.vlan == number]
            row["links"] = [
                {**link, "id": 10 * index + n, "ip_address": address, "subnet": network.subnet_json(subnet)}
                for n, (subnet, address) in enumerate(there, 1)
            ]
            made.append(row)
        return made

    def region_json(self) -> dict[str, Any]:
        return self._named(self._region, "regioncontrollers")

    def _service(self, service: dict[str, Any]) -> dict[str, Any]:
        name = service["name"]
        if not self.rack_alive:
            if name in DEAD_SERVICES:
                return {"name": name, "status": "dead", "status_info": ""}
            if name in LOST_SERVICES:
                return {"name": name, "status": "unknown", "status_info": ""}
            return service
        if name == "dhcpd" and any(v.dhcp_on for v in self._world.network.vlans.values()):
            if self._faults.is_active("dhcpd-fails"):
                return {"name": name, "status": "dead", "status_info": "maas-dhcpd failed to start"}
            return {"name": name, "status": "running", "status_info": ""}
        return service

    def _named(self, recorded: dict[str, Any], kind: str) -> dict[str, Any]:
        world = self._world
        recorded_id = recorded["system_id"]
        row = _renamed(recorded, recorded_id, world.rack_id)
        row["hostname"] = world.region_hostname
        row["fqdn"] = f"{world.region_hostname}.maas"
        row["zone"] = world.zone_json(world.zones["default"])
        row["resource_uri"] = f"/MAAS/api/2.0/{kind}/{world.rack_id}/"
        assert isinstance(row, dict)
        return row


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {k: _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, old, new) for v in value]
    return value.replace(old, new) if isinstance(value, str) else value
