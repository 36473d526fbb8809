"""Machines: lists, and one with everything that is known of it."""

from __future__ import annotations

import re
import shlex

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.causes import Cause, why_failed
from bot.maas.errors import MaasError
from bot.maas.models import Machine
from bot.maas.selection import natural_key
from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Code,
    Facts,
    Log,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Span,
    Table,
    Text,
    say,
)
from bot.operations.verdict import remaining as duration
from bot.policy import Risk
from commands.selecting import select

_PAGE = 25


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
    """Show one machine: state, power, hardware, network, owner, and why it failed last."""
    found = await select(ctx, (name,))
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:10])
        raise RefusalError(say(Code(name), f" matches {len(found)} machines: {names}{'…' if len(found) > 10 else ''}. ",
                               Code(f"/maas machines {name}"), " lists them."))  # fmt: skip
    one = found[0]
    fresh, trouble = await _look_again(ctx, one)
    mark = Mark.FAIL if fresh.status.failed else Mark.BUSY if fresh.status.busy else Mark.OK
    head: list[Span] = [
        mark,
        " ",
        Bold(fresh.name),
        f"  {fresh.status_name}{', locked' if fresh.locked else ''}",
    ]
    parts: list[Part] = [Paragraph(head)]
    cause = await _cause(ctx, fresh, trouble) if fresh.status.failed else None
    if cause is not None:
        parts.append(Paragraph([Bold("Why: "), cause.summary]))
        if cause.tail:
            parts.append(Log(cause.script or "output", cause.tail))
    elif fresh.status_message:
        parts.append(Paragraph(["Last event: ", fresh.status_message]))
    parts.append(Facts(_facts(fresh)))
    held = await ctx.operations.holder(ctx.region.name, fresh.system_id)
    if held is not None:
        parts.append(
            Paragraph(
                [
                    Mark.BUSY,
                    " ",
                    Code(held.id),
                    f" is at work on it: {held.plan.title}, asked by {held.requester_name}.",
                ]
            )
        )
    events = ctx.region.fleet.events_for(fresh.system_id)[-5:]
    if events:
        parts.append(Paragraph([Bold("Lately")]))
        parts.append(Bullets([[event.text] for event in reversed(events)]))
    parts.append(Note([trouble] if trouble else ["Read from MAAS just now."]))
    why = f" Why: {cause.summary}" if cause is not None else ""
    return Message(f"{fresh.name} is {fresh.status_name}.{why}", tuple(parts))


async def _look_again(ctx: Context, known: Machine) -> tuple[Machine, str]:
    """The machine as it is now; when MAAS does not answer, as it was last seen, with a word about that."""
    try:
        return await ctx.region.api.machine(known.system_id), ""
    except MaasError as error:
        age = ctx.region.fleet.status.age
        seen = f"as of {duration(age)} ago" if age is not None else "as last seen"
        return known, f"{seen[0].upper()}{seen[1:]}: {error.problem}"


async def _cause(ctx: Context, machine: Machine, trouble: str) -> Cause | None:
    """Why it failed: asked of MAAS now, or as it was found out earlier where MAAS can't be asked."""
    if trouble:
        return ctx.region.diagnoses.of(machine)
    try:
        return await why_failed(ctx.region.api, machine)
    except MaasError:
        return ctx.region.diagnoses.of(machine)


def _facts(machine: Machine) -> list[tuple[str, Text]]:
    hardware = " ".join(part for part in (machine.vendor, machine.product) if part and part != "Unknown")
    unseen = not (machine.cpu_count or machine.memory or machine.storage)
    size = (
        "not known before it is commissioned"
        if unseen
        else f"{machine.cpu_count} CPU, {machine.memory / 1024:.0f} GiB, {machine.storage / 1000:.0f} GB disk"
    )
    system = " ".join(part for part in (machine.osystem, machine.distro_series) if part)
    facts: list[tuple[str, Text]] = [
        ("System id", [Code(machine.system_id)]),
        ("Power", [f"{machine.power_state} ({machine.power_type or 'no power type'})"]),
        ("Hardware", [", ".join(part for part in (hardware, size) if part)]),
        ("Architecture", [machine.architecture or "unknown"]),
        ("Pool, zone", [f"{machine.pool}, {machine.zone}"]),
        ("Addresses", [", ".join(machine.ip_addresses) or "none"]),
        ("Boot MAC", [Code(machine.boot_mac)] if machine.boot_mac else ["none"]),
    ]
    if machine.owner:
        facts.append(("Owner", [machine.owner]))
    if system:
        facts.append(("Deployed", [system]))
    if machine.tags:
        facts.append(("Tags", [", ".join(machine.tags)]))
    if machine.description:
        facts.append(("Notes", [machine.description]))
    return facts
