"""Operations: what is under way, what has been done, and how to stop one."""

from __future__ import annotations

from typing import Literal

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, say
from bot.operations import view
from bot.operations.plan import Plan
from bot.operations.records import Operation, TargetState
from bot.policy import Risk

_STOPPED = (TargetState.STOPPED, TargetState.UNTOUCHED)
_ONLY = {"all": (TargetState.FAILED, *_STOPPED), "failed": (TargetState.FAILED,), "rest": _STOPPED}


@command("ops", risk=Risk.READ, example="/maas ops")
async def ops(ctx: Context, *, limit: int = 15) -> Message:
    """List the newest operations: what, by whom, since when, what came of it.

    Args:
        limit: how many
    """
    operations = await ctx.operations.recent(max(1, min(limit, 50)))
    if not operations:
        return say("There has been no operation yet. ", Code("/maas commission NAME"), " starts one.")
    running = sum(1 for one in operations if one.state.under_way)
    what = "1 operation" if len(operations) == 1 else f"The newest {len(operations)} operations"
    summary = f"{what}, {running or 'none'} under way."
    parts: list[Part] = [
        Paragraph([Bold(summary)]),
        Bullets([view.line(one) for one in operations]),
        Note(
            [
                Code("/maas op ID"),
                " shows one, ",
                Code("/maas cancel ID"),
                " stops one, ",
                Code("/maas retry ID"),
                " takes up what failed.",
            ]
        ),
    ]
    return Message(summary, tuple(parts))


@command("op", risk=Risk.READ, example="/maas op op-4k2f")
async def op(ctx: Context, operation: str, /) -> Message:
    """Show one operation: each machine's state, causes of failures, who asked and when."""
    found = await _get(ctx, operation)
    message = view.root(found, ctx.operations.kind(found))
    # Buttons belong to the operation's own message; a copy must not offer a second place to decide.
    parts = tuple(part for part in message.parts if type(part).__name__ != "Buttons")
    if found.unshown:
        parts += (Paragraph([Mark.WARN, f" {view.unshown(found)} The work is not touched by that."]),)
    return Message(message.summary, parts)


@command("cancel", risk=Risk.CHANGE, example="/maas cancel op-4k2f")
async def cancel(ctx: Context, operation: str, /) -> Message:
    """Stop an operation at the next safe point.

    Machines that were not begun stay untouched; those under way are aborted in MAAS. The thread says which is which.
    """
    found = await _get(ctx, operation)
    verdict = await ctx.operations.cancel(found.id, ctx.person, ctx.origin)
    if not verdict.done:
        raise RefusalError(say(verdict.reason))
    return say("Stopping ", Code(found.id), f" ({found.plan.title}). Its thread says what was done and what was not.")


@command("retry", risk=Risk.CHANGE, example="/maas retry op-4k2f")
async def retry(ctx: Context, operation: str, /, *, only: Literal["all", "failed", "rest"] = "all") -> Plan:
    """Plan an operation again for those of its machines that did not end well, from the step that failed.

    Its options are the same. What was done stays done. The new plan is shown first, and confirmed or approved like any
    other.

    Args:
        only: failed for those that failed, rest for those that were stopped or never begun
    """
    found = await _get(ctx, operation)
    if not found.state.ended:
        raise RefusalError(say(Code(found.id), f" has not ended: it is {found.state}."))
    options = await ctx.operations.retrying.options(found, _ONLY[only])
    if options is None:
        ended = {"all": "all of it ended well", "failed": "no machine of it failed", "rest": "all of it was begun"}
        raise RefusalError(say(Code(found.id), f": {ended[only]}. There is nothing to do again."))
    region = next((one for one in ctx.regions if one.name == found.region), None)
    if region is None:
        raise RefusalError(say(f"The region {found.region} is no longer in the settings."))
    plan = await ctx.operations.plan(ctx.operations.retrying.kind(found), region, options)
    if not plan.targets:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in plan.left_out[:5])
        what = "It can't" if found.plan.in_steps else "None of its machines can"
        raise RefusalError(say(f"{what} be taken up again now: {reasons}."))
    return plan


async def _get(ctx: Context, operation_id: str) -> Operation:
    wanted = operation_id.lower()
    try:
        return await ctx.operations.get(wanted if wanted.startswith("op-") else f"op-{wanted}")
    except KeyError:
        raise RefusalError(
            say("There is no operation ", Code(operation_id), ". ", Code("/maas ops"), " lists them.")
        ) from None
