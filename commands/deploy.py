"""Deploying machines."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.sheet import Blank, Sheet, SheetWanted
from bot.maas.models import Machine
from bot.message import say
from bot.operations import machine_facts as facts
from bot.operations.deploying import newer_than
from bot.operations.plan import Plan
from bot.operations.power_state import PowerState, power_state
from bot.policy import Risk
from commands.cloud_init import fault_in
from commands.planning import plan_for
from commands.selecting import select
from commands.values import comment as comment_of

#: BMCs asked before a plan is shown, and for how many seconds: one that hangs keeps MAAS waiting for a minute.
_ASKED, _PATIENCE = 12, 8.0
#: The first release of MAAS that was seen to run a system from memory.
_IN_MEMORY = (3, 4)


def _faults(filled: Mapping[str, str]) -> dict[str, str]:
    fault = fault_in(filled["cloud_init"])
    return {"cloud_init": f"{fault[0].upper()}{fault[1:]}"} if fault else {}


@command("deploy", risk=Risk.CHANGE, example="/maas deploy node-2 --series noble", machine="machines", faults=_faults)
async def deploy(
    ctx: Context,
    *machines: str,
    os: str = "",
    series: str = "",
    kernel: str = "",
    cloud_init: bool = False,
    in_memory: bool = False,
    when_ready: bool = False,
    comment: str = "",
) -> Plan:
    """Install an operating system on Ready machines.

    Machines are named as for `commission`. Before you are asked it is looked at whether the image is there and
    complete, whether each machine has a network, and whether its BMC answers. With --cloud-init attach a file to your
    message, put the text between three backticks, or fill in the form that you get.

    Args:
        os: ubuntu, centos, custom…; MAAS's default without it
        series: the release, like noble or ubuntu/noble; MAAS's default without it
        kernel: like hwe-22.04; MAAS's default without it
        cloud_init: give the system data for cloud-init; nobody else sees it
        in_memory: run it from memory and leave the disks as they are (MAAS 3.4 and later)
        when_ready: wait for the image, where it is not there yet
        comment: for MAAS's event log
    """
    selection = await select(ctx, machines)
    if in_memory and not await newer_than(ctx.region, _IN_MEMORY):
        raise RefusalError(say("This region's MAAS can't deploy to memory; that takes MAAS 3.4 or later."))
    options = {
        "ids": [machine.system_id for machine in selection],
        "osystem": os.strip().lower(),
        "series": series.strip().lower(),
        "kernel": kernel.strip().lower(),
        "in_memory": in_memory,
        "when_ready": when_ready,
        "comment": comment_of(comment),
    }
    if cloud_init:
        data = await _cloud_init(ctx)
        text = data.get_secret_value()
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        options["cloud_init_is"] = f"{len(text.splitlines())} lines of data, sha256 {digest}…"
        # What it is told of is the same for the same data, and so is the plan; the key to it is not.
        options["sealed"] = {"cloud_init": await ctx.operations.seal(data)}
    plan = await plan_for(ctx, "deploy", options, "deployed")
    chosen = {target.key for target in plan.targets}
    warnings = await _power(ctx, [machine for machine in selection if machine.system_id in chosen])
    return replace(plan, warnings=(*plan.warnings, *warnings))


async def _cloud_init(ctx: Context) -> SecretStr:
    """The data from what came beside the words; a sheet to write it where nothing did."""
    data = await ctx.given.text("cloud_init")
    if data is None:
        blank = Blank("cloud_init", "Data for cloud-init", "Begins with #cloud-config or #!", lines=True, most=3000)
        why = "What is cloud-init to do? Write it, or attach a file to a message that mentions me."
        raise SheetWanted(Sheet("Write cloud-init data", why, [blank]))
    fault = fault_in(data.get_secret_value())
    if fault:
        raise RefusalError(say(f"The data for cloud-init can't be used: {fault} Nothing was planned."))
    return data


async def _power(ctx: Context, machines: list[Machine]) -> list[str]:
    """What is wrong with the machines' power, in sentences. A BMC that hangs is not waited for."""
    asked = [machine for machine in machines if facts.switchable(machine)]
    if len(asked) > _ASKED:
        trouble = [machine for machine in asked if machine.power_state == "error"]
        known = [f"MAAS has trouble with the BMC of {facts.named(trouble)}: it will hardly start."] if trouble else []
        return [f"The {len(asked)} BMCs were not asked now; /maas power status asks up to 30 at a time.", *known]

    async def one(machine: Machine) -> PowerState | None:
        try:
            return await asyncio.wait_for(power_state(ctx.region, machine), _PATIENCE)
        except TimeoutError:
            return None

    states = await asyncio.gather(*(one(machine) for machine in asked))
    silent = [machine for machine, state in zip(asked, states, strict=True) if state is None]
    refusing = [state for state in states if state is not None and state.state not in {"on", "off"}]
    warnings = []
    if silent:
        named = facts.named(silent)
        warnings.append(f"The BMC of {named} has not answered for {_PATIENCE:g} s: it may not start.")
    warnings += [f"{state.machine.name} will hardly start: {state.said}." for state in refusing[:5]]
    if len(refusing) > 5:
        warnings.append(f"The BMCs of {len(refusing) - 5} more machines are in trouble, too.")
    return warnings
