"""`/maas machine NAME`: the card, in the states that people meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.steps import confirmed, operation_id, said
from tests.support.harness import VICTOR, running
from tests.watches.steps import labels


@pytest.mark.parametrize("version", ["2.9.3", "3.4.10"])
async def test_everything_that_is_known(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        card = await it.talk.ask("machine node-1")
        text = said(card)
        for part in ("node-1   Deployed", "on (ipmi)", " CPU, ", "eth0", "sda ", "GB", "ubuntu/", "ga-",
                     "Boot MAC", "Read from MAAS just now"):  # fmt: skip
            assert part in text, part
        ready = said(await it.talk.ask("machine node-2"))
        assert "Images for it" in ready
        assert "ubuntu/jammy" in ready
        new = said(await it.talk.ask("machine node-3"))
        assert "not known before commissioning" in new


async def test_history_operations_and_buttons(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-3")
        await it.talk.reads(root, "Commissioned node-3")
        card = await it.talk.ask("machine node-3")
        text = said(card)
        assert "Last operations" in text
        assert operation_id(root) in text
        assert "https://" in str(card.blocks) or "http://" in str(card.blocks), "a link to its thread"
        assert "commission, Ready" in text
        assert "Lately" in text
        assert "Commission" in labels(card)
        reader = await it.talk.ask("machine node-3", user=VICTOR)
        assert "Commission" not in labels(reader), "only what this person may do"


async def test_power_that_lags_is_not_told_as_done(tmp_path: Path) -> None:
    async with running(tmp_path, speed=1.0) as it:
        world = it.world.region.world
        world.alter("node-2", power_state="on")
        it.world.region.lifecycle.power_off(world.machine("node-2"), world.admin, "")
        assert "on (ipmi); told to go off, and not there yet" in said(await it.talk.ask("machine node-2"))


async def test_maas_is_away_and_the_machine_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("down")
        text = said(await it.talk.ask("machine node-1", timeout=40))
        assert "As of" in text
        assert "node-1   Deployed" in text
        it.world.region.faults.clear()


async def test_hostile_values_stay_what_they_are(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        world.alter("node-2", description="*bold* <!channel> `x`\u202e", tags=[f"tag-{n}" for n in range(40)])
        card = await it.talk.ask("machine node-2")
        assert "<!channel>" not in str([one for one in card.blocks if one["type"] == "section"])
        assert "and 28 more" in said(card)
