"""Every test of the chain runs on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage import Database
from tests.audit.kit import sync_url

#: A secret that the bot knows, of no shape that could be recognised.
KNOWN_SECRET = "correct-horse-battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'maasbot.sqlite'}"
    return sync_url(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The bot's own tables, new."""
    database = Database(url, secrets=[KNOWN_SECRET])
    await database.create()
    yield database
    database.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """The same where the kind of database does not matter."""
    database = Database(f"sqlite:///{tmp_path / 'maasbot.sqlite'}", secrets=[KNOWN_SECRET])
    await database.create()
    yield database
    database.close()
