"""A bare host becomes a region with a commissioned machine, and is reset again: one story, in one chat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.world import carried_out, hosted, the_host
from tests.kinds.steps import agree, approve, ask_for_approval, done, has, operation_id, refused, said
from tests.support.harness import until


@pytest.mark.long
async def test_install_set_up_commission_reset(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        talk, region = it.talk, it.world.region
        bare = said(await talk.ask("status"))
        assert "so it has no API key: /maas install" in bare
        assert "no good answer" not in bare
        assert "not read yet" not in bare, "there is nothing to be read"
        await carried_out(it, "install", "Installed the host")
        assert "is up" in (await talk.ask("status")).text
        await carried_out(it, "images import", "Imported images")
        await carried_out(it, "dhcp enable 10.98.0.0/24", "Enabled DHCP")
        region.faults.set("machine-appears")
        await until(lambda: region.world.machines, 60, "a machine that boots over the network")
        name = next(iter(region.world.machines.values())).hostname
        await until(it.bot.regions["default"].fleet.machines, 30, "the bot to see it")
        plan = await talk.ask(f"commission {name}")
        await agree(talk, plan)
        await done(talk, plan, "(1 Ready)", timeout=90)

        # The reset wants another person, and the host's name typed.
        plan = await talk.ask("reset")
        assert not has(plan, "operation.confirm")
        await ask_for_approval(talk, plan)
        await refused(talk, f"approve {operation_id(plan)}")
        await approve(talk, plan)
        await talk.reads(plan, "Reset the host", "Nothing left: empty", timeout=60)
        assert not the_host(it).model.snaps
        assert "MAAS is not installed" in (await talk.ask("host status")).text


async def test_what_a_reset_guards(tmp_path: Path) -> None:
    from sandbox.host.model import Database

    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        await carried_out(it, "install --database production", "Installed the host")
        host.model.server.databases["payroll"] = Database("hr", 12)
        kept = said(await it.talk.ask("reset --keep-database"))
        assert "you asked to keep the database" in kept
        assert "everything that the region knows" not in kept
        plan = await it.talk.ask("reset --no-backup")
        text = said(plan)
        assert "other databases are on this host: payroll" in text
        assert "No backup is made" in text
        assert "purge" not in text
        await agree(it.talk, plan)
        await it.talk.reads(plan, "Reset the host", timeout=40)
        assert list(host.model.server.databases) == ["payroll", "postgres", "template0", "template1"] or (
            "payroll" in host.model.server.databases and "maasdb" not in host.model.server.databases
        )
        assert host.model.apt
        assert not host.model.backups


async def test_a_reset_is_void_when_a_machine_was_deployed_meanwhile(tmp_path: Path) -> None:
    async with hosted(tmp_path) as it:
        host = the_host(it)
        plan = await it.talk.ask("reset")
        assert "1 machine was deployed by this region" in said(plan)
        await ask_for_approval(it.talk, plan)
        for one in host.link.region.world.machines.values():
            one.status = 6
        await approve(it.talk, plan)
        text = await it.talk.reads(plan, "is void")
        assert "deployed" in text
        assert host.model.snaps
        assert not host.model.done


async def test_a_reset_that_stops_half_way_is_taken_up_again(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        await carried_out(it, "install --database production", "Installed the host")
        host.faults.set("step-fails", step="database-drop", cause="database_in_use", count=1)
        await carried_out(it, "reset", "Database maasdb failed")
        operation = (await it.bot.operations.recent())[0]
        await carried_out(it, f"retry {operation.id}", "Reset the host", "Nothing left: empty")
        assert not host.model.apt
        assert len(host.model.backups) == 1


async def test_nothing_else_may_be_under_way(tmp_path: Path) -> None:
    async with hosted(tmp_path, speed=5.0) as it:
        first = await it.talk.ask("backup")
        await agree(it.talk, first)
        await it.talk.reads(first, "under way")
        for words in ("reset", "host restart", "upgrade --channel 3.7/stable", "restore op-none"):
            text = await refused(it.talk, words)
            assert "is at work with this region" in text
            assert "would break it off" in text
        text = await refused(it.talk, "backup")
        assert "is at work on it" in text
        await it.talk.reads(first, "Backed up the host", timeout=40)


async def test_pinning_an_unknown_host(tmp_path: Path) -> None:
    async with hosted(tmp_path) as it:
        known = tmp_path / "ssh" / "known_hosts"
        line = known.read_text()
        known.write_text("")
        the_host(it).drop()
        assert "No key of 127.0.0.1 is pinned yet" in said(await it.talk.ask("host status"))
        assert "/maas host enrol" in said(await it.talk.ask("host check"))
        assert "is for admins" in await refused(it.talk, "host enrol")
        plan = await it.talk.ask("host enrol", user="U0ADAM")
        fingerprint = the_host(it).host_key.get_fingerprint()
        assert fingerprint in said(plan)
        assert "Compare this fingerprint on the host's own console" in said(plan)
        await it.talk.click(plan, "operation.confirm", user="U0ADAM")
        await it.talk.reads(plan, "Pinned the key of", fingerprint)
        assert known.read_text().split()[:3] == line.split()[:3]
        assert "all well" in (await it.talk.ask("host status")).text
        the_host(it).faults.set("host-key")
        the_host(it).drop()
        text = said(await it.talk.ask("host status"))
        assert "shows another key than the pinned one" in text
        assert "Nothing was sent" in text


async def test_a_further_administrator_wants_another_persons_approval(tmp_path: Path) -> None:
    """Whoever has its password is past the bot's policy; neither door to one may be wider than the other."""
    async with hosted(tmp_path) as it:
        for words in ("admin create mallory", "install --admin mallory"):
            plan = await it.talk.ask(words)
            assert not has(plan, "operation.confirm"), words
            assert has(plan, "ask.approval"), words
