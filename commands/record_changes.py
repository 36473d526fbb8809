"""Making and removing static routes and names in MAAS's DNS."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Literal

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.dns_data import record_data
from bot.maas.models_network import StaticRoute
from bot.maas.network_picture import read_network
from bot.message import say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.network import find_subnet
from commands.planning import plan_for

#: Of a name's records: addresses, or one of the types that MAAS keeps besides.
RecordType = Literal["address", "CNAME", "MX", "NS", "SRV", "SSHFP", "TXT"]
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_*]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@command("routes add", risk=Risk.CHANGE, example="/maas routes add lab-net 10.99.0.0/24 10.98.0.1")
async def routes_add(ctx: Context, source: str, destination: str, gateway: str, /, *, metric: int = 100) -> Plan:
    """Make a static route: machines in the first subnet reach the second by this gateway.

    Args:
        metric: of two routes to one place machines take that with the lower one
    """
    picture = await read_network(ctx.region.api)
    begin, end = find_subnet(picture, source), find_subnet(picture, destination)
    if not 0 <= metric <= 2**31 - 1:
        raise RefusalError(say(f"{metric} is no metric: it is a number from 0 on."))
    options = {"source_id": begin.id, "source": begin.cidr, "destination_id": end.id, "destination": end.cidr}
    return await plan_for(ctx, "routes-add", {**options, "gateway": _address(gateway), "metric": metric}, "added")


@command("routes remove", risk=Risk.CHANGE, example="/maas routes remove 3")
async def routes_remove(ctx: Context, number: int, /) -> Plan:
    """Remove a static route, by the number that the list of routes shows."""
    found = await ctx.region.api.static_routes()
    one = next((one for one in found if one.id == number), None)
    if one is None:
        known = "; ".join(f"{one.id}: {_told(one)}" for one in found[:8]) or "none"
        raise RefusalError(say(f"There is no route {number}; there are {known}."))
    return await plan_for(ctx, "routes-remove", {"id": one.id, "told": _told(one)}, "removed")


@command("dns add", risk=Risk.CHANGE, example="/maas dns add registry.maas 10.98.0.5")
async def dns_add(ctx: Context, name: str, /, *value: str, type_: RecordType = "address") -> Plan:
    """Make a name in MAAS's DNS that points to an address, or give it a record of another type.

    An address makes an A record, or an AAAA record for IPv6. The others: CNAME NAME, MX PREFERENCE NAME, NS NAME,
    SRV PRIORITY WEIGHT PORT NAME, SSHFP ALGORITHM TYPE FINGERPRINT, TXT TEXT. A domain's own name can have MX, NS and
    TXT.

    Args:
        type: of the record
    """
    fqdn = name.lower().rstrip(".")
    if type_ == "address":
        if not _NAME.fullmatch(fqdn):
            raise RefusalError(say(f"{name[:80]} is no whole name; write it with its domain, like registry.maas."))
        if len(value) != 1:
            raise RefusalError(say("Write the name and one address, or say with --type which other record it is."))
        return await plan_for(ctx, "dns-add", {"fqdn": fqdn, "ip": _address(value[0])}, "added")
    if not _NAME.fullmatch(f"{fqdn}.maas"):
        raise RefusalError(say(f"{name[:80]} is no name."))
    ours = [one.name.lower() for one in await ctx.region.api.domains() if f".{fqdn}".endswith(f".{one.name.lower()}")]
    try:
        data = record_data(type_, list(value), max(ours, key=len, default=""))
    except ValueError as error:
        raise RefusalError(say(str(error))) from None
    return await plan_for(ctx, "dns-add", {"fqdn": fqdn, "type": type_, "data": data}, "added")


@command("dns remove", risk=Risk.DESTRUCTIVE, example="/maas dns remove registry.maas")
async def dns_remove(ctx: Context, name: str, /) -> Plan:
    """Remove a name that people made from MAAS's DNS, with all that it points to."""
    fqdn = name.lower().rstrip(".")
    names = await ctx.region.api.dns_resources()
    found = [one for one in names if one.fqdn.lower() == fqdn]
    if not found:
        made = [one for one in await ctx.region.api.dns_resources(everything=True) if one.fqdn.lower() == fqdn]
        if made:
            raise RefusalError(say(f"{fqdn} is MAAS's own name for a machine; it goes with the machine."))
        known = ", ".join(sorted({one.fqdn for one in names})[:8]) or "none"
        raise RefusalError(say(f"There is no name {name[:80]}; people made {known}."))
    return await plan_for(ctx, "dns-remove", {"id": found[0].id, "fqdn": fqdn}, "removed")


def _address(typed: str) -> str:
    try:
        return str(ip_address(typed))
    except ValueError:
        raise RefusalError(say(f"{typed[:60]} is no IP address.")) from None


def _told(one: StaticRoute) -> str:
    return f"{one.source} to {one.destination} by {one.gateway_ip}"
