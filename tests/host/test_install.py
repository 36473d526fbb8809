"""MAAS comes to a bare host and goes again, with either database; twice in a row; from every half-done state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.world import carried_out, hosted


@pytest.mark.parametrize("database", ["test", "production"])
async def test_install_then_reset(tmp_path: Path, database: str) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = it.world.host
        assert host is not None
        root = await carried_out(it, f"install --database {database}", "Installed the host")
        print(it.talk.read(root))
        assert await it.bot.regions["default"].api.whoami()
        root = await carried_out(it, "reset", "Reset the host")
        print(it.talk.read(root))
        print(host.model)
        assert 0
