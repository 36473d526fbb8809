"""Giving machines the configuration of another."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Code, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select


@command("clone", risk=Risk.CHANGE, example="/maas clone node-10 --source node-2", machine="machines")
async def clone(ctx: Context, *machines: str, source: str, network: bool = False, storage: bool = False) -> Plan:
    """Give machines the network and storage configuration of another.

    The machines have to be Ready or Failed testing. Without --network and --storage it is both.

    Args:
        source: the machine whose configuration it is
        network: only its network
        storage: only its storage
    """
    found = await select(ctx, (source,))
    if len(found) > 1:
        raise RefusalError(say(Code(source), f" is {len(found)} machines; it takes one to clone from."))
    selection = await select(ctx, machines)
    options = {
        "ids": [machine.system_id for machine in selection],
        "source": found[0].system_id,
        "source_name": found[0].name,
        "network": network or not storage,
        "storage": storage or not network,
    }
    return await plan_for(ctx, "clone", options, "cloned to")
