"""Fabrics, VLANs, subnets, spaces and IP ranges, and how the API prints them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from sandbox.maas.users import API


@dataclass
class Fabric:
    id: int
    name: str
    class_type: str | None = None
    description: str = ""


@dataclass
class Vlan:
    id: int
    vid: int
    name: str
    fabric: int
    mtu: int = 1500
    dhcp_on: bool = False
    primary_rack: str | None = None
    secondary_rack: str | None = None
    relay_vlan: int | None = None
    space: int | None = None
    external_dhcp: str | None = None


@dataclass
class Subnet:
    id: int
    name: str
    cidr: str
    vlan: int
    description: str = ""
    gateway_ip: str | None = None
    dns_servers: list[str] = field(default_factory=list)
    rdns_mode: int = 2
    allow_dns: bool = True
    allow_proxy: bool = True
    active_discovery: bool = False
    managed: bool = True

    @property
    def network(self) -> IPv4Network | IPv6Network:
        return ip_network(self.cidr)


@dataclass
class Space:
    id: int
    name: str
    description: str = ""


@dataclass
class IpRange:
    id: int
    type: str
    start_ip: str
    end_ip: str
    subnet: int
    user: str
    comment: str = ""

    def holds(self, address: str) -> bool:
        return int(ip_address(self.start_ip)) <= int(ip_address(address)) <= int(ip_address(self.end_ip))


@dataclass
class ReservedIp:
    """An address that DHCP keeps for one MAC address."""

    id: int
    ip: str
    mac_address: str
    subnet: int
    comment: str = ""


class Network:
    """`generation` changes with every change, so that what was printed can be printed anew."""

    def __init__(self, *, old: bool, rack: str, first_vlan: int) -> None:
        self.old = old
        self.generation = 0
        self.fabrics: dict[int, Fabric] = {}
        self.vlans: dict[int, Vlan] = {}
        self.subnets: dict[int, Subnet] = {}
        self.spaces: dict[int, Space] = {}
        self.ranges: dict[int, IpRange] = {}
        self.reserved: dict[int, ReservedIp] = {}
        self.rack_vlans: set[int] = set()
        self.rack = rack
        self.next_ids = {"fabric": 0, "vlan": first_vlan, "subnet": 1, "space": 1, "range": 1, "reserved": 1}

    def changed(self) -> None:
        self.generation += 1

    def take_id(self, kind: str) -> int:
        number = self.next_ids[kind]
        self.next_ids[kind] = number + 1
        self.changed()
        return number

    def add_fabric(self, name: str = "", class_type: str | None = None) -> Fabric:
        """A fabric with its untagged VLAN."""
        number = self.take_id("fabric")
        fabric = Fabric(number, name or f"fabric-{number}", class_type)
        self.fabrics[number] = fabric
        self.add_vlan(fabric.id, 0, "untagged")
        return fabric

    def add_vlan(self, fabric: int, vid: int, name: str, mtu: int = 1500) -> Vlan:
        vlan = Vlan(self.take_id("vlan"), vid, name, fabric, mtu)
        self.vlans[vlan.id] = vlan
        return vlan

    def add_subnet(self, cidr: str, vlan: int, name: str = "", **more: Any) -> Subnet:
        subnet = Subnet(self.take_id("subnet"), name or cidr, cidr, vlan, **more)
        self.subnets[subnet.id] = subnet
        return subnet

    def add_range(
        self, kind: str, start: str, end: str, subnet: int, *, user: str = "admin", comment: str = ""
    ) -> IpRange:
        found = IpRange(self.take_id("range"), kind, start, end, subnet, user, comment)
        self.ranges[found.id] = found
        return found

    def reserve(self, ip: str, mac: str, subnet: int, comment: str = "") -> ReservedIp:
        found = ReservedIp(self.take_id("reserved"), ip, mac, subnet, comment)
        self.reserved[found.id] = found
        return found

    def reserved_for(self, macs: list[str], subnet: int) -> str | None:
        """The address that is kept in the subnet for one of these MAC addresses."""
        return next((r.ip for r in self.reserved.values() if r.mac_address in macs and r.subnet == subnet), None)

    def untagged(self, fabric: int) -> Vlan:
        return next(v for v in self.vlans.values() if (v.fabric, v.vid) == (fabric, 0))

    def subnet_of(self, address: str) -> Subnet | None:
        return next((s for s in self.subnets.values() if ip_address(address) in s.network), None)

    def dynamic_ranges(self, vlan: int) -> list[IpRange]:
        return [r for r in self.ranges.values() if r.type == "dynamic" and self.subnets[r.subnet].vlan == vlan]

    def space_name(self, vlan: Vlan) -> str:
        return self.spaces[vlan.space].name if vlan.space is not None else "undefined"

    def vlan_json(self, vlan: Vlan) -> dict[str, Any]:
        relay = None if vlan.relay_vlan is None else self.vlans[vlan.relay_vlan]
        return {
            "vid": vlan.vid,
            "mtu": vlan.mtu,
            "dhcp_on": vlan.dhcp_on,
            "external_dhcp": vlan.external_dhcp,
            "relay_vlan": None if relay is None else self.vlan_json(relay),
            "space": self.space_name(vlan),
            "primary_rack": vlan.primary_rack,
            "secondary_rack": vlan.secondary_rack,
            "id": vlan.id,
            "name": vlan.name,
            "fabric_id": vlan.fabric,
            "fabric": self.fabrics[vlan.fabric].name,
            "resource_uri": f"{API}/vlans/{vlan.id}/",
        }

    def subnet_json(self, subnet: Subnet) -> dict[str, Any]:
        vlan = self.vlans[subnet.vlan]
        row = {
            "id": subnet.id,
            "name": subnet.name,
            "description": subnet.description,
            "vlan": self.vlan_json(vlan),
            "cidr": subnet.cidr,
            "rdns_mode": subnet.rdns_mode,
            "gateway_ip": subnet.gateway_ip,
            "dns_servers": subnet.dns_servers,
            "allow_dns": subnet.allow_dns,
            "allow_proxy": subnet.allow_proxy,
            "active_discovery": subnet.active_discovery,
            "managed": subnet.managed,
            "space": self.space_name(vlan),
            "resource_uri": f"{API}/subnets/{subnet.id}/",
        }
        if not self.old:
            row["disabled_boot_architectures"] = []
        return row

    def fabric_json(self, fabric: Fabric) -> dict[str, Any]:
        return {
            "id": fabric.id,
            "name": fabric.name,
            "class_type": fabric.class_type,
            "vlans": [self.vlan_json(v) for v in self.vlans.values() if v.fabric == fabric.id],
            "resource_uri": f"{API}/fabrics/{fabric.id}/",
        }

    def space_json(self, space: Space | None) -> dict[str, Any]:
        """A space; None is the "undefined" one that holds everything without a space."""
        number = None if space is None else space.id
        vlans = [v for v in self.vlans.values() if v.space == number]
        ids = {v.id for v in vlans}
        row: dict[str, Any] = {
            "id": -1 if number is None else number,
            "name": "undefined" if space is None else space.name,
            "vlans": [self.vlan_json(v) for v in vlans],
            "subnets": [self.subnet_json(s) for s in self.subnets.values() if s.vlan in ids],
            "resource_uri": f"{API}/spaces/{'undefined' if number is None else number}/",
        }
        if not self.old:
            row["description"] = (
                "Backward compatibility object to ensure objects not associated with a space can be found."
                if space is None
                else space.description
            )
        return row

    def dump(self) -> dict[str, Any]:
        kinds = ("fabrics", "vlans", "subnets", "spaces", "ranges", "reserved")
        rows: dict[str, Any] = {k: [asdict(x) for x in getattr(self, k).values()] for k in kinds}
        return {**rows, "rack_vlans": sorted(self.rack_vlans), "next_ids": self.next_ids}

    def load(self, rows: dict[str, Any]) -> None:
        self.fabrics = {r["id"]: Fabric(**r) for r in rows["fabrics"]}
        self.vlans = {r["id"]: Vlan(**r) for r in rows["vlans"]}
        self.subnets = {r["id"]: Subnet(**r) for r in rows["subnets"]}
        self.spaces = {r["id"]: Space(**r) for r in rows["spaces"]}
        self.ranges = {r["id"]: IpRange(**r) for r in rows["ranges"]}
        self.reserved = {r["id"]: ReservedIp(**r) for r in rows.get("reserved", [])}
        self.rack_vlans = set(rows["rack_vlans"])
        self.next_ids.update(rows["next_ids"])
        self.changed()


def free_address(subnet: Subnet, taken: set[str], ranges: list[IpRange]) -> str | None:
    """The first address of the subnet that nobody has and that no range holds."""
    network = subnet.network
    for number in range(int(network.network_address) + 10, int(network.broadcast_address)):
        address = str(IPv4Address(number)) if network.version == 4 else str(ip_address(number))
        if address in taken or address == subnet.gateway_ip:
            continue
        if any(r.subnet == subnet.id and r.holds(address) for r in ranges):
            continue
        return address
    return None
