"""Where the policy wants several approvals: each person counts once, and only while they may."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.approving import APPROVE, asked, effects, with_policy
from tests.endtoend.steps import buttons, rows, told
from tests.support.harness import ADAM, ANDREA, VICTOR, running

CARDS = "C0APPROVE"
TWO = """
[[policy.approve]]
name = "two of them"
who = ["S0APPROVE", "U0VICTOR"]
commands = ["*"]
needed = 2
"""


async def test_two_different_people_are_needed(tmp_path: Path) -> None:
    async with running(tmp_path, settings=with_policy(tmp_path, TWO)) as it:
        root, card = await asked(it, "release node-1")
        assert "0 of 2 approvals" in it.talk.read(card, ANDREA)
        await it.talk.click(card, APPROVE, user=ANDREA)
        await it.talk.reads(card, "1 of 2 approvals (andrea)", user=ANDREA)
        await it.talk.reads(root, "Waiting for approval. 1 of 2 approved (andrea)")
        await it.talk.click(card, APPROVE, user=ANDREA)
        await told(it.talk, ANDREA, "you have decided already", channel=CARDS)
        assert effects(it, "release", "node-1") == 0
        await it.talk.click(card, APPROVE, user=VICTOR)
        await it.talk.reads(root, "Released node-1", "approved by andrea, victor")
        text = await it.talk.reads(card, "approved and done", user=ANDREA)
        assert "Approved by andrea" in text
        assert "Approved by victor" in text
        assert not buttons(it.talk.now(card, ANDREA).blocks)
        assert effects(it, "release", "node-1") == 1


async def test_one_denial_is_enough(tmp_path: Path) -> None:
    async with running(tmp_path, settings=with_policy(tmp_path, TWO)) as it:
        root, card = await asked(it, "release node-1")
        await it.talk.click(card, APPROVE, user=ANDREA)
        await it.talk.reads(card, "1 of 2", user=ANDREA)
        operation = card.text.rsplit("(", 1)[1].rstrip(")")
        await it.talk.ask(f"deny {operation} not tonight", user=VICTOR)
        await it.talk.reads(root, "was denied", "victor: not tonight")
        assert effects(it, "release", "node-1") == 0


async def test_an_approval_of_somebody_who_may_no_more_does_not_count(tmp_path: Path) -> None:
    async with running(tmp_path, settings=with_policy(tmp_path, TWO)) as it:
        root, card = await asked(it, "release node-1")
        await it.talk.click(card, APPROVE, user=ANDREA)
        await it.talk.reads(card, "1 of 2 approvals (andrea)", user=ANDREA)
        it.world.workspace.usergroups["S0APPROVE"].users.remove(ANDREA)
        await it.talk.click(card, APPROVE, user=VICTOR)
        await it.talk.reads(card, "1 of 2 approvals (victor)", user=ANDREA)
        assert effects(it, "release", "node-1") == 0
        kept = rows(tmp_path, "select person_id from audit_records where kind = 'operation.lapsed'")
        assert kept == [(ANDREA,)]
        await it.talk.click(card, APPROVE, user=ADAM)
        await it.talk.reads(root, "Released node-1", "approved by")
        assert effects(it, "release", "node-1") == 1
