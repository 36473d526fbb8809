"""A generated key: seen once by one person, and nowhere else afterwards."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bot.telemetry import set_up_logging
from tests.endtoend.steps import buttons
from tests.kinds.steps import CONFIRM, done, said
from tests.support.harness import OLGA, OPS, VICTOR, Running, running, until, words_of


async def pressed(it: Running, user: str = OLGA) -> Any:
    """The window after the button was pressed, once it shows more than a moment's patience."""
    answer = await it.talk.ask("sshkeys generate")
    element = buttons(answer.blocks)["key.generate"]
    await it.world.workspace.click(
        user, answer.ref, element["action_id"], block_id=element["block_id"], value=element["value"]
    )

    def view() -> Any:
        views = it.world.workspace.views(user)
        return views[-1] if views and "One moment" not in str(views[-1].blocks) else None

    return await until(view, what="the window")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, as the bot itself sets its logs up, at the level that logs the most."""
    root = logging.getLogger()
    before, written = (root.level, list(root.handlers)), io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    set_up_logging("debug", "json", ())
    yield written
    root.setLevel(before[0])
    root.handlers = before[1]


async def test_seen_once_and_kept_nowhere(tmp_path: Path, logged: io.StringIO) -> None:
    async with running(tmp_path) as it:
        view = await pressed(it)
        private = view.blocks[1]["elements"][0]["elements"][0]["text"]
        key = asyncssh.import_private_key(private)
        assert view.submit is None and not [one for one in view.blocks if one["type"] in {"input", "actions"}]
        plan = await until(
            lambda: next((one for one in it.world.workspace.messages(OPS, OLGA) if "Add SSH key" in one.text), None)
        )
        assert key.get_fingerprint() in said(plan) and "olga@slack" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Added SSH key")
        stored = it.world.region.world.sshkeys[0]["key"]
        assert asyncssh.import_public_key(stored).get_fingerprint() == key.get_fingerprint()
        said_everywhere = [said(one) for one in it.world.workspace.messages(OPS, OLGA)]
    secret = private.splitlines()[2]
    assert len(secret) > 40
    assert not [text for text in said_everywhere if secret in text]
    lines = logged.getvalue()
    assert "maas_call" in lines and secret not in lines and "PRIVATE KEY" not in lines
    written = [path for path in (tmp_path / "bot").rglob("*") if path.is_file()]
    assert written
    for path in written:
        content = path.read_bytes()
        assert secret.encode() not in content and b"PRIVATE KEY" not in content, path


async def test_whoever_may_not_gets_no_key(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        answer = await it.talk.mention("sshkeys generate")
        element = buttons(answer.blocks)["key.generate"]
        await it.world.workspace.click(
            VICTOR, answer.ref, element["action_id"], block_id=element["block_id"], value=element["value"]
        )
        view = await until(
            lambda: next((one for one in it.world.workspace.views(VICTOR) if "One moment" not in str(one.blocks)), None)
        )
        text = words_of(view.blocks)
        assert "You may not add SSH keys" in text and "No key was made" in text
        assert not it.world.region.world.sshkeys


async def test_what_can_not_be_shown_is_thrown_away(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("server-error", method="views.update", times=0)
        answer = await it.talk.ask("sshkeys generate")
        element = buttons(answer.blocks)["key.generate"]
        await it.world.workspace.click(
            OLGA, answer.ref, element["action_id"], block_id=element["block_id"], value=element["value"]
        )
        await until(
            lambda: any("thrown away" in said(one) for one in it.world.workspace.messages(OPS, OLGA)), timeout=25
        )
        assert not any("Add SSH key" in one.text for one in it.world.workspace.messages(OPS, OLGA))
