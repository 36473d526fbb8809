"""From a selection to a plan, with an answer that tells why there is nothing to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.command.context import Context, RefusalError
from bot.message import Bullets, Code, Message, Note, Paragraph, Part
from bot.operations.plan import Plan
from bot.operations.plan_view import queue_offer


async def plan_for(ctx: Context, kind: str, options: Mapping[str, Any], done: str) -> Plan:
    """The plan of an operation of this kind. `done` completes "can't be …": "released".

    Raises:
        RefusalError: none of the machines can be worked on; it gives the reason for each.
        MaasError: MAAS can't be asked.
    """
    plan = await ctx.operations.plan(kind, ctx.region, {**options, **ctx.pacing.options})
    if ctx.queue and (await ctx.operations.line.behind(plan))[1] is not None:
        return plan
    if not plan.targets:
        held = (await ctx.operations.line.behind(plan))[1] is not None
        plan = await ctx.operations.line.with_holders(plan)
        raise RefusalError(_nothing_to_do(plan, done, queue_offer(ctx.words) if held else []))
    return plan


def _nothing_to_do(plan: Plan, done: str, offer: list[Part]) -> Message:
    if len(plan.left_out) == 1:
        one = plan.left_out[0]
        sentence = f"can't be {done} now: {one.reason}."
        return Message(f"{one.name} {sentence}", (Paragraph([Code(one.name), f" {sentence}"]), *offer))
    what = f"None of these {len(plan.left_out)}" if plan.in_steps else f"None of these {len(plan.left_out)} machines"
    head = f"{what} can be {done} now."
    parts: list[Part] = [
        Paragraph([head]),
        Bullets([[Code(one.name), f": {one.reason}"] for one in plan.left_out[:20]]),
    ]
    if len(plan.left_out) > 20:
        parts.append(Note([f"20 of {len(plan.left_out)} shown."]))
    return Message(head, (*parts, *offer))
