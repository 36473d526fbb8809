"""A request that waits for long is brought to mind twice, in its card's thread, before it expires."""

from __future__ import annotations

import time
from pathlib import Path

from tests.endtoend.approving import asked
from tests.endtoend.steps import buttons, rows, said
from tests.support.harness import ANDREA, running, until


async def test_twice_before_the_expiry_and_no_more_after_it(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root, card = await asked(it, "release node-1")
        minutes = "update operations set expires_at = ? where state = 'awaiting approval'"

        def reminders() -> list[str]:
            return [said(one) for one in it.talk.replies(card, ANDREA) if "Still undecided" in said(one)]

        assert reminders() == []
        rows(tmp_path, minutes, time.time() + 14 * 60)
        await until(lambda: len(reminders()) == 1, what="the first reminder")
        assert "14 min" in reminders()[0] or "13 min 5" in reminders()[0]
        assert any("S0APPROVE" in str(one.blocks) for one in it.talk.replies(card, ANDREA)), "those who may decide"
        rows(tmp_path, minutes, time.time() + 4 * 60)
        await until(lambda: len(reminders()) == 2, what="the second reminder")
        rows(tmp_path, minutes, time.time() - 1)
        await it.talk.reads(card, "expired undecided", user=ANDREA)
        assert not buttons(it.talk.now(card, ANDREA).blocks)
        await it.talk.reads(root, "has expired", "Nobody decided within 30 min")
        await until(lambda: any("has expired" in said(one) for one in it.talk.replies(root)), what="a word to olga")
        assert len(reminders()) == 2
        assert not it.world.region.effects
