"""`/maas delete`: the plan, the one call, and how it ends, on both versions of MAAS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import BOTH, agree, done, effects, machine, refused, said
from tests.support.harness import running

pytestmark = pytest.mark.parametrize("version", BOTH)


async def test_a_machine_is_gone(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        system_id = machine(it.world, "node-3").system_id
        plan = await it.talk.ask("delete node-3")
        text = said(plan)
        for part in ("Delete node-3?", "New", "Its record in MAAS", "history, test results", "its disks untouched"):
            assert part in text
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deleted node-3", "1 of 1 done (1 Deleted)")
        assert effects(it.world, system_id) == {"delete": 1}
        assert "matches no machine" in await refused(it.talk, "delete node-3")


async def test_deleting_what_is_deployed_is_irreversible_and_says_so(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("delete node-1")
        assert "MAAS's hold on ubuntu/" in said(plan)
        assert "powered on now, and stays on" in said(plan)
        system_id = machine(it.world, "node-1").system_id
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deleted node-1")
        assert effects(it.world, system_id) == {"delete": 1}


async def test_a_locked_machine_is_left_out(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        assert "MAAS deletes no locked machine" in await refused(it.talk, "delete node-5")
        plan = await it.talk.ask("delete node-3 node-5")
        assert "Left out" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deleted node-3")
        assert machine(it.world, "node-5").locked


async def test_locked_after_the_plan_voids_it(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("delete node-1")
        it.world.region.world.alter("node-1", locked=True)
        await agree(it.talk, plan)
        await it.talk.reads(plan, "is void", "locked")
        assert effects(it.world, "node-1") == {}


async def test_deleted_by_somebody_else_before_its_turn(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        system_id = machine(it.world, "node-3").system_id
        plan = await it.talk.ask("delete node-3")
        del it.world.region.world.machines[system_id]
        await agree(it.talk, plan)
        await it.talk.reads(plan, "is void", "no longer there")
        assert effects(it.world, system_id) == {}
