"""Power: on, off, off and on again, and how it is."""

from __future__ import annotations

import asyncio

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Span, Text, say
from bot.operations.plan import Plan
from bot.operations.power_state import PowerState, power_state
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select

#: BMCs asked by one command, and at one time: a slow one keeps MAAS busy for a minute.
_MOST, _AT_ONCE = 30, 3


@command("power on", risk=Risk.CHANGE, example="/maas power on node-1", machine="machines")
async def power_on(ctx: Context, *machines: str) -> Plan:
    """Switch machines on.

    MAAS switches on machines that somebody owns; an Allocated one it would deploy, so that is refused.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "power-on", {"ids": [one.system_id for one in selection]}, "switched on")


@command("power off", risk=Risk.CHANGE, example="/maas power off node-1", machine="machines")
async def power_off(ctx: Context, *machines: str) -> Plan:
    """Switch machines off at once, without asking their systems to shut down.

    For a deployed machine another person approves.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "power-off", {"ids": [one.system_id for one in selection]}, "switched off")


@command("power cycle", risk=Risk.CHANGE, example="/maas power cycle node-1", machine="machines")
async def power_cycle(ctx: Context, *machines: str) -> Plan:
    """Switch machines off at once, and on again when they have been seen off.

    For a deployed machine another person approves.
    """
    selection = await select(ctx, machines)
    return await plan_for(ctx, "power-cycle", {"ids": [one.system_id for one in selection]}, "power cycled")


@command("power status", risk=Risk.READ, example="/maas power status node-1", machine="machines")
async def power_status(ctx: Context, *machines: str) -> Message:
    """Ask the machines' BMCs whether they are on.

    Each is asked now, by MAAS; one that does not answer takes a minute. Right after a power on or off the BMC's act is
    waited for.
    """
    selection = await select(ctx, machines)
    if len(selection) > _MOST:
        raise RefusalError(say(f"That is {len(selection)} machines; I ask at most {_MOST} BMCs at a time. Name fewer."))
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one_of(index: int) -> PowerState:
        async with slots:
            return await power_state(ctx.region, selection[index])

    states = await asyncio.gather(*(one_of(index) for index in range(len(selection))))
    lines = [_line(one) for one in states]
    if len(states) == 1:
        one = states[0]
        return Message(f"{one.machine.name}: {_word(one)}.", (Paragraph(lines[0]),))
    counts = [f"{sum(1 for one in states if one.state == word)} {word}" for word in ("on", "off")]
    unknown = sum(1 for one in states if not one.state)
    head = f"{len(states)} machines: {', '.join(counts)}" + (f", {unknown} unknown" if unknown else "")
    return Message(f"{head}.", (Paragraph([Bold(head)]), Bullets(lines), Note(["Asked of the BMCs just now."])))


def _line(one: PowerState) -> Text:
    mark = {"on": Mark.OK, "off": Mark.IDLE}.get(one.state, Mark.WARN)
    spans: list[Span] = [mark, " ", Code(one.machine.name), f"  {_word(one)}"]
    return spans


def _word(one: PowerState) -> str:
    state = one.state or "unknown"
    return f"{state}: {one.said}" if one.said else state
