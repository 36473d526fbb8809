"""Deleting machines."""

from __future__ import annotations

from bot.command.context import Context
from bot.command.declaration import command
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select


@command("delete", risk=Risk.DESTRUCTIVE, example="/maas delete node-3", machine="machines")
async def delete(ctx: Context, *machines: str) -> Plan:
    """Remove machines from MAAS with their history and hardware data.

    The machines themselves are left as they are. Deleting a deployed machine can't be undone: its system runs on
    without MAAS.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "delete", {"ids": [machine.system_id for machine in selection]}, "deleted")
