"""The network: fabrics, VLANs, subnets, their ranges, and what else MAAS knows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.addresses import free_blocks
from bot.maas.errors import MaasError
from bot.maas.models_network import AddressInUse, IpRange
from bot.maas.models_region import Subnet, Vlan
from bot.maas.network_picture import (
    NetworkPicture,
    SubnetUnclear,
    given_away,
    network_in,
    read_network,
    seen_around,
    subnet_name,
    vlan_name,
)
from bot.message import Bold, Bullets, Code, Facts, Mark, Message, Note, Paragraph, Part, Table, Text, say
from bot.policy import Risk

#: Rows of a table; the rest is counted.
_ROWS = 40
#: Lines of a list.
_LINES = 12
#: Subnets that are shown as lines; more are a table.
_FEW = 6


@command("network", risk=Risk.READ, example="/maas network")
async def network(ctx: Context, *subnet: str) -> Message:
    """Show the network: fabrics, VLANs, subnets, who serves DHCP, how full each subnet is.

    With a subnet (its CIDR, name, or an address in it): that one with its ranges, what is free, and who is there.
    """
    picture = await read_network(ctx.region.api)
    if subnet:
        return await _one(ctx, picture, find_subnet(picture, " ".join(subnet)))
    shown = picture.subnets[:_ROWS]
    usage = await asyncio.gather(*(_used(ctx, one) for one in shown))
    rows = [
        (subnet_name(one), served(picture, one.vlan), used, vlan_name(one.vlan), one.gateway_ip or "none")
        for one, used in zip(shown, usage, strict=True)
    ]
    counts = f"{count(len(picture.fabrics), 'fabric')}, {count(len(picture.vlans), 'VLAN')}, "
    title = counts + count(len(picture.subnets), "subnet")
    parts: list[Part] = [Paragraph([Bold(title)])]
    if len(rows) > _FEW:
        columns = ("Subnet", "DHCP", "Used", "VLAN", "Gateway")
        parts.append(Table(columns, rows, caption=title, total=len(picture.subnets)))
    elif rows:
        # A phone shows two columns of a table; of few subnets all can be read as lines.
        parts.append(Bullets([_subnet_line(*row) for row in rows]))
    bare = [vlan for vlan in picture.vlans if not picture.subnets_on(vlan)]
    if bare:
        names = ", ".join(f"{vlan_name(one)}{_racks_told(picture, one)}" for one in bare[:_LINES])
        more = f" and {len(bare) - _LINES} more" if len(bare) > _LINES else ""
        parts.append(Paragraph([f"Without a subnet: {names}{more}."]))
    parts += [Paragraph(line) for line in troubles(picture)]
    parts.append(Note([Code("/maas network SUBNET"), " shows one, ", Code("/maas dhcp"), " who gives addresses."]))
    return Message(f"{title}.", tuple(parts))


@command("ranges", risk=Risk.READ, example="/maas ranges lab-net")
async def ranges(ctx: Context, *subnet: str) -> Message:
    """List the ranges of all subnets, or of one: dynamic ones are for DHCP, reserved ones MAAS leaves alone."""
    picture = await read_network(ctx.region.api)
    chosen = [find_subnet(picture, " ".join(subnet))] if subnet else list(picture.subnets)
    found = [one for where in chosen for one in picture.ranges_in(where)]
    where = f" in {subnet_name(chosen[0])}" if subnet else ""
    if not found:
        return say(f"There is no range{where}. ", Code("/maas ranges add SUBNET A-B"), " makes one.")
    title = f"{count(len(found), 'range')}{where}"
    rows = [
        (str(one.id), f"{one.start_ip} - {one.end_ip}", one.type, one.subnet, str(_size(one)), one.comment)
        for one in found[:_ROWS]
    ]
    columns = ("Id", "Range", "Type", "Subnet", "Addresses", "Comment")
    return Message(f"{title}.", (Paragraph([Bold(title)]), Table(columns, rows, caption=title, total=len(found))))


def find_subnet(picture: NetworkPicture, typed: str) -> Subnet:
    """The subnet that these words name.

    Raises:
        RefusalError: none, or several; it says which there are.
    """
    try:
        return picture.subnet(typed)
    except SubnetUnclear as unclear:
        text = str(unclear)
        raise RefusalError(say(f"{text[:1].upper()}{text[1:]}.")) from None


def served(picture: NetworkPicture, vlan: Vlan | None) -> str:
    """Who gives addresses on a VLAN, in a few words."""
    if vlan is None:
        return "no VLAN"
    if vlan.dhcp_on:
        second = f", {picture.rack_name(vlan.secondary_rack)}" if vlan.secondary_rack else ""
        return f"on: {picture.rack_name(vlan.primary_rack)}{second}"
    if vlan.relay_vlan_id is not None:
        return f"relayed to {vlan_name(picture.vlan(vlan.relay_vlan_id))}"
    return f"off; {vlan.external_dhcp} answers there" if vlan.external_dhcp else "off"


def troubles(picture: NetworkPicture) -> list[Text]:
    """What is wrong with DHCP, one line each."""
    lines: list[Text] = []
    for vlan in picture.vlans:
        if vlan.dhcp_on and not picture.dynamic_on(vlan):
            told = f" {vlan_name(vlan)}: DHCP is on, and there is no dynamic range to give addresses from. "
            lines.append([Mark.FAIL, told, Code("/maas dhcp enable SUBNET"), " makes one."])
        if vlan.dhcp_on and vlan.external_dhcp:
            told = f" {vlan_name(vlan)}: another DHCP server, {vlan.external_dhcp}, answers there as well."
            lines.append([Mark.WARN, told])
    return lines


async def _one(ctx: Context, picture: NetworkPicture, subnet: Subnet) -> Message:
    api = ctx.region.api
    spans, addresses, seen, reserved_ips = await asyncio.gather(
        api.taken_addresses(subnet.id),
        api.addresses_in_use(subnet.id),
        api.discoveries(unknown_only=True),
        api.reserved_ips(),
    )
    where = network_in(subnet)
    taken = given_away(spans, addresses, reserved_ips)
    free = free_blocks(where, taken) if where is not None else []
    neighbours = seen_around(seen, where) if where is not None else []
    title = subnet_name(subnet)
    parts: list[Part] = [
        Paragraph([Bold(title), f"  on {vlan_name(subnet.vlan)}"]),
        Facts(
            [
                ("DHCP", [served(picture, subnet.vlan)]),
                ("Used", [await _used(ctx, subnet)]),
                ("Gateway", [subnet.gateway_ip or "none"]),
                ("DNS", [", ".join(subnet.dns_servers) or "MAAS's own"]),
                ("Racks there", [_rack_names(picture, subnet.vlan) or "none"]),
                ("Managed", ["by MAAS" if subnet.managed else "elsewhere: MAAS gives only from its ranges"]),
            ]
        ),
    ]
    found = picture.ranges_in(subnet)
    lines: list[Text] = [
        [f"{one.type}: ", Code(f"{one.start_ip} - {one.end_ip}"), f"  id {one.id}  {one.comment}".rstrip()]
        for one in found
    ]
    parts += [Paragraph([Bold("Ranges")]), Bullets(lines) if lines else Paragraph(["None."])]
    largest = sorted(free, key=lambda one: -one.size)[:3]
    told = ", ".join(f"{one} ({one.size})" for one in largest)
    parts.append(Paragraph([Bold("Largest free: "), told or "nothing"]))
    if addresses:
        parts += [Paragraph([Bold("Addresses in use")]), Bullets(_in_use(addresses))]
    if neighbours:
        text = ", ".join(f"{one} ({one.what})" for one in neighbours[:_LINES])
        parts.append(Paragraph([Bold("Seen there, unknown to MAAS: "), text]))
    return Message(f"{title} on {vlan_name(subnet.vlan)}: DHCP {served(picture, subnet.vlan)}.", tuple(parts))


def _subnet_line(name: str, dhcp: str, used: str, vlan: str, gateway: str) -> Text:
    return [Bold(name), f"  on {vlan}; DHCP {dhcp}; {used} used; gateway {gateway}"]


def _in_use(addresses: Sequence[AddressInUse]) -> list[Text]:
    ordered = sorted(addresses, key=_number)
    lines: list[Text] = [
        [Code(one.ip), f"  {one.hostname or one.user or 'unknown'}{', leased' if one.leased else ''}"]
        for one in ordered[:_LINES]
    ]
    if len(ordered) > _LINES:
        lines.append([f"and {len(ordered) - _LINES} more"])
    return lines


def _number(one: AddressInUse) -> int:
    try:
        return int(ip_address(one.ip))
    except ValueError:
        return 0


async def _used(ctx: Context, subnet: Subnet) -> str:
    try:
        usage = await ctx.region.api.subnet_usage(subnet.id)
    except MaasError:
        return "not known"
    if usage.total_addresses > 1_000_000:
        return f"{usage.num_unavailable}"
    return f"{usage.num_unavailable} of {usage.total_addresses}"


def _racks_told(picture: NetworkPicture, vlan: Vlan) -> str:
    names = _rack_names(picture, vlan)
    return f" (rack {names})" if names else ""


def _rack_names(picture: NetworkPicture, vlan: Vlan | None) -> str:
    return ", ".join(rack.hostname for rack in picture.racks_on(vlan)) if vlan is not None else ""


def _size(one: IpRange) -> int:
    try:
        return int(ip_address(one.end_ip)) - int(ip_address(one.start_ip)) + 1
    except ValueError:
        return 0


def count(number: int, word: str, many: str = "") -> str:
    """`1 subnet`, `3 subnets`, `no subnets`."""
    return f"{number} {word}" if number == 1 else f"{number or 'no'} {many or word + 's'}"
