"""The whole bot and the real helper on the integration host: install and reset, as people ask for them in Slack."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import Bot
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.maas.users import Token, User
from tests.host.world import HOST_PACE, carried_out
from tests.kinds.steps import said
from tests.support.harness import ADAM, QUICK, Running, until
from tests.support.host_machine import Machine
from tests.support.host_tree import TreeError, tree
from tests.support.require import missing

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@asynccontextmanager
async def on_a_machine(folder: Path) -> AsyncIterator[tuple[Running, Machine]]:
    """A bot that knows a bare machine, and a region stand-in behind the port that MAAS will have there."""
    try:
        await asyncio.to_thread(tree)
    except TreeError as error:
        missing(str(error))
    machine = Machine(folder / "machine", 1)
    (folder / "machine").mkdir()
    world = World.build(folder / "state", strict_timing=False, speed=60.0, fresh=True)
    world.bare = True
    try:
        await asyncio.to_thread(machine.create)
        await world.region.start(machine.outside)
        upstream = machine.files / "etc/standin/upstream"
        upstream.parent.mkdir(parents=True, exist_ok=True)
        upstream.write_text(world.region.url.split("//")[1].split("/")[0], encoding="ascii")
        await asyncio.to_thread(machine.start)
        machine.install_helper()  # not in a thread: Python 3.11 parses in one at a time
        known = folder / "known_hosts"
        known.write_text(machine.host_key(), encoding="utf-8")
        world.extra = {
            "MAAS_URL": f"http://{machine.address}:5240/MAAS",
            "MAAS_HOST": machine.address,
            "MAAS_SSH_KEY_FILE": str(machine.key),
            "MAAS_SSH_KNOWN_HOSTS": str(known),
        }
        await world.slack.start()
        bot = Bot(world.settings(), build_catalog(), overview, pace=dataclasses.replace(QUICK, host=HOST_PACE))
        try:
            await bot.start()
            yield Running(world, bot), machine
        finally:
            await bot.stop()
    finally:
        await world.slack.stop()
        await world.region.stop()
        await asyncio.to_thread(machine.stop)


async def acquaint(it: Running) -> None:
    """The region stand-in learns the key that MAAS's program on the machine gave out: they share no database."""
    file = it.bot.settings.own_key_file("default")
    await until(file.exists, timeout=240, what="the key of the bot's")
    users = it.world.region.world.users
    users.append(User("olga", "olga@localhost", True, [Token(*file.read_text().strip().split(":"))], 90))


@pytest.mark.parametrize("database", ["test", "production"])
async def test_install_and_reset(tmp_path: Path, database: str) -> None:
    async with on_a_machine(tmp_path) as (it, machine):
        assert "to mend" in (await it.talk.ask("host check", user=ADAM)).text
        learning = asyncio.create_task(acquaint(it))
        root = await carried_out(
            it, f"install --database {database} --admin olga", "Installed the host", "the API answers", timeout=240
        )
        await learning
        operation = (await it.bot.operations.recent())[0]
        shown = said(await it.talk.ask(f"admin password {operation.id}"))
        password = shown.split("has the password")[1].split()[0]
        assert len(password) == 24
        assert "all well" in (await it.talk.ask("host status")).text
        assert f"({database})" in said(await it.talk.ask("host config"))
        assert "django_migrations" in said(await it.talk.ask("db tables"))
        assert "regiond" in said(await it.talk.ask("logs regiond"))

        # The second time nothing is changed, nor is the region's password, which nobody knows any more.
        again = await it.talk.ask(f"install --database {database} --admin olga")
        assert "Look again" in again.text or "give it a new password" in said(again)
        await it.talk.click(again, "operation.confirm")
        await it.talk.reads(again, "Installed the host", timeout=60)
        assert "all well" in (await it.talk.ask("host status")).text

        secrets = [password, it.bot.settings.own_key_file("default").read_text().strip()]
        if database == "production":
            conf = machine.root("cat", "/var/snap/maas/current/regiond.conf")
            secrets.append(next(line.split(":", 1)[1].strip() for line in conf.splitlines() if "database_pass" in line))
        assert not leaked(machine, secrets), "nothing of the host's logs, jobs and journals holds a secret"
        assert all(secret not in it.talk.read(root) for secret in secrets)

        await carried_out(it, "reset", "Reset the host", "Nothing left: empty", timeout=120)
        assert "is not installed" in (await it.talk.ask("host status")).text
        assert machine.result(verb="query", query="inventory")["empty"]
        assert "MAAS 3.4" in said(await it.talk.ask("backup list"))


def leaked(machine: Machine, secrets: list[str]) -> list[str]:
    """Files of the host that hold one of these, but for the region's own configuration and database."""
    machine.root("journalctl", "--sync")
    folders = [str(machine.files / one) for one in ("var/log", "var/lib/maasbot", "run", "tmp")]
    found = []
    for secret in secrets:
        grep = ["grep", "-rlaF", "--", secret, *folders]
        said = subprocess.run(grep, capture_output=True, text=True, check=False).stdout
        journal = machine.root("sh", "-c", "journalctl -o cat --no-pager | cat")
        found += said.splitlines() + (["journal"] if secret in journal else [])
    return found
