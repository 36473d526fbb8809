"""Machines whose image is not there: said early, and waited for on request."""

from __future__ import annotations

from pathlib import Path

from bot.app import Bot
from bot.maas.images import ImageName
from bot.operations.image_readiness import commissioning_images, deploy_images, unready
from commands.catalogue import build_catalog
from commands.status import overview
from tests.images.lab import lab, until
from tests.kinds.steps import CANCEL, agree, done, effects, refused, said
from tests.support.harness import QUICK, Running, running
from tests.support.harness import until as happens


def without_image(it: Running) -> str:
    """Take the image away that machines boot, and return its release."""
    world = it.world.region.world
    release = str(world.settings["commissioning_distro_series"])
    for one in world.images.of(release, "amd64"):
        del world.images.resources[one.id]
    return release


async def looked(it: Running) -> None:
    await it.bot.regions["default"].imports.look()


async def test_what_is_needed_and_how_far_it_is() -> None:
    async with lab("2.9.3") as it:
        machines = list((await it.service.fleet.refresh([next(iter(it.region.world.machines))])).values())
        assert await commissioning_images(it.service, machines) == [ImageName("ubuntu", "focal", "amd64")]
        assert await deploy_images(it.service, machines) == [ImageName("ubuntu", "focal", "amd64")]
        assert await deploy_images(it.service, machines, "custom", "golden") == [
            ImageName("custom", "golden", "amd64"),
            ImageName("ubuntu", "focal", "amd64"),
        ]
        assert await deploy_images(it.service, machines, release="ubuntu/noble") == [
            ImageName("ubuntu", "noble", "amd64")
        ]
        needed = [ImageName("ubuntu", "focal", "amd64")]
        assert await unready(it.service, needed) == []
        it.region.faults.set("racks-behind")
        await until(lambda: it.service.watcher.snapshot.racks.value, "the racks")
        it.service.imports._reads._answers.clear()
        assert "the racks are still fetching it" in str((await unready(it.service, needed))[0])
        it.region.faults.clear()
        it.forget("focal")
        await it.service.imports.look()
        assert "it is not there, and no import runs; /maas images doctor" in str((await unready(it.service, needed))[0])
        it.region.faults.set("slow-mirror", rate=20_000_000)
        await it.begin()
        assert "of it is there; the import:" in str((await unready(it.service, needed))[0])


async def test_commissioning_is_refused_early(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        release = without_image(it)
        await looked(it)
        refusal = await refused(it.talk, "commission node-2 node-3")
        assert f"ubuntu/{release} amd64, which it boots, is not ready: it is not there" in refusal
        assert "--when-ready" in refusal
        assert effects(it.world, "node-2") == {}


async def test_commissioning_waits_for_the_image_across_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        release = without_image(it)
        await looked(it)
        plan = await it.talk.ask("commission node-2 --when-ready")
        assert f"It waits first: ubuntu/{release} amd64: it is not there" in said(plan)
        await agree(it.talk, plan)
        await it.talk.reads(plan, f"Waiting: ubuntu/{release} amd64: it is not there")
        assert effects(it.world, "node-2") == {}
        await it.bot.stop()
        it.bot = Bot(it.world.settings(), build_catalog(), overview, pace=QUICK)
        await it.bot.start()
        it.world.region.faults.set("slow-mirror", rate=8_000_000)
        await it.bot.regions["default"].api.start_import()
        await it.talk.reads(plan, "of it is there; the import:")
        assert effects(it.world, "node-2") == {}
        await done(it.talk, plan, "Commissioned node-2", timeout=60)
        assert effects(it.world, "node-2") == {"commission": 1}
        await it.bot.stop()


async def test_a_wait_that_is_cancelled_touches_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        without_image(it)
        await looked(it)
        plan = await it.talk.ask("commission node-2 --when-ready")
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Waiting:")
        await it.talk.click(plan, CANCEL)
        await done(it.talk, plan, "was cancelled", "Not touched: node-2")
        await happens(lambda: not it.world.region.world.power_busy, what="nothing to be switched")
        assert effects(it.world, "node-2") == {}


async def test_deploying_is_refused_early_and_waits_on_request(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world.images
        assert "the region has no image ubuntu/bionic" in await refused(it.talk, "deploy node-2 --series bionic")
        refusal = await refused(it.talk, "deploy node-2 --series bionic --when-ready")
        assert "the region has no image ubuntu/bionic" in refusal, "nobody selected it: there is nothing to wait for"
        world.select(world.sources[0], "bionic")
        refusal = await refused(it.talk, "deploy node-2 --series bionic")
        assert "ubuntu/bionic amd64, which it boots, is not ready: it is not there, and no import runs" in refusal
        plan = await it.talk.ask("deploy node-2 --series bionic --when-ready")
        assert "Not ready yet: ubuntu/bionic amd64" in said(plan)
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Waiting: ubuntu/bionic amd64")
        assert effects(it.world, "node-2") == {}
        await it.bot.regions["default"].api.start_import()
        await done(it.talk, plan, "Deployed node-2", timeout=60)
        assert effects(it.world, "node-2")["deploy"] == 1
