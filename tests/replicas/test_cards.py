"""Two bots on one PostgreSQL: cards that one has posted are decided, reminded of and told the end of by the other."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from sandbox.slack import Message
from tests.endtoend.forging import late_click
from tests.endtoend.steps import buttons
from tests.kinds.steps import APPROVALS, APPROVE, ask_for_approval, done, effects, operation_id, said
from tests.replicas.crew import Crew, crew
from tests.support.harness import ADAM, ANDREA, until

pytestmark = [pytest.mark.chaos, pytest.mark.long]


async def asked(it: Crew, words: str) -> tuple[Message, Message]:
    """Plan and ask; returns the root message and the card."""
    root = await it.talk.ask(words)
    its_id = operation_id(root)
    await ask_for_approval(it.talk, root)

    def card() -> Message | None:
        shown = it.world.workspace.messages(APPROVALS, ANDREA)
        return next((one for one in shown if its_id in said(one) and APPROVE in buttons(one.blocks)), None)

    return root, await until(card, what="the card")


def _reminders(it: Crew, card: Message) -> int:
    return sum("Still undecided" in said(one) for one in it.talk.replies(card, ANDREA))


async def test_a_card_of_one_is_decided_on_the_other(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        first, second = it.bot(), it.bot()
        await it.up(first)
        await it.up(second)
        with it.only_hears(first):
            root, card = await asked(it, "release node-1")
        approve = buttons(it.talk.now(card, ANDREA).blocks)[APPROVE]
        with it.only_hears(second):
            await it.talk.click(card, APPROVE, user=ANDREA)
            await done(it.talk, root, "Released node-1", "approved by andrea")
            await it.talk.reads(card, "approved and done", user=ANDREA)
        assert "approval.approve" in second.log.read_text()
        assert not buttons(it.talk.now(card, ANDREA).blocks)
        # What was on the card is worth nothing any more, on either bot.
        for bot in (first, second):
            with it.only_hears(bot):
                await late_click(it.world.workspace, ADAM, card, approve)
        await asyncio.sleep(1.0)
        assert effects(it.world, "node-1") == {"release": 1}
        assert "approved and done" in it.talk.read(card, ANDREA)
        assert it.rows("SELECT 1 FROM locks") == []


async def test_two_approvers_at_once_on_two_bots(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        await it.start(2)
        root, card = await asked(it, "release node-1")
        approve = buttons(it.talk.now(card, ANDREA).blocks)[APPROVE]
        clicks = [late_click(it.world.workspace, user, card, approve) for user in (ANDREA, ADAM) * 4]
        await asyncio.gather(*clicks)
        await done(it.talk, root, "Released node-1")
        assert effects(it.world, "node-1") == {"release": 1}
        assert it.rows("SELECT count(*) FROM decisions WHERE approved") == [(1,)]
        kinds = it.rows("SELECT kind FROM audit_records WHERE kind IN ('operation.approved', 'operation.started')")
        assert sorted(kind for (kind,) in kinds) == ["operation.approved", "operation.started"]
        heard = [bot.log.read_text().count("approval.approve") for bot in it.bots]
        assert all(heard), heard


async def test_two_bots_remind_once(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        await it.start(2)
        root, card = await asked(it, "release node-1")
        for number, left in ((1, 14), (2, 4)):
            it.rows(f"UPDATE operations SET expires_at = {time.time() + left * 60} RETURNING id")
            await until(lambda number=number: _reminders(it, card) >= number, what=f"reminder {number}")
        await asyncio.sleep(2.5)  # both look every second
        assert _reminders(it, card) == 2
        it.rows(f"UPDATE operations SET expires_at = {time.time() - 1} RETURNING id")
        await it.talk.reads(root, "has expired")
        await it.talk.reads(card, "expired undecided", user=ANDREA)
        assert it.rows("SELECT count(*) FROM audit_records WHERE kind = 'operation.expired'") == [(1,)]


async def test_cancelled_before_its_turn_on_the_other_bot_nothing_is_done(tmp_path: Path, postgres_url: str) -> None:
    """The bot that works on it learns of the word from the database, and not a moment too late."""
    async with crew(tmp_path, postgres_url, speed=4.0) as it:
        first, second = it.bot(), it.bot()
        await it.up(first)
        await it.up(second)
        with it.only_hears(first):
            await it.plan()
            await it.confirm()
            await until(lambda: it.asked, what="the first to begin")
            waiting = await it.talk.ask("commission node-3 --queue", user=ADAM)
            await it.talk.click(waiting, "operation.confirm", user=ADAM)
            await it.talk.reads(waiting, "in line", user=ADAM)
        with it.only_hears(second):
            await it.talk.click(waiting, "operation.cancel", user=ADAM)
        await it.talk.reads(waiting, "was cancelled", "Not touched: node-3", user=ADAM)
        await it.talk.reads(it.root, "Commissioned node-3", timeout=40)  # type: ignore[arg-type]
        assert it.asked == 1
