"""Two bots on one PostgreSQL: what one leaves behind the other finishes, and nothing is done twice."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from bot.operations.replicas import EXIT_FENCED
from sandbox.slack import payloads
from tests.replicas.crew import crew, seconds
from tests.support.harness import OLGA, OPS, until, words_of

pytestmark = [pytest.mark.chaos, pytest.mark.long]


async def test_kill_nine_of_the_one_that_works(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        await it.start(2)
        working = await it.begin()
        working.kill()
        await working.gone()
        took = await it.takes_over(working)
        seconds("taken over after kill -9", took)
        assert took < 30
        await it.ends_well()


async def test_what_comes_again_to_the_other_bot_is_done_once(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        bots = await it.start(2)
        workspace = it.world.workspace

        def typed(words: str) -> dict[str, Any]:
            form = payloads.slash_form(workspace, workspace.users[OLGA], workspace.channels[OPS], "/maas", words)
            form["trigger_id"] = workspace.tickets.trigger(OLGA)
            form["response_url"] = workspace.base_url + workspace.tickets.response(OLGA, OPS, kind="commands").path
            return form

        form = typed("commission node-3")
        for bot in bots:
            with it.only_hears(bot):
                assert (await workspace.courier.deliver("slash_commands", form)).ok
        with it.only_hears(bots[1]):
            assert (await workspace.courier.deliver("slash_commands", typed("commission node-7"))).ok

        def planned() -> list[str]:
            return [words for (words,) in it.rows("select words from operations")]

        await until(lambda: "commission node-7" in planned(), 20)
        assert planned().count("commission node-3") == 1


async def test_sigterm_hands_over_at_once(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        await it.start(2)
        working = await it.begin()
        ending = asyncio.create_task(working.terminate())
        took = await it.takes_over(working)
        seconds("taken over after SIGTERM", took)
        assert took < 8
        assert await ending == 0
        await it.ends_well()


async def test_killed_after_maas_took_the_request_and_before_it_was_noted(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url, speed=5.0) as it:
        await it.start(2)
        await it.plan()
        await it.confirm()
        await until(lambda: it.asked, what="the request to arrive")
        working = await until(it.worker)
        working.kill()
        await it.ends_well(60)


async def test_plan_of_a_dead_bot_is_confirmed_on_another(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        [first] = await it.start(1)
        await it.plan()
        first.kill()
        await first.gone()
        await it.start(1)
        await it.confirm()
        await it.ends_well()


async def test_clicks_on_both_have_one_effect(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        await it.start(2)
        await it.plan()
        # Each click goes to either bot by chance, as Slack does it; of eight, both get some.
        await asyncio.gather(*(it.confirm() for _ in range(8)), return_exceptions=True)
        await it.ends_well()
        heard = [bot.log.read_text().count("operation.confirm") for bot in it.bots]
        assert all(heard), heard


async def test_cancelled_on_the_other_bot(tmp_path: Path, postgres_url: str) -> None:
    """The one that doesn't work on it hears the word; the one that does looks at the database."""
    async with crew(tmp_path, postgres_url, speed=2.0) as it:
        await it.start(1)
        await it.begin()
        [second] = await it.start(1)
        assert it.root is not None
        with it.only_hears(second):
            await it.talk.click(it.root, "operation.cancel")
        await until(lambda: "operation.cancel" in second.log.read_text(), what="the second to hear it")
        await it.talk.reads(it.root, "was cancelled", timeout=20)
        assert it.machine.status_name == "New"
        assert it.asked == 1


async def test_both_start_at_once_on_an_empty_database(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        await it.start(2)
        assert len(it.rows("SELECT id FROM replicas")) == 2
        await it.begin()
        await it.ends_well()


async def test_fence_ends_a_bot_that_was_held_up(tmp_path: Path, postgres_url: str) -> None:
    """Stopped for longer than the others wait: it must not go on where it was."""
    async with crew(tmp_path, postgres_url, speed=8.0) as it:
        await it.start(2)
        working = await it.begin()
        working.signal(signal.SIGSTOP)
        await it.takes_over(working)
        working.signal(signal.SIGCONT)
        assert await working.gone() == EXIT_FENCED
        await it.ends_well()
        assert "replica_ends_itself" in working.log.read_text()


async def test_dead_bots_commands_are_told(tmp_path: Path, postgres_url: str) -> None:
    """Words that a killed bot had taken and not answered are answered for by the other."""
    async with crew(tmp_path, postgres_url) as it:
        first, second = it.bot(), it.bot()
        await it.up(first)
        await it.up(second)
        it.world.region.faults.set("hang")
        before = len(it.world.workspace.messages(OPS, OLGA))
        with it.only_hears(first):
            await it.world.workspace.slash(OLGA, OPS, "commission node-3")
        await until(lambda: it.rows("SELECT 1 FROM inbox"), what="the command to be written down")
        first.kill()

        def told() -> bool:
            new = it.world.workspace.messages(OPS, OLGA)[before:]
            return any("I was restarted" in f"{one.text} {words_of(one.blocks)}" for one in new)

        await until(told, 25, "a word about the command")
        assert it.rows("SELECT 1 FROM inbox") == []


async def test_a_living_bots_commands_are_left_alone(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        first = it.bot()
        await it.up(first)
        it.rows("INSERT INTO inbox SELECT 'mine', '', 'status', 0, id FROM replicas RETURNING id")
        it.rows("INSERT INTO inbox VALUES ('gone', '', 'status', 0, 'nobody') RETURNING id")
        await it.up(it.bot())
        assert it.rows("SELECT id FROM inbox") == [("mine",)]
