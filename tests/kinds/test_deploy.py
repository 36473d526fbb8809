"""`/maas deploy`: what is looked at before it asks, what MAAS gets, how it ends, and what nobody ever sees."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.steps import rows
from tests.kinds.steps import BOTH, agree, done, effects, has, machine, noted, refused, said
from tests.support.harness import OLGA, OPS, Running, running, until, words_of

SECRET = "hunter2-is-not-a-password"
DATA = f"#cloud-config\npackages: [htop]\nchpasswd:\n  users:\n    - {{name: ops, password: {SECRET}}}\n"


async def whole_state(tmp_path: Path) -> bytes:
    """Everything that the bot has written."""
    await asyncio.sleep(0.3)
    return b"".join(one.read_bytes() for one in (tmp_path / "bot").rglob("*") if one.is_file())


@pytest.mark.parametrize("version", BOTH)
async def test_a_ready_machine_is_deployed(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        plan = await it.talk.ask("deploy node-2 --series focal --comment 'for ci'")
        text = said(plan)
        assert "Deploy ubuntu/focal to node-2?" in text and "gets ubuntu/focal" in text
        assert "What a former owner left on its disks is overwritten" in text
        assert "hardly start" not in text
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deployed node-2", "(1 Deployed)")
        one = machine(it.world, "node-2")
        assert (one.osystem, one.distro_series, one.owner) == ("ubuntu", "focal", "admin")
        assert effects(it.world, "node-2") == {"deploy": 1}


async def test_what_is_looked_at_before_it_asks(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        text = await refused(it.talk, "deploy node-1 node-3 node-4 node-5 node-12")
        assert "node-1 : it is Deployed, " in text and "release it first" in text
        assert "node-3 : it is New; commission it first" in text
        assert "node-4 : it is Failed commissioning; commission it first" in text
        assert "node-5 : it is locked; unlock it first" in text
        assert "node-12 : it is Allocated to operator" in text
        assert "no image ubuntu/nobel (did you mean ubuntu/noble?)" in await refused(
            it.talk, "deploy node-2 --series nobel"
        )
        assert "no kernel hwe-9" in await refused(it.talk, "deploy node-2 --series jammy --kernel hwe-9")
        for resource in world.images.of("noble", "amd64"):
            resource.files[0].done = resource.files[0].size // 4
        text = await refused(it.talk, "deploy node-2 --series noble")
        assert "ubuntu/noble amd64, which it boots, is not ready" in text and "--when-ready" in text
        world.alter("node-2", subnet=None)
        assert "linked to a subnet" in await refused(it.talk, "deploy node-2")
        text = said(await it.talk.ask("deploy node-8"))
        assert "node-8 will hardly start: its BMC refuses: Incorrect password" in text


async def test_a_bmc_that_hangs_is_told_and_not_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, speed=6.0) as it:
        machine(it.world, "node-2").manners.bmc = "timeout"
        text = said(await it.talk.ask("deploy node-2", timeout=20))
        assert "The BMC of node-2 has not answered for 8 s: it may not start" in text


async def test_the_rack_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("deploy node-2 --series jammy")
        it.world.region.faults.set("dead-rack")
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "No rack controller is connected, or it does not have the image yet")
        assert effects(it.world, "node-2") == {}


async def test_the_power_is_busy_and_maas_has_allocated_it_already(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("deploy node-2 --series jammy")
        one = machine(it.world, "node-2")
        busy = it.world.region.world.power_busy
        busy.add(one.system_id)
        await agree(it.talk, plan)
        await noted(it, "another action is already in progress")
        assert (one.status_name, one.owner) == ("Allocated", "admin")
        busy.discard(one.system_id)
        await done(it.talk, plan, "Deployed node-2")
        assert effects(it.world, "node-2") == {"deploy": 1}


async def test_from_memory_where_the_region_can(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("deploy node-2 --in-memory --series noble")
        assert "runs ubuntu/noble" in said(plan) and "overwritten" not in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deployed node-2")
        assert machine(it.world, "node-2").ephemeral_deploy


async def test_from_memory_where_it_cannot(tmp_path: Path) -> None:
    async with running(tmp_path, version="2.9.3") as it:
        assert "takes MAAS 3.4 or later" in await refused(it.talk, "deploy node-2 --in-memory")


async def test_why_an_installation_failed_and_again_by_a_button(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        machine(it.world, "node-2").manners.fail_deploy = True
        plan = await it.talk.ask(f"deploy node-2 node-10 --series jammy --cloud-init ```{DATA}```")
        await agree(it.talk, plan)
        await done(it.talk, plan, "1 of 2 failed", "Failed deployment", "Deployed 1 of 2 machines")
        assert "Retry the 1 that failed" in said(it.talk.now(plan))
        it.world.region.world.alter("node-2", fail_deploy=False, status=4, owner=None, osystem="", distro_series="")
        await it.bot.regions["default"].fleet.refresh([machine(it.world, "node-2").system_id])
        before = {one.ts for one in it.talk.workspace.messages(OPS, OLGA)}
        await it.talk.click(plan, "page.again")
        again = await until(
            lambda: next((one for one in it.talk.workspace.messages(OPS, OLGA) if one.ts not in before), None)
        )
        assert "Deploy ubuntu/jammy to node-2?" in said(again)
        await agree(it.talk, again)
        await done(it.talk, again, "Deployed node-2")
        assert machine(it.world, "node-2").user_data.strip() == DATA.strip(), "a retry has it still"
        assert rows(tmp_path, "SELECT count(*) FROM sealed") == [(1,)], (
            "the retry's own is dropped, the first one's not"
        )


# -- cloud-init -------------------------------------------------------------------------------------------------


async def mention(it: Running, text: str, files: dict[str, bytes] | None = None) -> Any:
    """Mention the bot, with a file, and wait for its answer."""
    ts = await it.talk.workspace.say(OLGA, OPS, f"@maas {text}", files=files)
    return await until(
        lambda: next(
            (one for one in it.talk.workspace.messages(OPS, OLGA, ts) if one.bot_id and float(one.ts) > float(ts)), None
        ),
        what=f"an answer to {text}",
    )


@pytest.mark.parametrize("how", ["file", "block", "slash", "sheet"])
async def test_data_for_cloud_init_reaches_the_machine_and_nobody_else(
    tmp_path: Path, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as it:
        if how == "file":
            plan = await mention(it, "deploy node-2 --cloud-init", {"user-data.yaml": DATA.encode()})
        elif how == "block":
            plan = await mention(it, f"deploy node-2 --cloud-init ```\n{DATA}```")
        elif how == "slash":
            plan = await it.talk.ask(f"deploy node-2 --cloud-init ```\n{DATA}```")
        else:
            asked = await it.talk.ask("deploy node-2 --cloud-init")
            await it.talk.click(asked, "sheet.open")
            view = (await until(lambda: it.talk.workspace.views(OLGA), what="the sheet"))[-1]
            wrong = {"cloud_init": {"sheet.cloud_init": "packages: [htop"}}
            outcome = await it.talk.workspace.submit_view(OLGA, view.id, wrong)
            assert "first line must be #cloud-config" in str(outcome.errors)
            before = {one.ts for one in it.talk.workspace.messages(OPS, OLGA)}
            right = {"cloud_init": {"sheet.cloud_init": DATA}}
            assert not (await it.talk.workspace.submit_view(OLGA, view.id, right)).errors
            plan = await until(
                lambda: next((one for one in it.talk.workspace.messages(OPS, OLGA) if one.ts not in before), None)
            )
        text = said(plan)
        assert "5 lines of data, sha256" in text and SECRET not in text
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Deployed node-2")
        assert machine(it.world, "node-2").user_data.strip() == DATA.strip()
        shown = [words_of(one.blocks) + one.text for one in it.talk.workspace.messages(OPS, OLGA) if one.bot_id]
        assert SECRET not in " ".join(shown)
        assert SECRET.encode() not in await whole_state(tmp_path)
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err


WRONG = [
    (b"#cloud-config\npackages: [htop\n", "it is no YAML"),
    (b"#cloud-config\n- a\n- b\n", "must be a list of settings, each written NAME: VALUE"),
    (b"#cloud-config\n# nothing\n", "nothing in it but comments"),
    (b"packages: [htop]\n", "its first line must be #cloud-config"),
    (b"#cloud-config\nx: \x00\n", "line 2 holds a control character"),
    (b"\xff\xfe\x00", "is no text in UTF-8"),
    (b"  \n", "it is empty"),
    (b"#cloud-config\n" + b"a: b\n" * 60_000, "too long"),
]


async def test_data_that_cloud_init_would_not_take(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        answers = await asyncio.gather(
            *(mention(it, "deploy node-2 --cloud-init", {"user-data": data}) for data, _ in WRONG)
        )
        for answer, (_, says) in zip(answers, WRONG, strict=True):
            assert says in said(answer)
            assert not has(answer, "operation.confirm")
        app = it.world.workspace.app
        app.scopes = set(app.scopes) - {"files:read"}
        answer = await mention(it, "deploy node-2 --cloud-init", {"user-data": DATA.encode()})
        assert "can't be read: the app lacks a scope (missing_scope)" in said(answer)
