"""MAAS comes to a bare host and goes again, with either database; twice in a row; from every half-done state."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.operations.host_install import Installing
from bot.operations.host_steps import JobStep
from tests.endtoend.steps import told
from tests.host.world import ask_privately, carried_out, hosted, put_there, the_host
from tests.kinds.steps import said
from tests.support.harness import OLGA, until

CHANGES = {
    "test": ["snap install maas", "snap install maas-test-db", "migrate", "maas init", "create admin admin"],
    "production": [
        "snap install maas", "apt install postgresql", "create role maas", "create database maasdb", "pg_hba allow",
        "migrate", "maas init", "create admin admin",
    ],
}  # fmt: skip
GONE = {
    "test": ["backup", "snap remove maas", "snap remove maas-test-db"],
    "production": [
        "backup", "snap remove maas", "drop database maasdb", "drop role maas", "pg_hba remove", "apt purge postgresql",
    ],
}  # fmt: skip
STEPS = {"test": 10, "production": 13}


@pytest.mark.parametrize("database", ["test", "production"])
async def test_install_and_again_then_reset_and_again(tmp_path: Path, database: str) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        root = await carried_out(it, f"install --database {database}", "Installed the host 127.0.0.1")
        text = it.talk.read(root)
        assert f"all {STEPS[database]} steps done" in text
        assert "8 run, the API answers" in text
        assert host.model.done == CHANGES[database]
        assert (await it.bot.regions["default"].api.whoami()).username == "admin"
        key_file = tmp_path / "bot" / "region-default.key"
        assert key_file.stat().st_mode & 0o777 == 0o600
        assert key_file.read_text().strip() == host.link.region.api_key
        assert host.model.maas.permissions == "0640"

        again = await it.talk.ask(f"install --database {database}")
        assert "Look again at MAAS" in said(again)
        await it.talk.click(again, "operation.confirm")
        await it.talk.reads(again, "Installed the host", f"all {STEPS[database]} steps done")
        assert host.model.done == CHANGES[database], "the second time nothing was changed"

        plan = await it.talk.ask("reset")
        assert "What will be lost" in said(plan)
        assert "snap maas" in said(plan)
        assert "pg_dump" not in said(plan)
        root = await carried_out(it, "reset", "Reset the host 127.0.0.1", "Nothing left: empty; stays:")
        assert host.model.done == CHANGES[database] + GONE[database]
        assert not host.model.snaps
        assert not host.model.apt
        assert not key_file.exists()
        assert len(host.model.backups) == 1
        assert "nothing of MAAS is on it that a reset would take away" in said(await it.talk.ask("reset"))


@pytest.mark.long
@pytest.mark.parametrize("database", ["test", "production"])
async def test_from_every_half_done_state(tmp_path: Path, database: str) -> None:
    """An earlier try, or a person, has done the first steps; the install does the rest, and no step twice."""
    options = {"channel": "3.4/stable", "database": database, "admin": "admin"}
    steps = [one for one in Installing().steps(options) if isinstance(one, JobStep)]
    async with hosted(tmp_path, bare=True, speed=400.0) as it:
        host = the_host(it)
        for count in range(1, len(steps)):
            await put_there(host, steps[:count])
            before = list(host.model.done)
            root = await carried_out(it, f"install --database {database}", "Installed the host 127.0.0.1")
            made = [one for one in host.model.done if one != "create role maas"]
            assert sorted(made) == sorted(one for one in CHANGES[database] if one != "create role maas"), count
            assert len(host.model.done) <= len(CHANGES[database]) + 1, "the lost password is set once more at most"
            assert set(before) <= set(host.model.done)
            assert "8 run" in it.talk.read(root)
            assert (await it.bot.regions["default"].api.whoami()).username == "admin"
            await host.bare()


@pytest.mark.parametrize("version", ["2.9.3", "3.4.10"])
async def test_an_init_that_was_cut_is_gone_on_with(tmp_path: Path, version: str) -> None:
    """2.9 sets the mode before it migrates: cut in the middle, it looks set up and is not."""
    channel = ".".join(version.split(".")[:2]) + "/stable"
    async with hosted(tmp_path, bare=True, version=version) as it:
        host = the_host(it)
        host.faults.set("lose-job", step="maas-init", count=1)
        words = f"install --database production --channel {channel}"
        root = await carried_out(it, words, "Installed the host 127.0.0.1")
        assert host.model.done.count("maas init") == 1
        assert host.model.done.count("migrate") == 1
        assert len([one for one in host.helper.table.jobs.values() if one.step == "maas-init"]) == 2
        assert "MAAS initialised: MAAS is initialised" in it.talk.read(root)


async def test_a_failure_names_its_cause_and_retry_goes_on(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        host.faults.set("step-fails", step="postgresql-install", cause="half_installed", count=1)
        root = await carried_out(it, "install --database production", "PostgreSQL failed", "not begun")
        reply = it.talk.read((await until(lambda: it.talk.replies(root)))[0])
        assert "The step postgresql-install failed" in reply
        assert "E: half_installed" in reply
        operation = (await it.bot.operations.recent())[0]
        await carried_out(it, f"retry {operation.id}", "Installed the host 127.0.0.1")
        assert host.model.done == CHANGES["production"]


async def test_what_passes_is_waited_for(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        host.faults.set("step-fails", step="snap-install", cause="store_unreachable", count=2)
        await carried_out(it, "install", "Installed the host 127.0.0.1")
        assert host.model.done == CHANGES["test"]


async def test_the_password_is_shown_once_to_who_asked(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        told_where = "its password, once: /maas admin password"
        root = await carried_out(it, "install --admin olga", "Installed the host", told_where)
        operation = (await it.bot.operations.recent())[0]
        secret = next(one for one in host.helper.secrets if ":" not in one)
        assert secret not in it.talk.read(root)
        refusal = await ask_privately(it, f"admin password {operation.id}", "U0ANDREA")
        assert "Only olga" in refusal
        shown = await ask_privately(it, f"admin password {operation.id}", OLGA)
        assert secret in shown
        assert "I hold no password" in await ask_privately(it, f"admin password {operation.id}", OLGA)
        mention = await it.world.workspace.say(OLGA, "C0OPS", f"<@{it.world.workspace.app.bot_user_id}> apikey olga")
        assert "for admins" in await told(it.talk, OLGA, "An API key", thread=mention)


async def test_a_key_that_the_settings_have_is_replaced(tmp_path: Path) -> None:
    """The key in the settings is of the region that was reset; the new one is used, now and after a restart."""
    async with hosted(tmp_path) as it:
        await carried_out(it, "reset", "Reset the host 127.0.0.1")
        await carried_out(it, "install", "Installed the host 127.0.0.1")
        assert (await it.bot.regions["default"].api.whoami()).username == "admin"
        settings = it.bot.settings
        assert settings.key_of("default").get_secret_value() != the_host(it).link.region.api_key
        await it.bot.stop()
        from bot.app import Bot
        from commands.catalogue import build_catalog
        from commands.status import overview

        again = Bot(settings, build_catalog(), overview, pace=it.bot.pace)
        await again.start()
        try:
            assert (await again.regions["default"].api.whoami()).username == "admin"
        finally:
            await again.stop()


async def test_plans_say_what_is_risky(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        wide = said(await it.talk.ask("install --database production --wide"))
        assert "0.0.0.0/0" in wide
        assert "log in from every address" in wide
        host.faults.set("clock")
        assert "clock is not synchronised" in said(await it.talk.ask("install"))
        host.faults.set("disk-full")
        refusal = said(await it.talk.ask("install"))
        assert "Preflight: Disk: 0.5 GB free" in refusal
        assert "Make room" in refusal
