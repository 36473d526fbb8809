"""People who ask for approvals and give them, on the stage of `bench.stage`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from bench.stage import OLGA, BotProcess, Stage, until
from sandbox.slack import Message

ANDREA = "U0ANDREA"
CARDS = "C0APPROVE"

#: A bot that Slack never makes wait, nor MAAS: as they allow, so many requests would take ten minutes.
_HASTY = """
import asyncio, sys
from bot.slack.outbound import budget
budget.BUDGETS = {name: budget.Budget(60_000, 6_000, 1) for name in budget.BUDGETS}
from bot.cli import run_bot
from bot.pace import Pace
from bot.settings import load_settings
sys.exit(asyncio.run(run_bot(load_settings(), Pace(rereads=0.01))))
"""


@contextlib.asynccontextmanager
async def hasty_bot(it: Stage, state: str) -> AsyncIterator[BotProcess]:
    """The bot with this state, which writes to Slack as fast as it can, and a Slack that lets it."""
    it.workspace.rates.generous = True
    try:
        async with it.bot(state, program=_HASTY) as bot:
            yield bot
    finally:
        it.workspace.rates.generous = False
        it.workspace.rates.reset()


async def request(it: Stage, words: str) -> Message:
    """Type words whose plan wants an approval, ask for it through its form; returns the card."""
    slack = it.workspace
    cards = len(slack.messages(CARDS, ANDREA))
    plan = await it.plan(words, "ask.approval")
    await it.click(plan, "ask.approval", OLGA)
    views = await until(lambda: slack.views(OLGA), 30.0, "the form that asks for an approval", pause=0.005)
    values: dict[str, dict[str, Any]] = {"reason": {"decide.reason": "a measurement"}}
    outcome = await slack.submit_view(OLGA, views[-1].id, values)
    assert not outcome.errors, outcome.errors
    await until(lambda: len(slack.messages(CARDS, ANDREA)) > cards, 30.0, "the card", pause=0.005)
    return slack.messages(CARDS, ANDREA)[-1]
