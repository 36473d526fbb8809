"""Changes that MAAS makes in an instant: each is planned, made once, and seen in the machine, on both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.maas import machine as states
from tests.kinds.steps import BOTH, CONFIRM, agree, done, effects, has, machine, refused, said
from tests.support.harness import Running, running

each = pytest.mark.parametrize("version", BOTH)


async def do(it: Running, words: str, *parts: str) -> str:
    plan = await it.talk.ask(words)
    await agree(it.talk, plan)
    return await it.talk.reads(plan, *parts, "ended")


async def test_a_new_name_and_notes(tmp_path: Path) -> None:
    async with running(tmp_path, version="2.9.3") as it:
        one = machine(it.world, "node-3")
        text = await do(it, "rename node-3 DB-1", "Renamed node-3", "now db-1")
        assert one.hostname == "db-1"
        assert "1 of 1 done" in text
        await do(it, "notes db-1 --text 'PSU ersetzt – März'", "Changed the notes of db-1")
        assert one.description == "PSU ersetzt – März"
        await do(it, "notes db-1 --text ''", "Changed the notes of db-1")
        assert one.description == ""
        assert effects(it.world, one.system_id) == {"update": 3}


async def test_tags_pools_and_zones(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.4.10") as it:
        one, other = machine(it.world, "node-3"), machine(it.world, "node-7")
        plan = await it.talk.ask("tag node-3 node-7 --name gpu-a100")
        assert "There is no tag gpu-a100 yet" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Tagged 2 machines", "2 of 2 done")
        assert one.tags == other.tags == ["gpu-a100"]
        await do(it, "untag tag:gpu-a100 --name GPU-A100", "Untagged 2 machines")
        assert one.tags == [] and "gpu-a100" in it.world.region.world.tags
        await do(it, "pool node-3 --to gpu", "Moved node-3", "in pool gpu")
        assert it.world.region.world.pools[one.pool].name == "gpu"
        await do(it, "zone node-3 --to rack-a", "Moved node-3", "in zone rack-a")
        assert one.zone == "rack-a"
        assert effects(it.world, one.system_id) == {"update": 2, "tag": 2}


@each
async def test_who_may_touch_it(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        await do(it, "lock node-1 --comment 'prod db'", "Locked node-1", "Deployed, locked")
        one = machine(it.world, "node-1")
        assert one.locked
        for words in ("notes node-1 --text x", "rename node-1 web-1", "pool node-1 --to gpu", "broken node-1"):
            assert "it is locked; unlock it first" in await refused(it.talk, words), words
        assert "it is locked already" in await refused(it.talk, "lock node-1")
        await do(it, "unlock node-1", "Unlocked node-1")
        assert not one.locked
        assert effects(it.world, one.system_id) == {"lock": 1, "unlock": 1}
        await do(it, "allocate node-10", "Allocated node-10")
        assert machine(it.world, "node-10").owner == "admin"
        text = said(await it.talk.ask("owner node-10 node-2 node-12"))
        assert "admin : node-10 (Allocated)" in text and "nobody : node-2 (Ready)" in text


@each
async def test_broken_and_fixed(tmp_path: Path, version: str) -> None:
    """A region answers an empty 403 unless the caller owns the machine: what nobody owns is allocated first."""
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("broken node-2 --comment 'fan 3 is dead'")
        assert "one that nobody owns is allocated to admin first" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Marked broken node-2", "(1 Broken)")
        one = machine(it.world, "node-2")
        assert (one.status, one.owner) == (states.BROKEN, None)
        assert effects(it.world, one.system_id) == {"allocate": 1, "mark_broken": 1}
        assert any("fan 3 is dead" in event.description for event in it.world.region.world.events.newest_first())
        await do(it, "fixed node-2", "Marked fixed node-2", "(1 Ready)")
        assert one.status == states.READY
        # What runs a system is released by it, so another person decides.
        plan = await it.talk.ask("broken node-1 node-3 node-12")
        text = said(plan)
        assert "marking it broken releases it" in text and not has(plan, CONFIRM)
        assert "node-3 : it is New and nobody's" in text
        assert "node-12 : it is operator's, and MAAS lets only its owner" in text
        await agree(it.talk, plan)
        await done(it.talk, plan, "Marked broken node-1")
        assert machine(it.world, "node-1").status == states.BROKEN


@each
async def test_what_was_allocated_to_be_marked_broken_in_vain_is_given_back(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("broken node-2")
        it.world.region.faults.set("server-error", status=500, op="mark_broken")
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "500")
        one = machine(it.world, "node-2")
        assert one.owner is None and one.status in {states.READY, states.RELEASING}
        assert effects(it.world, one.system_id) == {"allocate": 1, "release": 1}
