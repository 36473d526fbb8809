"""The database goes away under two bots, for a moment and for longer than they may go on without it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.operations.replicas import EXIT_FENCED
from tests.replicas.crew import crew
from tests.support.postgres import running_postgres

pytestmark = [pytest.mark.chaos, pytest.mark.long]

#: Exit codes after which whatever runs the bot starts it again: fenced, or no database at the start.
_STARTED_AGAIN = {EXIT_FENCED, 1}


@pytest.mark.parametrize(("seconds", "survived"), [(2.0, True), (10.0, False)])
async def test_database_is_down(tmp_path: Path, seconds: float, survived: bool) -> None:
    with running_postgres() as server:
        async with crew(tmp_path, server.new_database(), speed=6.0) as it:
            bots = await it.start(2)
            await it.begin()
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(seconds)
            ended = [bot for bot in bots if not bot.runs]
            assert (ended == []) is survived
            await asyncio.to_thread(server.start)
            it.reconnect()
            for bot in ended:
                assert await bot.gone() in _STARTED_AGAIN
            await it.up(*ended)
            await it.ends_well(60)
