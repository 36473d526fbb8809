"""Where machines belong and what they are called: rename, notes, tag, untag, pool, zone."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.errors import clean
from bot.message import Code, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select
from commands.values import NOTES, hostname, one_of


@command("rename", risk=Risk.CHANGE, example="/maas rename node-3 db-1", machine="machine")
async def rename(ctx: Context, machine: str, name: str, /) -> Plan:
    """Give one machine another name."""
    selection = await select(ctx, (machine,))
    if len(selection) > 1:
        raise RefusalError(say(Code(machine), f" is {len(selection)} machines; a name is for one."))
    wanted = hostname(name)
    other = next((one for one in ctx.region.fleet.find(wanted) if one.hostname.casefold() == wanted), None)
    if other is not None and other.system_id != selection[0].system_id:
        raise RefusalError(
            say(Code(wanted), f" is the name of another machine already (id:{other.system_id}, {other.status_name}).")
        )
    return await plan_for(ctx, "rename", {"ids": [selection[0].system_id], "hostname": wanted}, "renamed")


@command("notes", risk=Risk.CHANGE, example="/maas notes node-3 --text 'PSU replaced in May'", machine="machines")
async def notes(ctx: Context, *machines: str, text: str) -> Plan:
    """Write the notes of machines, in the place of what stands there.

    Args:
        text: at most 1,000 characters; "" takes the notes away
    """
    options = {"ids": await _ids(ctx, machines), "text": clean(text, NOTES)}
    return await plan_for(ctx, "notes", options, "changed")


@command("tag", risk=Risk.CHANGE, example="/maas tag node-3 node-7 --name gpu", machine="machines")
async def tag(ctx: Context, *machines: str, name: str) -> Plan:
    """Put a tag on machines. A tag that is not there yet is made.

    Args:
        name: of the tag
    """
    return await plan_for(ctx, "tag", {"ids": await _ids(ctx, machines), "tag": _tag(name)}, "tagged")


@command("untag", risk=Risk.CHANGE, example="/maas untag node-3 --name gpu", machine="machines")
async def untag(ctx: Context, *machines: str, name: str) -> Plan:
    """Take a tag off machines.

    Args:
        name: of the tag
    """
    tags = {one.name for one in await ctx.region.api.tags()}
    options = {"ids": await _ids(ctx, machines), "tag": one_of("tag", name, tags)}
    return await plan_for(ctx, "untag", options, "untagged")


@command("pool", risk=Risk.CHANGE, example="/maas pool node-3 --to lab", machine="machines")
async def pool(ctx: Context, *machines: str, to: str) -> Plan:
    """Move machines to another resource pool.

    Args:
        to: name of the pool
    """
    pools = {one.name for one in await ctx.region.api.pools()}
    return await plan_for(ctx, "pool", {"ids": await _ids(ctx, machines), "to": one_of("pool", to, pools)}, "moved")


@command("zone", risk=Risk.CHANGE, example="/maas zone node-3 --to rack-b", machine="machines")
async def zone(ctx: Context, *machines: str, to: str) -> Plan:
    """Move machines to another zone.

    Args:
        to: name of the zone
    """
    zones = {one.name for one in await ctx.region.api.zones()}
    return await plan_for(ctx, "zone", {"ids": await _ids(ctx, machines), "to": one_of("zone", to, zones)}, "moved")


async def _ids(ctx: Context, machines: tuple[str, ...]) -> list[str]:
    return [machine.system_id for machine in await select(ctx, machines)]


def _tag(name: str) -> str:
    wanted = clean(name, 60)
    if not wanted or not all(letter.isascii() and (letter.isalnum() or letter in "_.-") for letter in wanted):
        raise RefusalError(say(Code(wanted or "(nothing)"), " is no tag: letters from a to z, digits, _, . and -."))
    return wanted
