"""Break-glass: off unless the policy names people; then with a reason, the typed name, and everybody told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.approving import CARDS, GLASS, asked, effects, fill_in, open_form, with_policy
from tests.endtoend.forging import late_click
from tests.endtoend.steps import buttons, operation_id, rows, said, told
from tests.support.harness import ADAM, ANDREA, OLGA, OPS, Running, running, until

POLICY = """
[policy.break_glass]
who = ["U0OLGA"]
for = "30m"
"""
REASON = "outage, everybody sleeps"


def private(it: Running, user: str) -> list[str]:
    """What the bot has said to somebody in person."""
    return [
        said(one)
        for channel in it.world.workspace.channels.values()
        if channel.id.startswith("D") and user in channel.members
        for one in it.world.workspace.messages(channel.id, user)
        if one.bot_id
    ]


async def test_off_by_default(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root, _card = await asked(it, "release node-1")
        shown = buttons(it.talk.now(root).blocks)
        assert GLASS not in shown
        withdraw = shown["operation.withdraw"]
        await late_click(it.world.workspace, OLGA, root, {**withdraw, "action_id": GLASS})
        form = await until(lambda: [one for one in it.world.workspace.views(OLGA) if "Break" in str(one.title)])
        assert not await fill_in(it, form[-1], REASON, "node-1")
        await told(it.talk, OLGA, "break-glass is off")
        assert "Waiting for approval" in it.talk.read(root)
        assert not it.world.region.effects


@pytest.mark.parametrize("after_asking", [False, True])
async def test_switched_on_it_goes_without_an_approval_and_everybody_is_told(
    tmp_path: Path, after_asking: bool
) -> None:
    async with running(tmp_path, settings=with_policy(tmp_path, POLICY)) as it:
        if after_asking:
            root, card = await asked(it, "release node-1")
        else:
            root = await it.talk.ask("release node-1")
        its_id = operation_id(root)
        form = await open_form(it, root, GLASS)
        assert set(await fill_in(it, form, "no", "node")) == {"reason", "typed"}
        assert effects(it, "release", "node-1") == 0
        assert not await fill_in(it, form, REASON, "Node-1 "), "as a phone writes it"
        await it.talk.reads(root, "Released node-1", "with break-glass, without an approval")
        assert effects(it, "release", "node-1") == 1

        word = ("olga", "broke the glass", REASON, its_id)
        for user in (ANDREA, ADAM):  # one is named, both are in the group
            found = await until(lambda user=user: private(it, user), what=f"a word to {user}")
            assert len(found) == 1
            assert all(part in found[0].replace("<@U0OLGA>", "olga") for part in word), found
        shown = [said(one) for one in it.world.workspace.messages(CARDS, ANDREA) if "broke the glass" in said(one)]
        assert len(shown) == 1
        assert private(it, OLGA) == []
        if after_asking:
            await it.talk.reads(card, "with break-glass, without an approval and done", user=ANDREA)
            assert not buttons(it.talk.now(card, ANDREA).blocks)

        kept = rows(tmp_path, "select person_id, record from audit_records where kind = 'break_glass'")
        assert [one[0] for one in kept] == [OLGA]
        assert REASON in kept[0][1]
        told_of = it.talk.read(await it.talk.ask("audit node-1"))
        assert "olga broke the glass: went on without approval" in " ".join(told_of.split())


async def test_a_permission_of_its_own(tmp_path: Path) -> None:
    """Whoever may ask may not for that break the glass, nor may an approver, nor with another's button."""
    async with running(tmp_path, settings=with_policy(tmp_path, POLICY)) as it:
        root = await it.talk.ask("release node-1", user=ADAM)
        await fill_in(it, await open_form(it, root, GLASS, user=ADAM), REASON, "node-1", user=ADAM)
        await told(it.talk, ADAM, "You can't break the glass", "does not give you this")
        other = await it.talk.ask("release node-1")
        await fill_in(it, await open_form(it, other, GLASS, user=ANDREA), REASON, "node-1", user=ANDREA)
        await told(it.talk, ANDREA, "Only olga")
        assert not it.world.region.effects


async def test_it_ends(tmp_path: Path) -> None:
    """What could not begin in its time does not begin later: here another operation holds the machine."""
    async with running(tmp_path, settings=with_policy(tmp_path, POLICY), speed=1.0) as it:
        first = await it.talk.ask("power cycle node-1")
        again = await it.talk.ask("release node-1")
        its_id = operation_id(again)
        await fill_in(it, await open_form(it, first, GLASS), REASON, "node-1")
        await it.talk.reads(first, "Power cycling")
        await fill_in(it, await open_form(it, again, GLASS), REASON, "node-1")
        await it.talk.reads(again, "in line")
        kept = rows(tmp_path, "select expires_at - confirmed_at from operations where id = ?", its_id)
        assert kept[0][0] == pytest.approx(1800, abs=1)
        rows(tmp_path, "update operations set expires_at = 1 where id = ?", its_id)
        await it.talk.reads(again, "is void", "break-glass was for a limited time")
        assert effects(it, "release", "node-1") == 0


async def test_where_nobody_could_approve_it_is_still_there(tmp_path: Path) -> None:
    settings = with_policy(tmp_path, POLICY, MAASBOT_APPROVERS="")
    async with running(tmp_path, settings=settings) as it:
        root = await it.talk.ask("release node-1")
        await fill_in(it, await open_form(it, root, GLASS), REASON, "node-1")
        await it.talk.reads(root, "Released node-1")
        refused = await it.talk.ask("release node-12", user=ADAM, channel=OPS)
        assert "nobody could" in said(refused)
