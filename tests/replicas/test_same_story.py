"""One bot, killed and started again: the same story on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replicas.crew import crew
from tests.support.harness import until

pytestmark = [pytest.mark.chaos, pytest.mark.long]


@pytest.mark.parametrize("moment", ["confirmed", "asked", "outcome"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_killed_and_started_again(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, moment: str
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
    async with crew(tmp_path, url) as it:
        bot = it.bot()
        await it.up(bot)
        await it.plan()
        await it.confirm()
        moments = {
            "confirmed": lambda: "operation.confirm" not in str(it.talk.now(it.root).blocks),
            "asked": lambda: it.asked,
            "outcome": lambda: "Commissioned" in it.talk.read(it.root),
        }
        await until(moments[moment], what=moment)
        bot.kill()
        await bot.gone()
        await it.up(bot)
        await it.ends_well(60)
