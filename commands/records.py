"""What MAAS knows of the network besides subnets: names, routes, reserved addresses, and what its racks saw."""

from __future__ import annotations

import asyncio

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.decoding import moment
from bot.message import Bold, Bullets, Code, Message, Note, Paragraph, Part, Span, Table, Text, When, say
from bot.policy import Risk
from commands.network import count

#: Rows of a table, lines of a list; the rest is counted.
_ROWS, _LINES = 40, 12


@command("reserved", risk=Risk.READ, example="/maas reserved")
async def reserved(ctx: Context) -> Message:
    """List addresses that DHCP keeps for one MAC address (MAAS 3.6 and later)."""
    found = await ctx.region.api.reserved_ips()
    if found is None:
        raise RefusalError(no_reserved_ips(ctx))
    if not found:
        return say("No address is reserved. ", Code("/maas reserved add IP MAC"), " reserves one.")
    title = f"{count(len(found), 'reserved address', 'reserved addresses')}"
    rows = [(str(one.id), one.ip, one.mac_address, one.subnet, one.comment) for one in found[:_ROWS]]
    table = Table(("Id", "Address", "MAC", "Subnet", "Comment"), rows, caption=title, total=len(found))
    return Message(f"{title}.", (Paragraph([Bold(title)]), table))


@command("routes", risk=Risk.READ, example="/maas routes")
async def routes(ctx: Context) -> Message:
    """List the static routes that MAAS gives to machines."""
    found = await ctx.region.api.static_routes()
    if not found:
        return say("There is no static route. ", Code("/maas routes add"), " makes one.")
    title = count(len(found), "static route")
    rows = [(str(one.id), one.source, one.destination, one.gateway_ip, str(one.metric)) for one in found[:_ROWS]]
    table = Table(("Number", "Machines in", "Reach", "By gateway", "Metric"), rows, caption=title, total=len(found))
    return Message(f"{title}.", (Paragraph([Bold(title)]), table))


@command("dns", risk=Risk.READ, example="/maas dns")
async def dns(ctx: Context, *name: str, all_names: bool = False) -> Message:
    """List the domains and the names of MAAS's DNS, or those that contain a word.

    Args:
        all_names: those that MAAS made for its machines as well
    """
    word = " ".join(name).lower()
    domains, resources = await asyncio.gather(
        ctx.region.api.domains(), ctx.region.api.dns_resources(everything=all_names or bool(word))
    )
    rows: list[tuple[str, str, str]] = []
    for one in resources:
        if word in one.fqdn.lower():
            rows += [(one.fqdn, "A" if "." in address.ip else "AAAA", address.ip) for address in one.addresses]
            rows += [(one.fqdn, record.rrtype, record.rrdata) for record in one.records]
    rows = sorted(dict.fromkeys(rows))
    lines: list[Text] = [
        [
            Code(one.name),
            f"  {count(one.resource_record_count, 'record')}",
            ", the default" if one.is_default else "",
            "" if one.authoritative else ", answered for elsewhere",
        ]
        for one in domains[:_LINES]
    ]
    title = f"{count(len(domains), 'domain')}, {count(len(rows), 'record')}" + (f" with {word}" if word else "")
    parts: list[Part] = [Paragraph([Bold(title)]), Bullets(lines)]
    if rows:
        parts.append(Table(("Name", "Type", "Points to"), rows[:_ROWS], caption=title, total=len(rows)))
    if not all_names and not word:
        parts.append(Note(["Names that people made. ", Code("/maas dns --all-names"), " shows the machines' as well."]))
    return Message(f"{title}.", tuple(parts))


@command("discovery", risk=Risk.READ, example="/maas discovery")
async def discovery(ctx: Context, *, all_seen: bool = False) -> Message:
    """List what the racks saw on the network that MAAS does not know, the latest first.

    Args:
        all_seen: what MAAS knows as well
    """
    found = await ctx.region.api.discoveries(unknown_only=not all_seen)
    if not found:
        return say("The racks saw nothing" + (" on the network." if all_seen else " that MAAS does not know."))
    title = f"{count(len(found), 'device')} seen" + ("" if all_seen else ", unknown to MAAS")
    lines: list[Text] = []
    for one in found[:_ROWS]:
        seen = moment(one.last_seen)
        name = f"  {one.hostname}" if one.hostname else ""
        maker = f"  {one.mac_organization}" if one.mac_organization else ""
        where = f"  on {one.fabric_name}" + (f" VLAN {one.vid}" if one.vid else "") if one.fabric_name else ""
        when: list[Span] = ["  last ", When(seen)] if seen is not None else []
        by = f" by {one.observer}" if one.observer else ""
        lines.append([Code(one.ip or "no address"), f"{name}  {one.mac_address}{maker}{where}", *when, by])
    parts: list[Part] = [Paragraph([Bold(title)]), Bullets(lines)]
    if len(found) > _ROWS:
        parts.append(Note([f"{_ROWS} of {len(found)} shown."]))
    return Message(f"{title}.", tuple(parts))


def no_reserved_ips(ctx: Context) -> Message:
    """What to say where MAAS knows no reserved addresses."""
    version = ctx.region.watcher.snapshot.version.value
    runs = version.version if version is not None else "an older version"
    return say(f"Reserved addresses came with MAAS 3.6, and this region runs {runs}.")
