"""Two bots on one PostgreSQL: what a channel watches is told once, whoever is alive to tell it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.maas import machine as states
from sandbox.maas.power import change_status
from tests.replicas.crew import Crew, crew
from tests.support.harness import ADAM, OPS, until, words_of

pytestmark = [pytest.mark.chaos, pytest.mark.long]


def heard(it: Crew, *parts: str) -> list[str]:
    """What was said in the channel to everybody, with these words in it."""
    messages = it.world.workspace.messages(OPS, ADAM)
    said = [f"{one.text} {words_of(one.blocks)}" for one in messages if one.bot_id and not one.ephemeral_to]
    return [one for one in said if all(part in one for part in parts)]


def fails(it: Crew, name: str) -> None:
    world = it.world.region.world
    machine = world.machine(name)
    world.node_event(machine, "ERROR", "Marking node failed", "it fell over")
    change_status(world, machine, states.FAILED_TESTING)


async def test_one_posts_and_the_other_goes_on_when_it_is_killed(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        await it.start(2)
        for what in ("machines", "failures"):
            await it.talk.ask(f"watch {what}", user=ADAM)
        await until(lambda: len(heard(it, "From now on")) == 2, 60, what="the watches' own words")
        await until(lambda: len(it.rows("SELECT 1 FROM watch_memory")) == 4, 60, what="the first looks")

        it.world.region.world.add_machine("fresh-1")
        fails(it, "node-2")
        await until(lambda: heard(it, "fresh-1 appeared") and heard(it, "node-2 Failed testing"), 60)
        await asyncio.sleep(3)
        assert len(heard(it, "fresh-1 appeared")) == 1
        assert len(heard(it, "node-2 Failed testing")) == 1

        # The one with the smaller name speaks; it is killed right when there is something to say.
        places = dict(it.rows("SELECT id, place FROM replicas"))
        speaker = next(bot for bot in it.bots if places[min(places)].endswith(f" {bot.pid}"))
        speaker.kill()
        fails(it, "node-10")
        it.world.region.world.add_machine("fresh-2")
        await speaker.gone()
        await until(lambda: heard(it, "fresh-2 appeared") and heard(it, "node-10 Failed testing"), 60)
        await it.up(it.bot())
        await asyncio.sleep(8)
        for once in ("fresh-1 appeared", "fresh-2 appeared", "node-2 Failed testing", "node-10 Failed testing"):
            assert len(heard(it, once)) == 1, once
