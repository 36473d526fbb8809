"""Install with PostgreSQL of the host's own, look around, back up, put back, reset; each twice; secrets nowhere."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.host.facts import QUERY_RESULT, Backups, Config, Inventory, LogLines, QueryName, Services
from bot.host.protocol import Handover, Job
from tests.host.machine.story import ADMIN_PASSWORD, DATABASE_PASSWORD, Order, install, reset, take, take_all
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def query(machine: Machine, name: QueryName, /, **arguments: object) -> object:
    return QUERY_RESULT[name].model_validate(machine.result(verb="query", query=name.value, arguments=arguments))


def secrets_on_disk(machine: Machine, *secrets: str) -> list[str]:
    """Files of the machine that hold one of these, wherever they are; regiond.conf is where MAAS itself keeps it."""
    patterns = [one for secret in secrets for one in {secret, quote(secret, safe=""), secret.replace("'", "''")}]
    words = [word for one in patterns for word in ("-e", one)]
    folders = [
        str(machine.files / name) for name in ("etc", "var", "run", "tmp", "root", "home", "opt/standin", "usr/local")
    ]
    found = subprocess.run(["grep", "-rlaF", *words, *folders], capture_output=True, text=True, check=False)
    inside = machine.root("grep", "-rlaF", *words, "/run", "/tmp", "/dev/shm", check=False)
    return [line for line in (found.stdout + inside).splitlines() if "No such" not in line and line]


@contextmanager
def watching_processes(*secrets: str) -> Iterator[set[str]]:
    """The names of processes, here or on the machine, that were seen with one of these as an argument or variable."""
    wanted = [form.encode() for one in secrets for form in (one, quote(one, safe=""))]
    seen: set[str] = set()
    looks = 0
    stop = threading.Event()

    def watch() -> None:
        nonlocal looks
        while not stop.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                except OSError:
                    continue
                if any(one in told for one in wanted):
                    seen.add((folder / "cmdline").read_bytes().decode(errors="replace"))
            looks += 1
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        assert looks > 20


def test_install_look_back_up_put_back_and_reset(machine: Machine):
    with watching_processes(DATABASE_PASSWORD, ADMIN_PASSWORD) as seen:
        changed = dict(zip((one.step for one in install()), take_all(machine, install()), strict=True))
    assert not seen
    assert [step for step, did in changed.items() if not did and step != "maas-ready"] == ["preflight"]
    assert not any(take_all(machine, install()))
    key = Handover.model_validate(machine.result(verb="secret", query="apikey", arguments={"username": "admin"}))
    again = machine.result(verb="secret", query="apikey", arguments={"username": "admin"})
    assert (key.secret.get_secret_value(), key.minted, again["minted"]) == (again["secret"], True, False)

    # What is there, as the bot reads it.
    for name in QueryName:
        if name not in (QueryName.LOG, QueryName.TABLES, QueryName.MIRROR):  # these want arguments
            query(machine, name)
    config = query(machine, QueryName.CONFIG)
    assert isinstance(config, Config)
    assert (config.mode, config.database, config.permissions) == ("region+rack", "production", "0640")
    services = query(machine, QueryName.SERVICES)
    assert isinstance(services, Services)
    assert (services.manager, services.api, services.database_running) == ("supervisor", 200, True)
    assert all(one.running for one in services.services if one.expected)
    lines = query(machine, QueryName.LOG, name="regiond", grep="started")
    assert isinstance(lines, LogLines)
    assert lines.lines

    # Only the region itself knows the password: no log (also not PostgreSQL's), no job, no process, no history.
    told = [Job.model_validate(one) for one in machine.result(verb="jobs")]
    assert len(told) > 10
    holders = secrets_on_disk(machine, DATABASE_PASSWORD, ADMIN_PASSWORD, key.secret.get_secret_value())
    assert {re.sub(r"^.*/(maas/(?:current|9001)/)", r"\1", one) for one in holders} <= {
        "maas/9001/regiond.conf",
        "maas/current/regiond.conf",
    } | {one for one in holders if "/lib/postgresql/" in one}, holders  # the API key lies in MAAS's own table

    # A backup, and back to it.
    assert take(machine, Order("backup", {"backup": "bk-one"}))["rc"] == 0
    assert take(machine, Order("backup", {"backup": "bk-one"}))["outcome"]["changed"] is False
    sql = "INSERT INTO maasserver_node (system_id, hostname, status, node_type) VALUES ('abc', 'late', 6, 0);"
    machine.root("runuser", "-u", "postgres", "--", "psql", "-d", "maas", "-c", sql)
    assert machine.result(verb="query", query="machines")["deployed"] == ["late"]
    told_restore = take(machine, Order("restore", {"backup": "bk-one"}))
    assert told_restore["rc"] == 0, told_restore
    assert machine.result(verb="query", query="machines")["deployed"] == []
    assert take(machine, Order("maas-ready", {"timeout": 60}))["rc"] == 0
    # A damaged one is refused.
    dump = machine.files / "var/backups/maasbot/bk-one/database.dump"
    dump.write_bytes(dump.read_bytes()[:-1] + b"x")
    assert machine.check("restore", backup="bk-one")["cause"] == "bad_backup"

    # Another database on the host forbids the purge; without it the host ends up empty.
    machine.root("runuser", "-u", "postgres", "--", "createdb", "shop")
    orders = reset()
    assert take_all(machine, orders[:-1]) == [False, True, False, True, True, True]
    told_purge = take(machine, orders[-1])
    assert (told_purge["rc"], told_purge["outcome"]["cause"]) == (77, "other_databases")
    assert "shop" in told_purge["outcome"]["message"]
    inventory = query(machine, QueryName.INVENTORY)
    assert isinstance(inventory, Inventory)
    assert (inventory.other_databases, inventory.empty) == (("shop",), True)
    machine.root("runuser", "-u", "postgres", "--", "dropdb", "shop")
    assert take(machine, orders[-1])["rc"] == 0
    assert not any(take_all(machine, reset()))
    inventory = query(machine, QueryName.INVENTORY)
    assert isinstance(inventory, Inventory)
    assert inventory.empty
    assert {one.kind for one in inventory.things} <= {"folder", "backup"}
    backups = query(machine, QueryName.BACKUPS)
    assert isinstance(backups, Backups)
    assert [one.backup for one in backups.backups] == ["bk-one"]
    # And it can be installed again.
    assert take_all(machine, install())[2:-2] == [True] * 7
