"""Rescue mode: a system from memory, with the machine's own disks untouched."""

from __future__ import annotations

from bot.command.context import Context
from bot.command.declaration import command
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select


@command("rescue on", risk=Risk.CHANGE, example="/maas rescue on node-1", machine="machines")
async def rescue_on(ctx: Context, *machines: str) -> Plan:
    """Boot machines into MAAS's rescue system, to look at them and their disks over SSH.

    For a deployed machine another person approves: its own system is cut off meanwhile.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "rescue-on", {"ids": [one.system_id for one in selection]}, "put into rescue mode")


@command("rescue off", risk=Risk.CHANGE, example="/maas rescue off node-1", machine="machines")
async def rescue_off(ctx: Context, *machines: str) -> Plan:
    """Take machines out of rescue mode; they are what they were before."""
    selection = await select(ctx, machines)
    return await plan_for(ctx, "rescue-off", {"ids": [one.system_id for one in selection]}, "taken out of rescue mode")
