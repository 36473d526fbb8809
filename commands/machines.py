"""Machines: lists, and one with everything that is known of it."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.offers import Offers
from bot.maas.causes import Cause, why_failed
from bot.maas.errors import MaasError, NotFound
from bot.maas.models import Event, Machine
from bot.maas.selection import natural_key
from bot.maas.service import RegionService
from bot.message import Bold, Button, Buttons, Code, Message, Note, Paragraph, Part, Span, Table, say
from bot.operations.next_steps import next_steps
from bot.operations.verdict import remaining as duration
from bot.policy import Risk
from commands import machine_card
from commands.selecting import select

_PAGE = 25
#: Seconds of a slow region after which a person reads what is known already.
_PATIENCE = 5.0


@command("machines", risk=Risk.READ, example="/maas machines status:failed", machine="filters")
async def machines(ctx: Context, *filters: str, page: int = 1) -> Message:
    """List machines; filters are those that select machines anywhere.

    `status:ready`, `pool:lab`, `zone:az1`, `tag:gpu`, `owner:olga`, names and patterns (`node-*`). Several are a union;
    `status:ready+zone:az1` means both.

    Args:
        page: which page of 25
    """
    filters = tuple(re.sub(r"^(\w+)=", r"\1:", one) for one in filters)
    found = await select(ctx, filters) if filters else tuple(ctx.region.fleet.machines().values())
    found = tuple(sorted(found, key=lambda machine: natural_key(machine.name)))
    if not found:
        status = ctx.region.fleet.status
        raise RefusalError(
            say(
                "There are no machines."
                if status.filled_at is not None
                else "I am still reading the machines. Ask again in a moment."
            )
        )
    pages = (len(found) + _PAGE - 1) // _PAGE
    page = max(1, min(page, pages))
    rows = [_row(machine) for machine in found[(page - 1) * _PAGE : page * _PAGE]]
    words = " ".join(filters)
    title = f"{len(found)} machines" if len(found) != 1 else "1 machine"
    head: list[Span] = [Bold(title)]
    if words:
        head += ["  ", Code(words)]
    if pages > 1:
        head.append(f"  page {page} of {pages}")
    parts: list[Part] = [
        Paragraph(head),
        Table(("Machine", "State", "Power", "Pool", "Zone", "Owner"), rows, caption=title, total=len(found)),
    ]
    if pages > 1:
        region = ["--region", ctx.region.name] if ctx.region_named else []
        parts.append(Buttons(_page_buttons(shlex.join([*filters, *region]), page, pages)))
    parts.append(Note([_age_of(ctx), " ", Code("/maas machine NAME"), " shows one."]))
    return Message(f"{title}{f' {words}' if words else ''}, page {page} of {pages}.", tuple(parts))


def _row(machine: Machine) -> tuple[str, ...]:
    state = f"{machine.status_name} (locked)" if machine.locked else machine.status_name
    return (machine.name, state, machine.power_state, machine.pool, machine.zone, machine.owner)


def _page_buttons(words: str, page: int, pages: int) -> list[Button]:
    buttons = []
    if page > 1:
        buttons.append(Button("Previous", "page.previous", f"machines {words} --page {page - 1}"))
    if page < pages:
        buttons.append(Button("Next", "page.next", f"machines {words} --page {page + 1}"))
    return buttons


def _age_of(ctx: Context) -> str:
    status = ctx.region.fleet.status
    if status.age is None:
        return f"Still reading: {status.count} machines known so far."
    return f"As of {duration(status.age)} ago."


@command("machine", risk=Risk.READ, example="/maas machine node-3", machine="name")
async def machine(ctx: Context, name: str, /) -> Message:
    """Show one machine: state, why it failed, power, hardware, network, storage, owner, what was done to it lately."""
    found = await select(ctx, (name,))
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:10])
        raise RefusalError(say(Code(name), f" matches {len(found)} machines: {names}{'…' if len(found) > 10 else ''}. ",
                               Code(f"/maas machines {name}"), " lists them."))  # fmt: skip
    card = await _card(ctx, found[0])
    steps = next_steps(card.machine, ctx.region.name)
    buttons = await Offers(ctx.catalog, ctx.policy).fitting(steps, ctx.region.name, ctx.person, ctx.origin)
    return machine_card.message(replace(card, buttons=buttons))


async def _card(ctx: Context, known: Machine) -> machine_card.Card:
    """What is known of the machine now; when MAAS does not answer, as it was last seen, with a word about that."""
    region = ctx.region
    card = machine_card.Card(
        known,
        holder=await ctx.operations.line.holder(region.name, known.system_id),
        operations=await ctx.operations.of_machine(region.name, known.system_id),
        images=region.watcher.snapshot.images.value,
    )
    until = asyncio.get_running_loop().time() + _PATIENCE
    try:
        async with asyncio.timeout_at(until):
            machine, detail = await region.api.machine_with_detail(known.system_id)
    except NotFound as error:
        return replace(card, trouble=f"It is no longer in MAAS; this is how it was last seen. {error.problem}")
    except (MaasError, TimeoutError) as error:
        age = region.fleet.status.age
        seen = f"As of {duration(age)} ago" if age is not None else "As last seen"
        why = error.problem if isinstance(error, MaasError) else f"MAAS takes longer than {_PATIENCE:.0f} s to answer."
        trouble = f"{seen}: {why}"
        return replace(card, events=_seen_events(region, known), trouble=trouble, cause=region.diagnoses.of(known))
    return replace(
        card,
        machine=machine,
        detail=detail,
        events=await _events(region, machine, until),
        cause=await _cause(ctx, machine, until) if machine.status.failed else None,
    )


async def _events(region: RegionService, machine: Machine, until: float) -> Sequence[Event]:
    """The newest first; those that went by, when MAAS does not tell in time."""
    try:
        async with asyncio.timeout_at(until):
            return await region.api.events(id=machine.system_id, level="DEBUG", limit=60)
    except (MaasError, TimeoutError):
        return _seen_events(region, machine)


def _seen_events(region: RegionService, machine: Machine) -> Sequence[Event]:
    return list(reversed(region.fleet.events_for(machine.system_id)))


async def _cause(ctx: Context, machine: Machine, until: float) -> Cause | None:
    """Why it failed: asked of MAAS now, or as it was found out earlier where MAAS can't be asked, or takes long."""
    try:
        async with asyncio.timeout_at(until):
            return await why_failed(ctx.region.api, machine)
    except (MaasError, TimeoutError):
        return ctx.region.diagnoses.of(machine)
