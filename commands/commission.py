"""Commissioning machines."""

from __future__ import annotations

from bot.command.context import Context
from bot.command.declaration import command
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select
from commands.values import names, scripts
from commands.values import parameters as values_of


@command("commission", risk=Risk.CHANGE, example="/maas commission node-3", machine="machines")
async def commission(
    ctx: Context,
    *machines: str,
    enable_ssh: bool = False,
    skip_bmc_config: bool = False,
    skip_networking: bool = False,
    skip_storage: bool = False,
    commissioning_scripts: str = "",
    testing_scripts: str = "",
    parameters: str = "",
    when_ready: bool = False,
) -> Plan:
    """Take stock of machines and test them, so that they become Ready.

    Machines are named by host name, system id, pattern (`node-*`), `tag:gpu`, `pool:lab`, `zone:az1` or `status:new`;
    `status:new+zone:az1` means both. The plan is shown first, and you confirm it.

    Args:
        enable_ssh: leave each machine on afterwards, with SSH open
        skip_bmc_config: keep the BMC as it is configured
        skip_networking: keep the network as it is configured
        skip_storage: keep the storage as it is configured
        commissioning_scripts: run these besides MAAS's own (names or tags, comma-separated)
        testing_scripts: run these tests instead of the default ones; none for no tests
        parameters: values for scripts, like smartctl-validate_storage=sda (comma-separated)
        when_ready: wait for the image that they boot, where it is not there yet
    """
    selection = await select(ctx, machines)
    extra, tests = names(commissioning_scripts), names(testing_scripts)
    await scripts(ctx, extra, tests=False)
    await scripts(ctx, tests, tests=True)
    options = {
        "ids": [machine.system_id for machine in selection],
        "enable_ssh": enable_ssh,
        "skip_bmc_config": skip_bmc_config,
        "skip_networking": skip_networking,
        "skip_storage": skip_storage,
        "commissioning_scripts": extra,
        "testing_scripts": tests,
        "parameters": values_of(parameters),
        "when_ready": when_ready,
    }
    return await plan_for(ctx, "commission", options, "commissioned")


@command("accept", risk=Risk.CHANGE, example="/maas accept status:new", machine="machines")
async def accept(ctx: Context, *machines: str) -> Plan:
    """Take in machines that enlisted themselves: MAAS commissions them with its defaults.

    The same as commission without any options, and only for machines that are New.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "accept", {"ids": [machine.system_id for machine in selection]}, "accepted")
