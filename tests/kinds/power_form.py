"""Entering a machine's power settings, as a person does."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.slack import Message, View
from tests.kinds.steps import CONFIRM, has
from tests.support.harness import OLGA, OPS, Talk, until
from tests.watches.steps import press


async def form(talk: Talk, user: str = OLGA) -> View:
    """The form, once it shows more than a moment's patience."""

    def view() -> View | None:
        views = talk.workspace.views(user)
        return views[-1] if views and "One moment" not in str(views[-1].blocks) else None

    found: View = await until(view, what="the form")
    return found


async def opened(talk: Talk, name: str) -> View:
    """The form of this machine."""
    answer = await talk.ask(f"power set {name}")
    await press(talk, answer, "Power settings")
    return await form(talk)


async def filled(talk: Talk, view: View, kind: str, values: Mapping[str, str]) -> Message:
    """The plan that comes of these values."""
    before = {one.ts for one in talk.workspace.messages(OPS, OLGA)}
    typed = {f"{kind}.{name}": {name: value} for name, value in values.items()}
    outcome = await talk.workspace.submit_view(OLGA, view.id, typed)
    assert outcome.result == "closed", outcome

    def plan() -> Message | None:
        new = [one for one in talk.workspace.messages(OPS, OLGA) if one.ts not in before]
        return next((one for one in new if has(one, CONFIRM)), None)

    found: Message = await until(plan, what="the plan")
    return found
