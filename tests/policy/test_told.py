"""What people are told of the policy, over real sockets."""

from __future__ import annotations

from pathlib import Path

from tests.support.harness import running

OLGA, VICTOR, ADAM = "U0OLGA", "U0VICTOR", "U0ADAM"


async def test_whoami_explains_each_yes_and_no(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        text = it.talk.read(await it.talk.ask("whoami", user=OLGA), OLGA)
        assert "operator (your user id in MAASBOT_OPERATORS)" in text
        assert "you are an operator through your user id in MAASBOT_OPERATORS" in text
        assert "anyone in this workspace may read here" in text
        assert "MAASBOT_APPROVERS does not name you as an approver of this" in text
        # A hundred names are no answer: nearly all of a class are told as the class, and the exceptions by name.
        assert "all that only looks" in text and "machines" not in text
        assert "all that changes something" in text and "commission" not in text and "release" in text
        assert all(name in text for name in ("unwatch", "policy", "host enrol"))
        text = it.talk.read(await it.talk.ask("whoami", user=VICTOR), VICTOR)
        assert "needs the role operator, which MAASBOT_OPERATORS does not give you" in text


async def test_the_whole_policy_is_for_admins(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        text = it.talk.read(await it.talk.ask("policy", user=ADAM), ADAM)
        assert "U0ANDREA, S0APPROVE may approve any command, 1 needed" in text
        assert "break-glass: off" in text
        text = it.talk.read(await it.talk.ask("policy", user=OLGA), OLGA)
        assert "MAASBOT_ADMINS does not name you" in text
        assert "U0ANDREA" not in text
