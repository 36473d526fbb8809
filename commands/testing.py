"""Testing machines, and aborting what MAAS does to them."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Code, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select
from commands.values import comment as comment_of
from commands.values import names
from commands.values import parameters as values_of
from commands.values import scripts as scripts_of


@command("test", risk=Risk.CHANGE, example="/maas test node-1 --scripts smartctl-long", machine="machines")
async def check_hardware(
    ctx: Context, *machines: str, scripts: str = "", parameters: str = "", enable_ssh: bool = False
) -> Plan:
    """Test the hardware of machines; afterwards they are what they were before.

    Machines are named as for `commission`. For a deployed machine another person approves: it is shut down for the
    tests. Tests that destroy what is on the disks can't be undone.

    Args:
        scripts: these instead of MAAS's default tests (names or tags, comma-separated)
        parameters: values for scripts, like smartctl-validate_storage=sda (comma-separated)
        enable_ssh: leave each machine on afterwards, with SSH open
    """
    selection = await select(ctx, machines)
    wanted = names(scripts)
    chosen = await scripts_of(ctx, wanted, tests=True)
    options = {
        "ids": [machine.system_id for machine in selection],
        "testing_scripts": wanted,
        "destructive": sorted({one.name for one in chosen if one.destructive}),
        "parameters": values_of(parameters),
        "enable_ssh": enable_ssh,
    }
    return await plan_for(ctx, "test", options, "tested")


@command("abort", risk=Risk.CHANGE, example="/maas abort node-1", machine="machines")
async def abort(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Stop what MAAS does to machines: commissioning, tests, an installation, the erasing of disks.

    What an operation of mine does is stopped by `cancel`, which tells its thread too.

    Args:
        comment: for MAAS's event log
    """
    selection = await select(ctx, machines)
    for machine in selection:
        holder = await ctx.operations.line.holder(ctx.region.name, machine.system_id)
        if holder is not None:
            words = Code(f"/maas cancel {holder.id}")
            raise RefusalError(
                say(Code(machine.name), f": {holder.id} ({holder.plan.title}) is at work on it. ", words, " stops it.")
            )
    options = {"ids": [machine.system_id for machine in selection], "comment": comment_of(comment)}
    return await plan_for(ctx, "abort", options, "aborted")
