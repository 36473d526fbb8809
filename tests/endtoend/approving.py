"""What people do around approvals, for the tests that watch them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.slack import Message
from tests.endtoend.steps import buttons, said
from tests.support.harness import ANDREA, OLGA, Running, until

CARDS = "C0APPROVE"
ASK, GLASS, APPROVE, DENY = "ask.approval", "ask.break_glass", "approval.approve", "approval.deny"


def with_policy(folder: Path, text: str, **settings: str) -> dict[str, str]:
    """Settings of a bot whose maasbot.toml holds this policy."""
    file = folder / "maasbot.toml"
    file.write_text(text, encoding="utf-8")
    return {"MAASBOT_CONFIG": str(file), **settings}


async def open_form(it: Running, message: Message, action: str, user: str = OLGA) -> Any:
    """Press a button that opens a form; returns the form."""
    before = {view.id for view in it.world.workspace.views(user)}
    await it.talk.click(message, action, user=user)
    views = await until(
        lambda: [one for one in it.world.workspace.views(user) if one.id not in before], what=f"the form of {action}"
    )
    return views[-1]


async def fill_in(it: Running, form: Any, reason: str, typed: str | None = None, user: str = OLGA) -> dict[str, str]:
    """Submit a form; returns what it found wrong, by field."""
    values: dict[str, Any] = {"reason": {"decide.reason": reason}}
    if typed is not None:
        values["typed"] = {"decide.typed": typed}
    outcome = await it.world.workspace.submit_view(user, form.id, values)
    return dict(outcome.errors or {})


async def card_of(it: Running, root: Message) -> Message:
    """The open card of the operation that a message shows."""
    wanted = next(word.strip(".,:()") for word in said(root).split() if word.startswith("op-"))

    def found() -> Message | None:
        shown = it.world.workspace.messages(CARDS, ANDREA)
        return next((one for one in shown if wanted in one.text and APPROVE in buttons(one.blocks)), None)

    card: Message = await until(found, what=f"the card of {wanted}")
    return card


async def ask_for(it: Running, root: Message, reason: str = "disk is dying", typed: str | None = None) -> Message:
    """Ask for the approval of a plan through its form; returns the card."""
    assert not await fill_in(it, await open_form(it, root, ASK), reason, typed)
    return await card_of(it, root)


async def asked(it: Running, words: str, reason: str = "disk is dying") -> tuple[Message, Message]:
    """Plan and ask; returns the root message and the card."""
    root = await it.talk.ask(words)
    return root, await ask_for(it, root, reason)


def effects(it: Running, op: str, name: str) -> int:
    """How often the region took this order for the machine."""
    return int(it.world.region.effects[op, it.world.region.world.machine(name).system_id])
