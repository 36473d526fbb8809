"""Deciding on what others asked for: by words, where a button is out of reach."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Link, Message, Note, Paragraph, Part, Span, Text, say
from bot.operations.verdict import Verdict
from bot.policy import Risk


@command("approvals", risk=Risk.READ, example="/maas approvals")
async def approvals(ctx: Context) -> Message:
    """List what waits for an approval."""
    waiting = await ctx.operations.awaiting()
    if not waiting:
        return say("Nothing waits for an approval.")
    lines: list[Text] = []
    for one in waiting:
        line: list[Span] = [Code(one.id), f"  {one.plan.title}, asked by {one.requester_name}: {one.reason}"]
        if one.link:
            line += ["  ", Link(one.link, "thread")]
        lines.append(line)
    title = f"{len(waiting)} {'requests wait' if len(waiting) > 1 else 'request waits'} for an approval"
    parts: list[Part] = [
        Paragraph([Bold(title)]),
        Bullets(lines),
        Note([Code("/maas approve ID"), ", ", Code("/maas deny ID REASON")]),
    ]
    return Message(f"{title}.", tuple(parts))


@command("approve", risk=Risk.READ, example="/maas approve op-4k2f", decides=True)
async def approve(ctx: Context, operation: str, /) -> Message:
    """Approve what another person asked for. It starts at once, if its plan still fits."""
    known = await _known(ctx, operation)
    verdict = await ctx.operations.approvals.decide(known, None, ctx.person, ctx.origin, approve=True)
    return _said(verdict, f"You approved {known}.")


@command("deny", risk=Risk.READ, example="/maas deny op-4k2f not during the release", decides=True)
async def deny(ctx: Context, operation: str, *reason: str) -> Message:
    """Deny what another person asked for, with the reason that they will read."""
    known = await _known(ctx, operation)
    verdict = await ctx.operations.approvals.decide(
        known, None, ctx.person, ctx.origin, approve=False, reason=" ".join(reason)
    )
    return _said(verdict, f"You denied {known}.")


@command("withdraw", risk=Risk.READ, example="/maas withdraw op-4k2f")
async def withdraw(ctx: Context, operation: str, /) -> Message:
    """Take back your own plan or request, before anything of it was done."""
    known = await _known(ctx, operation)
    verdict = await ctx.operations.withdraw(known, None, ctx.person)
    return _said(verdict, f"You withdrew {known}. Nothing was done.")


async def _known(ctx: Context, typed: str) -> str:
    lowered = typed.lower()
    try:
        return (await ctx.operations.get(lowered if lowered.startswith("op-") else f"op-{lowered}")).id
    except KeyError:
        raise RefusalError(
            say("There is no operation ", Code(typed), ". ", Code("/maas ops"), " lists them.")
        ) from None


def _said(verdict: Verdict, done: str) -> Message:
    if not verdict.done:
        raise RefusalError(say(verdict.reason))
    return say(done)
