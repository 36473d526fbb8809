"""Power: on, off, off and on again, and how it is."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.offers import Offers
from bot.maas.models import Machine
from bot.message import Bold, Bullets, Buttons, Code, Mark, Message, Note, Paragraph, Part, Span, Text, plain, say
from bot.operations.next_steps import offer
from bot.operations.plan import Plan
from bot.operations.power_check import WAKE_ON_LAN, PowerTruth, is_wake_on_lan, power_truth
from bot.operations.power_settings import PARAMETERS, POWER_TYPE, read
from bot.operations.power_state import PowerState, power_state
from bot.operations.powering import why_not_off, why_not_on
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select

#: BMCs asked by one command, and at one time: a slow one keeps MAAS busy for a minute.
_MOST, _AT_ONCE = 30, 3
#: Characters of `--reason` and `--queue` that go through a form: its button carries them, and Slack limits what it may.
_LONGEST_OPTIONS = 1500


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


@command("power check", risk=Risk.READ, example="/maas power check node-1", machine="machines")
async def power_check(ctx: Context, *machines: str) -> Message:
    """Find out what answers: each machine's BMC, the rack controllers; and what to do where nothing does.

    Each BMC is asked now, by MAAS; one that does not answer takes a minute. Machines with manual power, and
    Wake-on-LAN, are explained: MAAS can't switch them.
    """
    selection = await select(ctx, machines)
    if len(selection) > _MOST:
        raise RefusalError(say(f"That is {len(selection)} machines; I ask at most {_MOST} BMCs at a time. Name fewer."))
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one_of(index: int) -> PowerTruth:
        async with slots:
            return await power_truth(ctx.region, selection[index])

    found = await asyncio.gather(*(one_of(index) for index in range(len(selection))))
    if len(found) == 1:
        return await _one_truth(ctx, found[0])
    answering = sum(1 for one in found if one.answers)
    head = f"{answering} of {len(found)} BMCs answer"
    lines = [_truth(one) for one in sorted(found, key=lambda one: one.answers)]
    racks = next((one.racks for one in found if one.racks), "")
    parts: list[Part] = [Paragraph([Bold(head)]), Bullets(lines)]
    if racks:
        parts.append(Paragraph([Mark.WARN, f" {racks}."]))
    return Message(f"{head}.", (*parts, Note(["Asked of the BMCs just now."])))


async def _one_truth(ctx: Context, one: PowerTruth) -> Message:
    line = _truth(one)
    parts: list[Part] = [Paragraph(line)]
    if one.racks:
        parts.append(Paragraph([Mark.WARN, f" {one.racks}."]))
    if one.advice:
        parts.append(Paragraph([one.advice]))
    steps = [offer(name, one.machine, ctx.region.name) for name in _fitting(one)]
    buttons = await Offers(ctx.catalog, ctx.policy).fitting(steps, ctx.region.name, ctx.person, ctx.origin)
    parts += [Buttons(buttons)] if buttons else []
    return Message(plain(line).strip(), tuple(parts))


def _fitting(one: PowerTruth) -> list[str]:
    """The commands that MAAS carries out for the machine as it is."""
    names = [] if one.machine.locked else ["power set"]
    match one.power.state if one.answers else "":
        case "on" if why_not_off(one.machine) is None:
            return ["power off", *names]
        case "off" if why_not_on(one.machine) is None:
            return ["power on", *names]
    return names


def _truth(one: PowerTruth) -> Text:
    machine = one.machine
    kind = machine.power_type or "no power type"
    said = f", {one.power.said}" if one.answers and one.power.said else ""
    its = " ".join(one.power.said.split()).rstrip(".")
    its = its.replace("its BMC", f"its BMC ({kind})", 1) if "its BMC" in its else f"({kind}) {its}"
    told = f"its BMC ({kind}) answers: {one.power.state}{said}" if one.answers else its
    if one.answers and machine.power_state not in {one.power.state, "on", "off"}:
        told += f"; MAAS has it as {machine.power_state}"
    return [Mark.OK if one.answers else Mark.FAIL, " ", Code(machine.name), f": {told}."]


@command("power set", risk=Risk.CHANGE, example="/maas power set node-1", machine="name")
async def power_set(ctx: Context, name: str, kind: str = "", /) -> Plan | Message:
    """Enter a machine's power settings in a form.

    Address, user and password go to MAAS: nobody sees them, and they are kept encrypted until MAAS has them. The plan
    names what is set and what stays. Afterwards its BMC is asked.
    """
    if is_wake_on_lan(kind):
        raise RefusalError(say(WAKE_ON_LAN))
    if kind:
        form = Code(f"/maas power set {name}")
        raise RefusalError(say("Settings are not typed here, where they would be seen. ", form, " opens a form."))
    found = await select(ctx, (name,))
    if len(found) > 1:
        raise RefusalError(say(Code(name), f" matches {len(found)} machines; the settings are those of one."))
    machine = found[0]
    if PARAMETERS in ctx.given.filled:
        return await _plan_settings(ctx, machine)
    step = offer("power set", machine, ctx.region.name, first=True)
    step = replace(step, value=step.value + _options(ctx))
    buttons = await Offers(ctx.catalog, ctx.policy).fitting([step], ctx.region.name, ctx.person, ctx.origin)
    now = f"Power settings of {machine.name} (now {machine.power_type or 'none'})"
    told: list[Span] = [f"{now} are entered in a form. What you type there goes to MAAS alone."]
    return Message(f"{now}: open the form.", (Paragraph(told), Buttons(buttons)))


async def _plan_settings(ctx: Context, machine: Machine) -> Plan:
    """The plan for what was entered in the form."""
    parameters = ctx.given.filled[PARAMETERS]
    options = {
        "ids": [machine.system_id],
        POWER_TYPE: ctx.given.filled[POWER_TYPE].get_secret_value(),
        "sets": list(read(parameters)),
        "sealed": {PARAMETERS: await ctx.operations.seal(parameters)},
    }
    return await plan_for(ctx, "power-set", options, "given these power settings")


def _options(ctx: Context) -> str:
    """What the person said of the operation, for behind the words that the form stands for."""
    words = shlex.join([*(["--reason", ctx.reason] if ctx.reason else []), *(["--queue"] if ctx.queue else [])])
    if len(words) > _LONGEST_OPTIONS:
        raise RefusalError(say(f"That reason is too long for a form; at most about {_LONGEST_OPTIONS} characters."))
    return f" {words}" if words else ""


def _line(one: PowerState) -> Text:
    mark = {"on": Mark.OK, "off": Mark.IDLE}.get(one.state, Mark.WARN)
    spans: list[Span] = [mark, " ", Code(one.machine.name), f"  {_word(one)}"]
    return spans


def _word(one: PowerState) -> str:
    state = one.state or "unknown"
    return f"{state}: {one.said}" if one.said else state
