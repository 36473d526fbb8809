"""DHCP: who gives addresses where; switching it on and off; ranges and reserved addresses."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.addresses import RangeFault, parse_range
from bot.maas.models_network import IpRange
from bot.maas.models_region import Vlan
from bot.maas.network_picture import NetworkPicture, read_network, subnet_name, vlan_name
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, Span, Text, say
from bot.operations.dhcp import choice_options
from bot.operations.dhcp_choice import NoDhcp, choose_dhcp
from bot.operations.network_steps import ends_of
from bot.operations.plan import Plan
from bot.operations.ranges import MAC
from bot.policy import Risk
from commands.network import count, find_subnet, troubles
from commands.planning import plan_for
from commands.records import no_reserved_ips

#: Lines of a list; the rest is counted.
_LINES = 20


@command("dhcp", risk=Risk.READ, example="/maas dhcp")
async def dhcp(ctx: Context) -> Message:
    """Show where MAAS gives addresses: VLANs, racks, ranges, and what is wrong there."""
    picture = await read_network(ctx.region.api)
    racks = {rack.system_id: rack for rack in await ctx.region.api.racks()}
    on = [vlan for vlan in picture.vlans if vlan.dhcp_on]
    off = [vlan for vlan in picture.vlans if not vlan.dhcp_on]
    lines: list[Text] = []
    for vlan in on:
        rack = racks.get(vlan.primary_rack)
        server = rack.service("dhcpd") if rack is not None else None
        well = rack is not None and rack.connected and (server is None or server.status in {"running", "degraded"})
        state = "" if well else f"; its DHCP server is {server.status if server is not None and rack else 'gone'}"
        ranges = ", ".join(f"{one.start_ip} - {one.end_ip}" for one in picture.dynamic_on(vlan)) or "no range"
        by = picture.rack_name(vlan.primary_rack)
        lines.append([Mark.OK if well else Mark.FAIL, " ", Bold(vlan_name(vlan)), f"  by {by}{state}  {ranges}"])
    title = f"DHCP is on for {count(len(on), 'VLAN')}" if on else "DHCP is off on every VLAN"
    parts: list[Part] = [Paragraph([Bold(title)])]
    parts += [Bullets(lines[:_LINES])] if lines else [Paragraph(["Nothing can boot over the network."])]
    parts += [Paragraph(line) for line in troubles(picture)]
    if off:
        parts += [Paragraph([Bold("Off")]), Bullets([_off_line(picture, vlan) for vlan in off[:_LINES]])]
    parts.append(Note([Code("/maas dhcp enable SUBNET"), ", ", Code("/maas dhcp disable SUBNET")]))
    return Message(f"{title}.", tuple(parts))


def _off_line(picture: NetworkPicture, vlan: Vlan) -> Text:
    subnets = ", ".join(subnet_name(one) for one in picture.subnets_on(vlan)) or "no subnet"
    racks = ", ".join(rack.hostname for rack in picture.racks_on(vlan))
    spans: list[Span] = [Mark.IDLE, " ", Bold(vlan_name(vlan)), f"  {subnets}; "]
    if vlan.relay_vlan_id is not None:
        return [*spans, f"relayed to {vlan_name(picture.vlan(vlan.relay_vlan_id))}"]
    other = f"; {vlan.external_dhcp} gives addresses there" if vlan.external_dhcp else ""
    return [*spans, f"reached by {racks}{other}" if racks else f"no rack has an interface there{other}"]


@command("dhcp enable", risk=Risk.CHANGE, example="/maas dhcp enable lab-net")
async def dhcp_enable(ctx: Context, subnet: str, /, *, range_: str = "", rack: str = "") -> Plan:
    """Let MAAS give addresses in a subnet, so that machines boot over the network.

    Without a range, the dynamic range that is there is used, or one is proposed from what is free. The plan shows
    range, VLAN and rack; the range is made first, then DHCP is switched on, then it is seen that the server runs.

    Args:
        range: addresses to give, like 10.0.0.100-10.0.0.200
        rack: the rack that serves; it needs an interface there
    """
    picture = await read_network(ctx.region.api)
    chosen = find_subnet(picture, subnet)
    try:
        choice = await choose_dhcp(ctx.region.api, picture, chosen, range_, rack)
    except NoDhcp as reason:
        raise RefusalError(_no(f"DHCP can't be enabled for {subnet_name(chosen)}: {reason}")) from None
    return await plan_for(ctx, "dhcp-enable", choice_options(choice), "enabled")


@command("dhcp disable", risk=Risk.CHANGE, example="/maas dhcp disable lab-net")
async def dhcp_disable(ctx: Context, subnet: str, /) -> Plan:
    """Let MAAS give no more addresses on a subnet's VLAN. The plan says who loses one; then another person approves."""
    picture = await read_network(ctx.region.api)
    chosen = find_subnet(picture, subnet)
    if chosen.vlan is None:
        raise RefusalError(_no(f"{subnet_name(chosen)} is on no VLAN"))
    options = {"fabric": chosen.vlan.fabric_id, "vid": chosen.vlan.vid, "vlan": vlan_name(chosen.vlan)}
    return await plan_for(ctx, "dhcp-disable", options, "disabled")


@command("ranges add", risk=Risk.CHANGE, example="/maas ranges add lab-net 10.98.0.10-10.98.0.50")
async def ranges_add(
    ctx: Context,
    subnet: str,
    addresses: str,
    /,
    *,
    type_: Literal["reserved", "dynamic"] = "reserved",
    comment: str = "",
) -> Plan:
    """Make a range: a reserved one that MAAS leaves alone, or a dynamic one for DHCP.

    Args:
        type: reserved or dynamic
        comment: shown with the range
    """
    picture = await read_network(ctx.region.api)
    chosen = find_subnet(picture, subnet)
    try:
        wanted = parse_range(addresses)
    except RangeFault as fault:
        raise RefusalError(_no(str(fault))) from None
    options = {
        "subnet": chosen.id,
        "range": f"{wanted.first}-{wanted.last}",
        "type": type_,
        "comment": comment,
    }
    return await plan_for(ctx, "ranges-add", options, "added")


@command("ranges remove", risk=Risk.CHANGE, example="/maas ranges remove 10.98.0.10-10.98.0.50")
async def ranges_remove(ctx: Context, addresses: str, /) -> Plan:
    """Remove a range, named by its ends or its id. The last one that running DHCP gives addresses from stays."""
    picture = await read_network(ctx.region.api)
    found = _range(picture, addresses)
    options = {"id": found.id, "told": f"{found.start_ip} - {found.end_ip}"}
    return await plan_for(ctx, "ranges-remove", options, "removed")


@command("reserved add", risk=Risk.CHANGE, example="/maas reserved add 10.98.0.9 52:54:00:aa:00:01")
async def reserved_add(ctx: Context, ip: str, mac: str, /, *, comment: str = "") -> Plan:
    """Keep an address for one MAC address (MAAS 3.6 and later).

    Args:
        comment: shown with the address
    """
    try:
        address = str(ip_address(ip))
    except ValueError:
        raise RefusalError(_no(f"{ip[:60]} is no IP address")) from None
    written = mac.lower().replace("-", ":")
    if not MAC.fullmatch(written):
        raise RefusalError(_no(f"{mac[:60]} is no MAC address; write it like 52:54:00:aa:00:01"))
    options = {"ip": address, "mac": written, "comment": comment}
    return await plan_for(ctx, "reserved-add", options, "reserved")


@command("reserved remove", risk=Risk.CHANGE, example="/maas reserved remove 10.98.0.9")
async def reserved_remove(ctx: Context, ip: str, /) -> Plan:
    """Give a reserved address back (MAAS 3.6 and later)."""
    found = await ctx.region.api.reserved_ips()
    if found is None:
        raise RefusalError(no_reserved_ips(ctx))
    one = next((one for one in found if ip in {one.ip, str(one.id)}), None)
    if one is None:
        known = ", ".join(one.ip for one in found[:8]) or "none"
        raise RefusalError(_no(f"{ip[:60]} is not reserved; reserved are {known}"))
    options = {"id": one.id, "ip": one.ip, "mac": one.mac_address}
    return await plan_for(ctx, "reserved-remove", options, "given back")


def _range(picture: NetworkPicture, typed: str) -> IpRange:
    if typed.isascii() and typed.removeprefix("id:").isdigit():
        found = [one for one in picture.ranges if one.id == int(typed.removeprefix("id:"))]
    else:
        try:
            wanted = parse_range(typed)
        except RangeFault as fault:
            raise RefusalError(_no(str(fault))) from None
        found = [one for one in picture.ranges if ends_of(one) == wanted]
    if found:
        return found[0]
    known = ", ".join(f"{one.start_ip}-{one.end_ip} (id {one.id})" for one in picture.ranges[:8]) or "none"
    raise RefusalError(_no(f"There is no range {typed[:60]}; there are {known}"))


def _no(text: str) -> Message:
    return say(f"{text}.")
