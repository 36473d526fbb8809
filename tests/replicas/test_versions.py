"""A rolling deploy with changed workflows neither loses nor repeats anything, whatever the versions can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replicas.crew import crew
from tests.support.harness import until, words_of

pytestmark = [pytest.mark.chaos, pytest.mark.long]


async def test_a_newer_bot_that_can_goes_on(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        old, newer = it.bot(), it.bot(version="2", readable=("1", "2"))
        await it.begin_on(old, newer)
        assert await old.terminate() == 0
        await until(lambda: it.worker() is newer, 15, "the newer one to go on")
        await it.ends_well()


async def test_an_older_bot_finishes_its_own(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=20.0) as it:
        old, newer = it.bot(), it.bot(version="2", readable=("2",))
        await it.begin_on(old, newer)
        assert it.worker() is old
        await it.ends_well()
        assert "taken_over" not in newer.log.read_text()


async def test_what_nobody_can_go_on_with_waits_says_so_and_is_finished_by_a_fitting_bot(
    tmp_path: Path, postgres_url: str
) -> None:
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        old, newer = it.bot(), it.bot(version="2", readable=("2",))
        await it.begin_on(old, newer)
        old.kill()
        await old.gone()
        assert it.root is not None
        await it.talk.reads(it.root, "begun with workflow version 1", timeout=30)
        listed = await it.talk.ask("ops")
        assert "begun with workflow version 1" in f"{listed.text} {words_of(listed.blocks)}"
        assert it.machine.status_name in {"Commissioning", "Testing", "Ready"}
        again = it.bot()
        await it.up(again)
        await until(lambda: it.worker() is again, 15, "the fitting one to go on")
        await it.ends_well()
        assert "begun with workflow version" not in it.talk.read(it.root)


async def test_what_nobody_can_go_on_with_can_be_cancelled(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=1.0) as it:
        old, newer = it.bot(), it.bot(version="2", readable=("2",))
        await it.begin_on(old, newer)
        old.kill()
        await old.gone()
        assert it.root is not None
        await it.talk.reads(it.root, "begun with workflow version 1", timeout=30)
        await it.talk.click(it.root, "operation.cancel")
        await it.talk.reads(it.root, "was cancelled", timeout=30)
        assert it.machine.status_name == "New"
        assert it.asked == 1
        assert it.rows("SELECT 1 FROM locks") == []
