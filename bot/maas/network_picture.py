"""A region's network at a glance: what lies on what, which racks reach it, and which addresses are given away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address

from bot.maas.addresses import Block, IPNetwork, block, network_of
from bot.maas.models_network import AddressInUse, Discovery, IpRange, RackLinks, ReservedIp, TakenSpan
from bot.maas.models_region import Fabric, Subnet, Vlan
from bot.maas.region import Region

#: MAAS's words for why an address is not free (op=reserved_ip_ranges), and ours.
_PURPOSES = {
    "gateway-ip": "the gateway",
    "assigned-ip": "assigned",
    "dynamic": "dynamic range",
    "reserved": "reserved range",
    "dns-server": "DNS server",
    "neighbour": "seen on the network",
}
#: Names that one message offers.
_OFFERED = 6


class SubnetUnclear(LookupError):  # noqa: N818 - named after what it is; its text is for people
    """Words that name no subnet, or several. The text says which there are."""


@dataclass(frozen=True, slots=True)
class NetworkPicture:
    """Fabrics with their VLANs, subnets, ranges, and the racks with their interfaces, as read at one moment."""

    fabrics: tuple[Fabric, ...]
    subnets: tuple[Subnet, ...]
    ranges: tuple[IpRange, ...]
    racks: tuple[RackLinks, ...]

    @property
    def vlans(self) -> list[Vlan]:
        return [vlan for fabric in self.fabrics for vlan in fabric.vlans]

    def subnets_on(self, vlan: Vlan) -> list[Subnet]:
        return [one for one in self.subnets if one.vlan is not None and one.vlan.id == vlan.id]

    def ranges_in(self, subnet: Subnet, kind: str = "") -> list[IpRange]:
        return [one for one in self.ranges if one.subnet_id == subnet.id and kind in {"", one.type}]

    def dynamic_on(self, vlan: Vlan) -> list[IpRange]:
        """The ranges that DHCP of a VLAN hands addresses out of."""
        return [one for subnet in self.subnets_on(vlan) for one in self.ranges_in(subnet, "dynamic")]

    def racks_on(self, vlan: Vlan) -> list[RackLinks]:
        """Racks with an interface on a VLAN, those with an address there first."""
        there = [(rack, rack.addresses_on(vlan.id)) for rack in self.racks]
        found = [(rack, links) for rack, links in there if links is not None]
        found.sort(key=lambda pair: (not any(link.ip_address for link in pair[1]), pair[0].hostname))
        return [rack for rack, _ in found]

    def rack_name(self, system_id: str) -> str:
        """A rack's host name; its id where the rack is not there (any more)."""
        return next((rack.hostname for rack in self.racks if rack.system_id == system_id), system_id)

    def vlan(self, vlan_id: int) -> Vlan | None:
        return next((one for one in self.vlans if one.id == vlan_id), None)

    def subnet(self, typed: str) -> Subnet:
        """The subnet that a person means: by CIDR, name, id, an address in it, or its fabric's name.

        Raises:
            SubnetUnclear: there is none, or several; the text says which.
        """
        wanted = typed.strip().lower().removeprefix("cidr:").removeprefix("name:")
        exact = [one for one in self.subnets if wanted in {one.cidr.lower(), one.name.lower(), f"id:{one.id}"}]
        found = exact or [one for one in self.subnets if _holds(one, wanted)]
        found = found or [one for one in self.subnets if one.vlan is not None and one.vlan.fabric.lower() == wanted]
        found = found or [one for one in self.subnets if wanted == str(one.id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise SubnetUnclear(f"several subnets fit {typed[:60]}: {_listing(found)}. Write the CIDR of yours")
        if not self.subnets:
            raise SubnetUnclear("MAAS knows no subnet yet: its racks report those that they have an address in")
        names = [name for one in self.subnets for name in {one.cidr, one.name}]
        near = get_close_matches(wanted, names, 2, 0.6)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise SubnetUnclear(f"there is no subnet {typed[:60]}; {hint}MAAS has {_listing(self.subnets)}")


async def read_network(api: Region) -> NetworkPicture:
    """Read all of it: four short calls. Raises MaasError."""
    fabrics, subnets, ranges, racks = await asyncio.gather(
        api.fabrics(), api.subnets(), api.ip_ranges(), api.rack_links()
    )
    return NetworkPicture(tuple(fabrics), tuple(subnets), tuple(ranges), tuple(racks))


def vlan_name(vlan: Vlan | None) -> str:
    """`lab untagged`, `fabric-0 VLAN 100 (storage)`: a VLAN as MAAS's own pages call it."""
    if vlan is None:
        return "no VLAN"
    if vlan.vid == 0:
        return f"{vlan.fabric} {vlan.name or 'untagged'}"
    named = f" ({vlan.name})" if vlan.name and vlan.name not in {str(vlan.vid), f"vlan-{vlan.vid}"} else ""
    return f"{vlan.fabric} VLAN {vlan.vid}{named}"


def subnet_name(subnet: Subnet) -> str:
    """`lab-net (10.98.0.0/16)`, or the CIDR alone where that is its name."""
    return subnet.cidr if subnet.name in {"", subnet.cidr} else f"{subnet.name} ({subnet.cidr})"


def network_in(subnet: Subnet) -> IPNetwork | None:
    """The subnet's network; None where MAAS gives none that can be read."""
    try:
        return network_of(subnet.cidr)
    except ValueError:
        return None


def given_away(
    spans: Sequence[TakenSpan], addresses: Sequence[AddressInUse], reserved: Sequence[ReservedIp] | None = None
) -> list[Block]:
    """What of a subnet is not free, each block saying what for and, where it is one machine's, whose."""
    blocks = []
    for span in spans:
        made = _block(span.start, span.end)
        if made is None:
            continue
        what = ", ".join(_PURPOSES.get(one, one) for one in span.purpose) or "taken"
        names = [one.hostname for one in addresses if one.hostname and _in(made, one.ip)]
        if names and "assigned-ip" in span.purpose:
            what = f"{what} to {', '.join(names[:2])}" + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        blocks.append(Block(made.first, made.last, what))
    for one in reserved or ():
        made = _block(one.ip, one.ip)
        if made is not None:
            blocks.append(Block(made.first, made.last, f"reserved for {one.mac_address}"))
    return blocks


def seen_around(discoveries: Sequence[Discovery], network: IPNetwork) -> list[Block]:
    """What the racks saw in a subnet that MAAS does not know: neighbours, which keep the addresses that they have."""
    found: dict[str, Block] = {}
    for one in discoveries:
        made = _block(one.ip, one.ip)
        if made is not None and made.version == network.version and made.first in network:
            who = one.hostname or one.mac_organization or one.mac_address or "something"
            found[one.ip] = Block(made.first, made.last, who)
    return sorted(found.values(), key=lambda made: int(made.first))


def _block(first: str, last: str) -> Block | None:
    try:
        return block(first, last)
    except ValueError:
        return None


def _in(wanted: Block, ip: str) -> bool:
    try:
        return wanted.holds(ip_address(ip))
    except ValueError:
        return False


def _holds(subnet: Subnet, wanted: str) -> bool:
    network = network_in(subnet)
    try:
        return network is not None and ip_address(wanted) in network
    except ValueError:
        return False


def _listing(subnets: Sequence[Subnet]) -> str:
    told = ", ".join(f"{subnet_name(one)} on {vlan_name(one.vlan)}" for one in subnets[:_OFFERED])
    return told + (f" and {len(subnets) - _OFFERED} more" if len(subnets) > _OFFERED else "")
