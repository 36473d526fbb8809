"""`/maas release`: what the plan says, what MAAS is asked, and how it ends, on both versions of MAAS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import BOTH, CANCEL, agree, done, effects, machine, refused, said
from tests.support.harness import running, until
from tests.watches.steps import labels

pytestmark = pytest.mark.parametrize("version", BOTH)


async def test_a_deployed_machine_becomes_ready(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("release node-1 --comment 'project ended'")
        text = said(plan)
        for part in (
            "Release node-1?", "Deployed", f"owner {one.owner}", f"deployed ubuntu/{one.distro_series}", "since 20",
            "disks kept", "stays on the disks, not erased", "Comment in MAAS's log: project ended",
        ):  # fmt: skip
            assert part in text
        assert effects(it.world, "node-1") == {}
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-1", "1 of 1 done (1 Ready)")
        assert effects(it.world, "node-1") == {"release": 1}
        assert (one.owner, one.power_state, one.erased_by) == (None, "off", "")
        orders = [event for event in it.world.region.world.events if event.type == "User releasing node"]
        assert [event.description for event in orders] == ["(admin) - project ended"]


@pytest.mark.parametrize(
    ("option", "mode", "words"),
    [
        ("--erase", "secure", "by the drives' own secure erase, and disks without one are overwritten with zeros"),
        ("--secure-erase", "secure", "by the drives' own secure erase"),
        ("--quick-erase", "quick", "the first and the last 2 MiB of each disk"),
        ("--secure-erase --quick-erase", "secure, quick", "of disks without one the first and the last 2 MiB"),
    ],
)
async def test_erasing_is_asked_for_as_the_plan_says(
    tmp_path: Path, version: str, option: str, mode: str, words: str
) -> None:
    async with running(tmp_path, version=version, speed=100.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask(f"release node-1 {option}")
        assert "Release node-1 and erase its disks?" in said(plan)
        assert words in said(plan)
        assert "stays on the disks" not in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-1", "(1 Ready)")
        assert one.erased_by == mode
        assert effects(it.world, "node-1") == {"release": 1}


async def test_disks_that_can_not_be_erased(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=100.0) as it:
        it.world.region.world.alter("node-1", fail_erase=True)
        plan = await it.talk.ask("release node-1 --erase")
        await agree(it.talk, plan)
        text = await done(it.talk, plan, "Releasing node-1 failed", "Failed disk erasing")
        assert "The disks were not erased, or only in part (Marking node failed - Failed to erase disks." in text
        [failure] = [one for one in it.talk.replies(plan) if "node-1 Failed disk erasing" in one.text]
        assert {"Retry", "Power check", "Mark broken"} <= set(labels(failure))
        files = await until(lambda: [one for one in it.talk.replies(plan) if one.files], what="the log")
        assert "Failed to erase disks" in it.world.workspace.files[files[0].files[0]].content.decode()
        assert machine(it.world, "node-1").owner == "admin", "nobody else gets a machine with data on it"


async def test_maas_erases_unasked_when_its_settings_say_so(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=100.0) as it:
        settings = it.world.region.world.settings
        settings.update(enable_disk_erasing_on_release=True, disk_erase_with_secure_erase=False)
        plan = await it.talk.ask("release node-1")
        assert "each disk is overwritten with zeros" in said(plan)
        assert "Everything on the disks is erased" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-1")
        assert machine(it.world, "node-1").erased_by == "zeros"


async def test_a_setting_changed_after_the_plan_voids_it(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("release node-1")
        it.world.region.world.settings["enable_disk_erasing_on_release"] = True
        await agree(it.talk, plan)
        await it.talk.reads(plan, "is void", "disks kept → secure erase")
        assert effects(it.world, "node-1") == {}


async def test_what_maas_would_refuse_is_left_out_with_its_rule(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        assert "it is locked; unlock it first" in await refused(it.talk, "release node-5")
        assert "it is New: there is nothing to release" in await refused(it.talk, "release node-3")
        assert "it is Ready: there is nothing to release" in await refused(it.talk, "release node-2")
        assert "MAAS releases machines that are Allocated" in await refused(it.talk, "release node-4")
        plan = await it.talk.ask("release node-1 node-3 node-5")
        assert "Left out" in said(plan)
        assert "Release node-1?" in said(plan)
        assert effects(it.world, "node-1") == {}


async def test_the_owner_that_a_refused_order_left_on_a_ready_machine(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-2", owner="admin")
        assert "it is Ready, though admin is still its owner" in await refused(it.talk, "release node-2")


async def test_never_commissioned_ends_new(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-1", ever_passed=False)
        plan = await it.talk.ask("release node-1")
        await agree(it.talk, plan)
        if version == "2.9.3":
            await done(it.talk, plan, "Released node-1", "(1 Ready)")
        else:
            await done(it.talk, plan, "Released node-1", "(1 New)", "it never passed commissioning")


async def test_broken_becomes_ready(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("release node-6")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-6", "(1 Ready)")
        assert effects(it.world, "node-6") == {"release": 1}


async def test_power_type_manual_is_told_before(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-1", power_type="manual")
        await it.bot.regions["default"].fleet.refresh([machine(it.world, "node-1").system_id])
        plan = await it.talk.ask("release node-1")
        assert "MAAS can't switch node-1 off (power type manual)" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-1", "(1 Ready)")


async def test_another_owner_is_told_before(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-1", owner="operator")
        plan = await it.talk.ask("release node-1")
        assert "node-1 to operator. Ask them first." in said(plan)


async def test_a_bmc_that_refuses_its_password_fails_with_the_cause(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        it.world.region.world.alter("node-1", bmc="wrong-password")
        plan = await it.talk.ask("release node-1")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Releasing node-1 failed", "Releasing failed", "Incorrect password")
        assert effects(it.world, "node-1") == {"release": 1}


async def test_a_machine_that_is_taken_at_once_counts_as_released(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=5.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("release node-1")
        await agree(it.talk, plan)
        # Nobody but the log sees it Ready.
        await until(lambda: one.status_name == "Ready", what="the release", timeout=20)
        one.owner, one.status = "juju", 10
        await done(it.talk, plan, "Released node-1")


async def test_cancelling_stops_the_erasing_and_says_what_is_left(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, speed=5.0) as it:
        one = machine(it.world, "node-1")
        plan = await it.talk.ask("release node-1 --erase")
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Disk erasing")
        await it.talk.click(plan, CANCEL)
        await done(it.talk, plan, "The disks were not erased, or only in part")
        assert one.status_name == "Failed disk erasing"
        assert effects(it.world, "node-1") == {"release": 1, "abort": 1}


async def test_many_at_once(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, machines=40) as it:
        deployed = [one for one in it.world.region.world.machines.values() if one.status == 6 and not one.locked]
        plan = await it.talk.ask("release status:deployed")
        assert f"Release {len(deployed)} machines?" in said(plan)
        assert "Left out" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, f"{len(deployed)} of {len(deployed)} done ({len(deployed)} Ready)")
        assert all(effects(it.world, one.hostname) == {"release": 1} for one in deployed)
        assert effects(it.world, "node-5") == {}
