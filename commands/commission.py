"""Commissioning machines."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Code, Message, Paragraph, Span
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select


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
    at_once: int = 25,
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
        at_once: how many machines at the same time
        when_ready: wait for the image that they boot, where it is not there yet
    """
    selection = await select(ctx, machines)
    if at_once < 1:
        raise RefusalError(
            Message("--at-once takes a number from 1 up.", (Paragraph(["--at-once takes a number from 1 up."]),))
        )
    options = {
        "ids": [machine.system_id for machine in selection],
        "enable_ssh": enable_ssh,
        "skip_bmc_config": skip_bmc_config,
        "skip_networking": skip_networking,
        "skip_storage": skip_storage,
        "commissioning_scripts": _names(commissioning_scripts),
        "testing_scripts": _names(testing_scripts),
        "parameters": _parameters(parameters),
        "at_once": at_once,
        "when_ready": when_ready,
    }
    return await plan_for(ctx, "commission", options, "commissioned")


def _names(text: str) -> list[str]:
    return [name for name in text.replace(" ", ",").split(",") if name]


def _parameters(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in _names(text):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            spans: list[Span] = [
                Code(pair),
                " is no parameter; write NAME=VALUE, like ",
                Code("smartctl-validate_storage=sda"),
                ".",
            ]
            raise RefusalError(Message(f"{pair} is no parameter; write NAME=VALUE.", (Paragraph(spans),)))
        values[name] = value
    return values
