"""What people do in these tests, and what they look at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.demo import World
from sandbox.maas.machine import Machine
from sandbox.slack import Message, View
from tests.support.harness import ANDREA, OLGA, OPS, Running, Talk, until, words_of

CONFIRM, CANCEL, ASK, APPROVE = "operation.confirm", "operation.cancel", "ask.approval", "approval.approve"
APPROVALS = "C0APPROVE"
BOTH = ["2.9.3", "3.4.10"]


def actions_of(message: Message) -> list[str]:
    """The actions of a message's buttons."""
    return [
        str(element.get("action_id"))
        for block in message.blocks
        for element in block.get("elements", [])
        if isinstance(element, dict)
    ]


def has(message: Message, action: str) -> bool:
    return any(found == action or found.startswith(f"{action}:") for found in actions_of(message))


def said(message: Message) -> str:
    return f"{message.text} {words_of(message.blocks)}"


def operation_id(message: Message) -> str:
    return next(word.strip(".,:()") for word in said(message).split() if word.startswith("op-"))


async def agree(talk: Talk, plan: Message, *, reason: str = "asked for by its owner") -> None:
    """Give the yes that the plan wants: the requester's own, or an approver's after the requester has said why."""
    now = talk.now(plan)
    if has(now, CONFIRM):
        await talk.click(plan, CONFIRM)
        return
    await ask_for_approval(talk, plan, reason=reason)
    await approve(talk, plan)


async def ask_for_approval(talk: Talk, plan: Message, *, reason: str = "asked for by its owner") -> None:
    """Fill in the form that asks for an approval, with the typed name if it wants one."""
    await talk.click(plan, ASK)
    views = await until(lambda: talk.workspace.views(OLGA), what="the form that asks for an approval")
    values: dict[str, dict[str, Any]] = {"reason": {"decide.reason": reason}}
    for block in views[-1].blocks:
        if block.get("block_id") == "typed":
            values["typed"] = {"decide.typed": block["label"]["text"].removeprefix("Type ")}
    outcome = await talk.workspace.submit_view(OLGA, views[-1].id, values)
    assert not outcome.errors, outcome.errors


async def approve(talk: Talk, plan: Message) -> None:
    """Another person's click on the card."""
    wanted = operation_id(plan)

    def card() -> Message | None:
        found = [one for one in talk.workspace.messages(APPROVALS, ANDREA) if wanted in said(one)]
        return next((one for one in found if has(one, APPROVE)), None)

    await talk.click(await until(card, what=f"the card of {wanted}"), APPROVE, user=ANDREA)


async def power_form(talk: Talk, offer: Message) -> View:
    """Open the form for a machine's power settings, by the button that was offered."""
    known = {view.id for view in talk.workspace.views(OLGA)}
    await talk.click(offer, "power.form")

    def form() -> View | None:
        views = [view for view in talk.workspace.views(OLGA) if view.id not in known]
        return views[-1] if views and "One moment" not in str(views[-1].blocks) else None

    found: View = await until(form, what="the form")
    return found


async def entered(talk: Talk, view: View, values: Mapping[str, str], kind: str = "ipmi") -> Message:
    """Fill in the form of that kind of BMC, and wait for what comes of it."""
    before = {one.ts for one in talk.workspace.messages(OPS, OLGA)}
    fields = {f"{kind}.{name}": {name: value} for name, value in values.items()}
    outcome = await talk.workspace.submit_view(OLGA, view.id, fields)
    assert outcome.result == "closed", outcome

    def news() -> Message | None:
        return next((one for one in talk.workspace.messages(OPS, OLGA) if one.ts not in before), None)

    found: Message = await until(news, what="the plan")
    return found


async def refused(talk: Talk, text: str) -> str:
    """Type words that are refused, and read the refusal."""
    answer = await talk.ask(text)
    assert answer.ephemeral_to == OLGA, said(answer)
    return said(answer)


def machine(world: World, name: str) -> Machine:
    return world.region.world.machine(name)


def effects(world: World, name_or_id: str) -> dict[str, int]:
    """What the region accepted of orders to one machine: how often each."""
    try:
        system_id = world.region.world.machine(name_or_id).system_id
    except KeyError:
        system_id = name_or_id
    found = world.region.effects.items()
    return {op: count for (op, whose), count in found if whose == system_id and count}


async def done(talk: Talk, plan: Message, *parts: str, timeout: float = 25.0) -> str:
    """Wait for the end, which every operation tells in a reply that names who asked."""
    text = await talk.reads(plan, *parts, timeout=timeout)
    # Many operations that end together tell so one after the other: Slack takes about one message a second.
    replied = max(15.0, timeout)
    await until(lambda: [one for one in talk.replies(plan) if OLGA in str(one.blocks)], replied, "the last reply")
    await until(lambda: not has(talk.now(plan), CANCEL), what="the end of the buttons")
    return text


def golden(name: str, text: str) -> None:
    """Compare with the file of that name; UPDATE_GOLDEN=1 writes it anew."""
    import os

    path = Path(__file__).parent / "golden" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def roots(world: World) -> list[str]:
    """The messages that the bot posted where it was asked, other than answers seen by one person."""
    return [one.ts for one in world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]


async def noted(it: Running, words: str) -> None:
    """Wait until the newest operation says this of its first machine.

    It is said while it lasts, which in tests is not long enough to be sure to find it in the thread.
    """
    operation = (await it.bot.operations.recent())[0].id
    async with asyncio.timeout(20):
        while words not in (await it.bot.operations.get(operation)).targets[0].detail:
            await asyncio.sleep(0.01)
