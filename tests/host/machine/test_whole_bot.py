"""The whole bot, by Slack and SSH, on a real machine: install, all that has a secret in it, and reset; each twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.host.machine.conftest import MachineMaker
from tests.host.machine.whole import nothing_is_left, region_is_whole, whole_bot
from tests.host.test_secrets import KEPT, everything_said
from tests.host.world import ask_privately, carried_out
from tests.kinds.steps import said
from tests.support.harness import ADAM, OLGA, Running
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

#: Where a secret of MAAS's own has to be on its host: its configuration, its database, and backups of both.
#: And /run/standin-…: with that the stand-in for MAAS itself logs in to its database.
_ITS_OWN = (
    "/run/standin-",
    "regiond.conf",
    "/postgresql/15/main/",
    "/maas-test-db/common/postgres/data/",
    "/var/backups/maasbot/",
)


@contextmanager
def all_command_lines(machine: Machine) -> Iterator[set[bytes]]:
    """Arguments and variables of every process that was seen on the machine; the bot itself starts none."""
    seen: set[bytes] = set()
    inside = os.readlink(f"/proc/{machine._init}/ns/pid")
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.03):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if os.readlink(folder / "ns/pid") != inside:
                        continue
                    seen.update(((folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()))
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("database", ["test", "production"])
async def test_install_all_secrets_and_reset(make_machine: MachineMaker, tmp_path: Path, database: str) -> None:
    machine = await asyncio.to_thread(make_machine)
    machine.install_helper()
    with all_command_lines(machine) as lines:
        async with whole_bot(machine, tmp_path) as it:
            assert "to mend" in (await it.talk.ask("host check", user=ADAM)).text
            await carried_out(it, f"install --database {database}", "Installed the host", timeout=240)
            secrets = {"admin": await password(it)}
            assert "all well" in (await it.talk.ask("host status", timeout=40)).text
            assert f"({database})" in said(await it.talk.ask("host config"))
            assert "django_migrations" in said(await it.talk.ask("db tables"))
            assert "regiond" in said(await it.talk.ask("logs regiond"))
            assert said(await it.talk.ask("logs postgresql --lines 200", timeout=40))
            await asyncio.to_thread(region_is_whole, machine, database)

            await carried_out(it, "admin create olga", "Made an administrator on the host", timeout=90)
            secrets["olga"] = await password(it)
            secrets["key"] = it.world.region.api_key
            assert secrets["key"] in await ask_privately(it, "apikey admin", ADAM)
            conf = machine.root("cat", "/var/snap/maas/current/regiond.conf")
            secrets["database"] = next(
                line.split(":", 1)[1].strip() for line in conf.splitlines() if "database_pass" in line
            )
            backup = await carried_out(it, "backup", "Backed up the host", timeout=90)
            name = (await it.bot.operations.recent())[0].id  # type: ignore[union-attr]
            assert backup
            await carried_out(it, f"restore {name}", "Restored the host", timeout=180)
            await it.talk.ask("audit", user=ADAM)

            # The second time nothing is changed, nor is the region's password, which nobody knows any more.
            again = await it.talk.ask(f"install --database {database}", timeout=40)
            assert "Look again" in said(again)
            await it.talk.click(again, "operation.confirm")
            await it.talk.reads(again, "Installed the host", timeout=60)

            hidden = [part for secret in secrets.values() for part in {secret, secret.rpartition(":")[2]}]
            if database == "test":
                hidden.remove(secrets["database"])  # the snap's own, and the same everywhere
            assert not on_the_host(machine, hidden)
            told = [
                one
                for one in it.world.workspace.calls
                if holds(json.dumps([one.args, one.answer], default=str), hidden)
            ]
            assert {one.method for one in told} <= {"chat.postEphemeral"}, "in Slack each is for one person's eyes"
            assert not holds(json.dumps(everything_said(it)), hidden)
            assert holds(json.dumps(everything_said(it, private=True)), hidden) == 4, "two passwords, a key, its end"

            await carried_out(it, "reset", "Reset the host", "Nothing left: empty", timeout=180)
            assert "is not installed" in (await it.talk.ask("host status", timeout=40)).text
            await asyncio.to_thread(nothing_is_left, machine)
            assert name in said(await it.talk.ask("backup list"))
            assert not on_the_host(machine, hidden)
    # Nor was one ever an argument or a variable of a program, or written down by the bot.
    assert len(lines) > 50
    assert not [one for one in lines if holds(one.decode(errors="replace"), hidden)]
    for path in (one for one in (tmp_path / "bot").rglob("*") if one.is_file() and one.name not in KEPT):
        assert not holds(path.read_bytes().decode(errors="replace"), hidden), path


async def password(it: Running) -> str:
    """That of the administrator which the newest operation has made, shown once to who asked for it."""
    operations: Any = it.bot.operations
    shown = await ask_privately(it, f"admin password {(await operations.recent())[0].id}", OLGA)
    found = shown.split("has the password")[1].split()[0]
    assert len(found) == 24
    return found


def holds(text: str, secrets: list[str]) -> int:
    """How many of them are in it."""
    return sum(one in text for one in secrets)


def on_the_host(machine: Machine, secrets: list[str]) -> list[str]:
    """Files and journal of the whole machine that hold one of these and are not where MAAS itself keeps it."""
    machine.root("journalctl", "--sync")
    folders = [str(machine.files / one) for one in ("etc", "var", "run", "tmp", "root", "home", "usr/local")]
    # By standard input: the arguments of programs are looked at, too.
    grep, wanted = ["grep", "-rlaF", "-f", "-"], "\n".join(secrets) + "\n"
    ran = subprocess.run([*grep, *folders], input=wanted, capture_output=True, text=True, check=False)
    inside = machine.root(*grep, "/run", "/tmp", "/dev/shm", stdin=wanted, check=False)
    found = [one for one in (ran.stdout + inside).splitlines() if "No such" not in one and not one.startswith("grep:")]
    journal = machine.root("sh", "-c", "journalctl -o cat --no-pager | cat")
    if holds(journal, secrets):
        found.append("the journal")
    return [one for one in found if not any(part in one for part in _ITS_OWN) and not one.endswith("/etc/standin/key")]
