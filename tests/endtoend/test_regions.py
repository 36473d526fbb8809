"""Two regions: status shows both, --region chooses, buttons and operations stay with their region."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.maas import RegionStandIn
from tests.endtoend.steps import buttons, confirmed, operation_id, said, told
from tests.support.harness import OLGA, Running, running, until


@asynccontextmanager
async def two_regions(state: Path) -> AsyncIterator[tuple[Running, RegionStandIn]]:
    """`default`, and `lab`, which plays an older MAAS and has more machines."""
    lab = RegionStandIn(version="2.9.3", machines=40, seed=7, speed=40.0)
    await lab.start()
    config = state / "maasbot.toml"
    config.write_text(f'[regions.lab]\nurl = "{lab.url}"\napi_key = "{lab.api_key}"\n')
    try:
        async with running(state, settings={"MAASBOT_CONFIG": str(config)}) as it:
            await until(lambda: it.bot.regions["lab"].fleet.status.filled_at)
            await it.bot.regions["lab"].watcher.wait_for_snapshot(10)
            yield it, lab
    finally:
        await lab.stop()


async def test_status_and_machines(tmp_path: Path) -> None:
    async with two_regions(tmp_path) as (it, _):
        text = said(await it.talk.ask("status"))
        assert "MAAS 3.4.10 is up" in text and "MAAS 2.9.3 from source is up" in text
        text = said(await it.talk.ask("status --region lab"))
        assert "MAAS 2.9.3 from source is up" in text and "3.4.10" not in text
        text = said(await it.talk.ask("status --region default"))
        assert "MAAS 3.4.10 is up" in text and "2.9.3" not in text
        assert "12 machines" in said(await it.talk.ask("machines"))
        page = await it.talk.ask("machines --region=lab")
        assert "40 machines" in said(page) and "page 1 of 2" in said(page)
        following = next(one for name, one in buttons(page.blocks).items() if "next" in name)
        await it.world.workspace.click(
            OLGA, page.ref, following["action_id"], block_id=following["block_id"], value=following["value"]
        )
        text = await told(it.talk, OLGA, "page 2 of 2")
        assert "40 machines" in text, "the second page of the same region"
        text = said(await it.talk.ask("machine node-40"))
        assert "matches no machine" in text
        assert "node-40 is" in said(await it.talk.ask("machine node-40 --region lab"))


async def test_a_commission_stays_in_its_region(tmp_path: Path) -> None:
    async with two_regions(tmp_path) as (it, lab):
        name = next(one.hostname for one in lab.world.machines.values() if one.status_name == "New")
        root = await confirmed(it.talk, f"commission {name} --region lab")
        await it.talk.reads(root, f"Commissioned {name}")
        assert sum(lab.effects.values()) == 1
        assert not it.world.region.effects
        assert operation_id(root) in said(await it.talk.ask("ops"))


async def test_one_region_down_does_not_hide_the_other(tmp_path: Path) -> None:
    async with two_regions(tmp_path) as (it, lab):
        lab.faults.set("down")
        await until(lambda: it.bot.regions["lab"].watcher.availability.up is False)
        text = said(await it.talk.ask("status"))
        assert "MAAS 3.4.10 is up" in text and "MAAS 2.9.3 from source has given no good answer" in text
        text = said(await it.talk.ask("commission node-3 --region lab"))
        assert "Nothing was changed" in text
        root = await confirmed(it.talk, "commission node-3")
        await it.talk.reads(root, "Commissioned node-3")
