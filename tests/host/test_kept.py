"""A demo that is kept: what the host was, and what ran on it, is found again."""

from __future__ import annotations

from pathlib import Path

from bot.host.protocol import JobState
from sandbox.demo import World
from tests.host.world import carried_out, hosted, the_host
from tests.support.harness import until


async def test_a_host_is_kept_between_runs(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True, keep=True) as it:
        await carried_out(it, "install --database production", "Installed the host")
        key = (tmp_path / "bot" / "region-default.key").read_text().strip()
    async with hosted(tmp_path, bare=True, keep=True) as it:
        host = the_host(it)
        assert host.model.server.roles["maas"].password
        assert not [one for one in host.helper.table.jobs.values() if one.state is not JobState.DONE]
        await until(lambda: it.bot.regions["default"].watcher.availability.up, what="the region with the kept key")
        assert "all well" in (await it.talk.ask("host status")).text
        assert host.link.region.api_key == key
        await carried_out(it, "reset", "Reset the host")
    world = World.build(tmp_path, keep=True, host=True, strict_timing=False)
    await world.start()
    try:
        assert "MAAS_API_KEY" in world.environment(), "the region's own state outlives the host's MAAS"
        assert world.host is not None
        assert not world.host.model.snaps
    finally:
        await world.stop()
