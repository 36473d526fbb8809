"""Imports that stall, and regions that are restarted under an import: what is said, and how it comes to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.world import hosted
from tests.images.deeds import SLOWLY, STALL, asked, complete, images, orders, stalled
from tests.kinds.steps import ASK, actions_of, agree, done, has, refused, said
from tests.support.harness import OLGA, OPS, running, until

BOTH = pytest.mark.parametrize("version", ["2.9.3", "3.4.10"])


@BOTH
async def test_a_stall_is_told_and_recovered_with_the_regions_restart(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await stalled(it)
        plan = await asked(it, "images import")
        await done(it.talk, plan, "Importing images failed", STALL, "/maas images recover")
        assert "does not hear that it is to stop" in await refused(it.talk, "images stop")
        status = said(await it.talk.ask("status"))
        assert "Image import stalled at" in status
        assert "/maas images doctor" in status
        doctor = await it.talk.ask("images doctor")
        assert "no order gets out of it" in said(doctor)
        assert "sudo systemctl restart maas-regiond" in said(doctor)
        before = {one.ts for one in it.world.workspace.messages(OPS, OLGA)}
        button = next(action for action in actions_of(doctor) if action.startswith("words.run"))
        await it.talk.click(doctor, button)
        plan = await until(
            lambda: next((one for one in it.world.workspace.messages(OPS, OLGA) if one.ts not in before), None),
            what="the plan that the button asks for",
        )
        assert "Recover the import of images?" in said(plan)
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Waiting for the region's restart: sudo snap restart maas.supervisor")
        before = orders(it)
        it.world.region.faults.clear()
        it.world.region.faults.set("region-restarted")
        await done(it.talk, plan, "Recovered the import of images", "all 4 wanted images complete", "can be booted")
        assert orders(it) - before == 2, "the first import only removes what is half there"
        assert complete(it, "bionic")


async def test_half_an_image_needs_two_imports_and_gets_them(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        await stalled(it)
        it.world.region.faults.clear()
        it.world.region.faults.set("region-restarted")
        before = orders(it)
        plan = await it.talk.ask("images recover")
        assert "half there, and no import runs." in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Recovered the import of images")
        assert orders(it) - before == 2


async def test_a_restart_while_the_index_is_read_is_not_taken_for_a_bad_index(tmp_path: Path) -> None:
    """It ends as an import whose index is not accepted: nothing loaded, no notice. Another import brings the image."""
    async with running(tmp_path) as it:
        region = it.world.region
        plan = await it.talk.ask("images add bionic")
        await agree(it.talk, plan)
        await until(lambda: region.world.images.importing, what="the import to begin")
        assert not images(it, "bionic"), "the index is still being read"
        region.faults.set("region-restarted")
        await done(it.talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete")
        assert orders(it) == 2


async def test_a_restart_of_the_region_in_the_middle_costs_no_attempt(tmp_path: Path) -> None:
    """Twice half an image: each time one import that loses it, and one that only removes it."""
    async with running(tmp_path) as it:
        region = it.world.region
        region.faults.set("slow-mirror", rate=2 * SLOWLY)
        plan = await asked(it, "images add bionic")
        for cut in range(2):
            await until(lambda: any(one.done for found in images(it, "bionic") for one in found.files), what="bytes")
            region.faults.set("region-restarted")
            await until(lambda cut=cut: orders(it) == 2 * cut + 2, what="the import that removes what is half there")
            await until(lambda cut=cut: orders(it) == 2 * cut + 3, what="the one after it")
        await done(it.talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete")
        assert orders(it) == 5


async def test_the_restart_of_the_region_is_a_step_of_its_own_and_approved(tmp_path: Path) -> None:
    """With a way to the host: the recovery waits, another person approves the restart, and the recovery goes on."""
    async with hosted(tmp_path, speed=40.0) as it:
        assert it.world.host is not None
        link, region = it.world.host.link, it.world.region
        await stalled(it)
        doctor = await it.talk.ask("images doctor")
        assert "Restart the region on its host: /maas host restart." in said(doctor)
        labels = [
            one["text"]["text"] for block in doctor.blocks for one in block.get("elements", []) if "action_id" in one
        ]
        assert labels == ["Recover", "Restart the region"]
        recovery = await asked(it, "images recover")
        await it.talk.reads(recovery, "Waiting for the region's restart: /maas host restart")
        restart = await it.talk.ask("host restart")
        assert has(restart, ASK), said(restart)
        await agree(it.talk, restart)
        await until(lambda: not link.up, 30, "MAAS to stop")
        assert not region.world.images.importing
        region.faults.clear()
        await it.talk.reads(restart, "Restarted MAAS on the host", timeout=40)
        await done(it.talk, recovery, "Recovered the import of images", "can be booted", timeout=40)
        assert complete(it, "bionic")


async def test_the_region_goes_away_in_the_middle_of_an_import(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        plan = await asked(it, "images add bionic")
        await it.talk.reads(plan, "MB/s")
        it.world.region.faults.set("down")
        await it.talk.reads(plan, "Looking again in a moment")
        it.world.region.faults.set("region-restarted")
        it.world.region.faults.clear()
        await done(it.talk, plan, "Added ubuntu/bionic amd64", "all 4 wanted images complete")
