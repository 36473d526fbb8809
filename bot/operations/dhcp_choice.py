"""What it takes to serve a subnet with DHCP: its VLAN, a rack that reaches it, a range. Chosen by looking at MAAS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.maas.addresses import Block, IPNetwork, RangeFault, block, check_range, parse_range, propose
from bot.maas.models_network import IpRange, RackLinks
from bot.maas.models_region import Subnet, Vlan
from bot.maas.network_picture import (
    NetworkPicture,
    given_away,
    network_in,
    seen_around,
    subnet_name,
    vlan_name,
)
from bot.maas.region import Region

#: Neighbours named in one warning.
_NAMED = 4


class NoDhcp(Exception):  # noqa: N818 - its text is the answer: why DHCP, or a range, is not to be had
    """Why it can't be done, in a sentence without its full stop, and what would help."""


@dataclass(frozen=True, slots=True)
class DhcpChoice:
    """How a subnet would be served. `made` says that the range is there already."""

    subnet: Subnet
    vlan: Vlan
    rack: RackLinks
    range: Block
    made: bool
    warnings: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """DHCP is on there already."""
        return self.vlan.dhcp_on


async def choose_dhcp(
    api: Region, picture: NetworkPicture, subnet: Subnet, range_text: str = "", rack_name: str = ""
) -> DhcpChoice:
    """Find VLAN, rack and range for a subnet.

    Args:
        api: of the region.
        picture: its network, read just now.
        subnet: to be served.
        range_text: the range that a person wants; "" for the one that is there, or else a proposed one.
        rack_name: host name or id of the rack that a person wants; "" for one with an address there.

    Raises:
        NoDhcp: it can't be; the text says why.
        MaasError: the region can't be asked.
    """
    network, vlan = network_in(subnet), picture.vlan(subnet.vlan.id) if subnet.vlan is not None else None
    if network is None or vlan is None:
        raise NoDhcp(f"{subnet_name(subnet)} is on no VLAN")
    if network.version != 4:
        raise NoDhcp(
            f"{subnet_name(subnet)} is IPv6, and machines boot over IPv4; name the IPv4 subnet of that network"
        )
    if vlan.relay_vlan_id is not None and not vlan.dhcp_on:
        target = vlan_name(picture.vlan(vlan.relay_vlan_id))
        raise NoDhcp(f"{vlan_name(vlan)} relays DHCP to {target}; MAAS serves a VLAN itself or relays it, not both")
    rack = _rack(picture, vlan, rack_name)
    warnings = _warnings(vlan, subnet)
    existing = picture.ranges_in(subnet, "dynamic")
    wanted = _wanted(range_text)
    same = next((one for one in existing if wanted is not None and _block_of(one) == wanted), None)
    if wanted is None and existing:
        same = max(existing, key=lambda one: _block_of(one).size)
    if same is not None:
        return DhcpChoice(subnet, vlan, rack, _block_of(same), True, tuple(warnings))
    made, more = await _new_range(api, subnet, network, wanted)
    return DhcpChoice(subnet, vlan, rack, made, False, (*warnings, *more))


async def check_new_range(api: Region, subnet: Subnet, wanted: Block, *, dynamic: bool) -> list[str]:
    """See that a range can be made in a subnet. Returns warnings.

    Raises:
        NoDhcp: it can't be; the text says why.
        MaasError: the region can't be asked.
    """
    network = network_in(subnet)
    if network is None:
        raise NoDhcp(f"{subnet_name(subnet)} has no addresses that I can read")
    taken, neighbours = await _taken(api, subnet, network)
    if not dynamic:
        # A reserved range may hold what is in use: it says that MAAS is to leave it alone.
        taken = [one for one in taken if "range" in one.what]
    try:
        check_range(wanted, network, subnet.gateway_ip if dynamic else "", taken)
    except RangeFault as fault:
        raise NoDhcp(str(fault)) from None
    inside = [one for one in neighbours if one.meets(wanted)]
    return [_neighbours_told(wanted, inside)] if inside and dynamic else []


def candidates(picture: NetworkPicture) -> list[Subnet]:
    """The IPv4 subnets that DHCP could be switched on for: untagged, reached by a rack, and served by nobody."""
    found = []
    for subnet in picture.subnets:
        network, vlan = network_in(subnet), picture.vlan(subnet.vlan.id) if subnet.vlan is not None else None
        if network is None or network.version != 4 or vlan is None or vlan.vid != 0 or vlan.dhcp_on:
            continue
        if picture.racks_on(vlan) and not vlan.external_dhcp and vlan.relay_vlan_id is None:
            found.append(subnet)
    return found


async def _new_range(
    api: Region, subnet: Subnet, network: IPNetwork, wanted: Block | None
) -> tuple[Block, Sequence[str]]:
    if wanted is not None:
        return wanted, await check_new_range(api, subnet, wanted, dynamic=True)
    taken, neighbours = await _taken(api, subnet, network)
    found = propose(network, [*taken, *neighbours])
    if found is None:
        raise NoDhcp(
            f"{subnet_name(subnet)} has too few free addresses in a row for a range; name one with --range A-B"
        )
    return found, ()


async def _taken(api: Region, subnet: Subnet, network: IPNetwork) -> tuple[list[Block], list[Block]]:
    spans, addresses, seen, reserved = await asyncio.gather(
        api.taken_addresses(subnet.id),
        api.addresses_in_use(subnet.id),
        api.discoveries(unknown_only=True),
        api.reserved_ips(),
    )
    taken = given_away(spans, addresses, reserved)
    for text in subnet.dns_servers:
        try:
            taken.append(block(text, text, "DNS server"))
        except ValueError:
            continue
    return taken, seen_around(seen, network)


def _wanted(text: str) -> Block | None:
    if not text.strip():
        return None
    try:
        return parse_range(text)
    except RangeFault as fault:
        raise NoDhcp(str(fault)) from None


def _rack(picture: NetworkPicture, vlan: Vlan, name: str) -> RackLinks:
    there = picture.racks_on(vlan)
    if name:
        wanted = next((one for one in picture.racks if name.lower() in {one.hostname.lower(), one.system_id}), None)
        if wanted is None:
            known = ", ".join(one.hostname for one in picture.racks) or "none"
            raise NoDhcp(f"there is no rack {name}; the racks are {known}")
        if wanted not in there:
            others = ", ".join(one.hostname for one in there)
            hint = f"; {others} has one" if others else ""
            raise NoDhcp(f"rack {wanted.hostname} has no interface on {vlan_name(vlan)}{hint}")
        return wanted
    if not there:
        raise NoDhcp(_no_rack(picture, vlan))
    serving = next((one for one in there if vlan.dhcp_on and one.system_id == vlan.primary_rack), None)
    return serving or there[0]


def _no_rack(picture: NetworkPicture, vlan: Vlan) -> str:
    reached = [vlan_name(one) for one in picture.vlans if picture.racks_on(one)]
    where = f"; racks reach {', '.join(reached[:6])}" if reached else "; no rack reaches any VLAN"
    return (
        f"no rack has an interface on {vlan_name(vlan)}{where}. "
        "Connect a rack there and bring its interface up; MAAS sees it within a minute"
    )


def _warnings(vlan: Vlan, subnet: Subnet) -> list[str]:
    warnings = []
    if vlan.vid != 0:
        warnings.append(
            f"{vlan_name(vlan)} is tagged: machines boot from it only where the switch gives it to their port untagged."
        )
    if vlan.external_dhcp:
        warnings.append(
            f"Another DHCP server, {vlan.external_dhcp}, answers on {vlan_name(vlan)}. Two of them give machines "
            "addresses at random; switch that one off first."
        )
    if not subnet.managed:
        warnings.append(f"{subnet_name(subnet)} is not managed by MAAS; it gives addresses from this range only.")
    return warnings


def _neighbours_told(wanted: Block, inside: Sequence[Block]) -> str:
    told = ", ".join(f"{one} ({one.what})" for one in inside[:_NAMED])
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    return f"The racks saw {told}{more} inside {wanted}: such an address may be given out a second time."


def _block_of(one: IpRange) -> Block:
    return block(one.start_ip, one.end_ip)
