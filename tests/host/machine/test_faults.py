"""Everything that goes wrong on real hosts: named by its cause, with nothing spoilt and a way on."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.host.machine.conftest import MachineMaker
from tests.host.machine.story import DATABASE_PASSWORD, Order, begin, install, take, take_all
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

MAAS = Order("snap-install", {"snap": "maas", "channel": "2.9/stable"})
ADMIN = {"admin_password": "Adm1nAdm1n"}


def psql(machine: Machine, sql: str, database: str = "postgres") -> str:
    return machine.root("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", database, "-c", sql).strip()


def ended(machine: Machine, order: Order) -> tuple[int, str | None]:
    outcome: dict[str, Any] = take(machine, order)
    assert outcome["outcome"].get("message") or outcome["rc"] == 0
    return outcome["rc"], outcome["outcome"].get("cause")


def test_snapds_troubles(machine: Machine):
    assert ended(machine, MAAS) == (77, "not_installed")
    assert ended(machine, Order("snapd")) == (0, None)
    for faults, answer in (
        ({"store_down": 0.2}, (75, "store_unreachable")),
        ({"snap_disk_full": True}, (1, "disk_full")),
        ({"snapd_down": 0.1}, (75, "snapd_down")),
    ):
        machine.faults(**faults)
        assert ended(machine, MAAS) == answer
    assert machine.check("snapd")["state"] == "todo"
    machine.faults()
    assert ended(machine, Order("snap-install", {"snap": "maas", "channel": "9.9/stable"})) == (1, "channel_not_found")
    assert ended(machine, MAAS) == (0, None)
    assert ended(machine, Order("snap-install", {"snap": "maas", "channel": "3.4/stable"})) == (77, "other_channel")
    assert machine.root("snap", "list").count("maas") == 1


def test_apts_troubles(machine: Machine):
    postgresql = Order("postgresql-install")
    # Somebody else's apt holds dpkg's lock for a while: it is waited for.
    hold = (
        "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(float(sys.argv[2]))"
    )
    for path in ("/var/lib/apt/lists/lock", "/var/lib/dpkg/lock-frontend"):
        machine.root("systemd-run", "--quiet", "python3", "-c", hold, path, "4")
    source = machine.files / "etc/apt/sources.list"
    text = source.read_text()
    source.write_text("deb [trusted=yes] http://127.0.0.1:9/debian ./\n")
    machine.root("sh", "-c", "rm -rf /var/lib/apt/lists/*_Packages")
    assert ended(machine, postgresql) == (75, "mirror_down")
    source.write_text(text)
    # Cut in the middle of dpkg: repaired, whatever 'is already the newest version' says.
    job = begin(machine, postgresql)
    status = machine.files / "var/lib/dpkg/status"
    deadline = time.monotonic() + 90
    while "unpacked" not in status.read_text(errors="replace") and time.monotonic() < deadline:
        time.sleep(0.02)
    machine.power_off()
    machine.start()
    assert machine.result(verb="status", job=job)["state"] == "lost"
    look = machine.check("postgresql-install")
    assert look["state"] == "todo"
    assert ended(machine, postgresql) == (0, None)
    assert machine.root("dpkg", "--audit") == ""
    # The unit says active while the cluster is down: believed is the cluster.
    machine.root("systemctl", "stop", "postgresql@15-main")
    assert machine.root("systemctl", "is-active", "postgresql") == "active\n"
    assert machine.check("postgresql-install")["cause"] == "cluster_down"
    assert ended(machine, Order("role-create", {"role": "maas"}, {"database_password": "x" * 12})) == (
        77,
        "cluster_down",
    )
    assert ended(machine, Order("postgresql-purge")) == (77, "cluster_down")
    assert ended(machine, postgresql) == (0, None)


def test_postgresqls_troubles(machine: Machine):
    take_all(machine, [Order("postgresql-install")])
    secret = {"database_password": DATABASE_PASSWORD}
    psql(machine, "CREATE ROLE boss SUPERUSER LOGIN")
    assert ended(machine, Order("role-create", {"role": "boss"}, secret)) == (77, "foreign_owner")
    assert ended(machine, Order("role-drop", {"role": "boss"})) == (77, "foreign_owner")
    assert ended(machine, Order("role-create", {"role": "maas"})) == (1, "failed")  # without the secret
    assert ended(machine, Order("role-create", {"role": "maas"}, secret)) == (0, None)
    psql(machine, "CREATE DATABASE shop OWNER boss")
    psql(machine, "CREATE TABLE orders (id int)", "shop")
    assert ended(machine, Order("database-create", {"name": "shop", "role": "maas"})) == (77, "foreign_owner")
    assert ended(machine, Order("database-drop", {"name": "shop"})) == (77, "foreign_owner")
    assert psql(machine, "SELECT count(*) FROM orders", "shop") == "0"
    assert ended(machine, Order("database-create", {"name": "maas", "role": "maas"})) == (0, None)
    assert ended(machine, Order("role-drop", {"role": "maas"})) == (77, "role_in_use")
    # Somebody sits in the database that is to go.
    machine.root("systemd-run", "--quiet", "--uid=postgres", "psql", "-d", "maas", "-c", "SELECT pg_sleep(60)")
    time.sleep(0.5)
    assert ended(machine, Order("database-drop", {"name": "maas"})) == (0, None)
    assert ended(machine, Order("database-create", {"name": "maas", "role": "maas"})) == (0, None)

    # A pg_hba.conf that can't be loaded is left alone; the notes' line goes, others stay.
    hba = machine.files / "etc/postgresql/15/main/pg_hba.conf"
    text = hba.read_text()
    allow = Order("pg-hba-allow", {"database": "maas", "role": "maas"})
    hba.write_text(text + "host nonsense\n")
    assert ended(machine, allow) == (77, "bad_pg_hba")
    assert hba.read_text() == text + "host nonsense\n"
    by_hand = "host    maas    maas    0/0     md5\nhost shop boss 127.0.0.1/32 md5\n"
    hba.write_text(text + by_hand)
    assert ended(machine, allow) == (0, None)
    assert hba.read_text().splitlines()[1].split() == ["host", "maas", "maas", "127.0.0.1/32", "scram-sha-256"]
    assert oct(hba.stat().st_mode & 0o777) == "0o640"
    assert machine.root("stat", "-c", "%U", "/etc/postgresql/15/main/pg_hba.conf") == "postgres\n"
    machine.root("systemctl", "restart", "postgresql@15-main")
    assert ended(machine, Order("pg-hba-remove", {"database": "maas", "role": "maas"})) == (0, None)
    assert hba.read_text() == text + by_hand.splitlines()[1] + "\n"
    wide = Order("pg-hba-allow", {"database": "maas", "role": "maas", "reach": "wide"})
    assert "open to the whole network" in machine.check(wide.step, **wide.arguments)["lost"][0]
    assert ended(machine, allow) == (0, None)
    # Nothing of all this is in PostgreSQL's own log.
    logs = machine.root("sh", "-c", "cat /var/log/postgresql/*.log")
    assert DATABASE_PASSWORD not in logs
    assert "SCRAM-SHA-256$" not in logs


def test_maas_inits_troubles(machine: Machine):
    secret = {"database_password": DATABASE_PASSWORD}
    region = {"database": "production", "name": "maas", "role": "maas"}
    before = install()
    take_all(machine, before[: next(index for index, one in enumerate(before) if one.step == "maas-init")])
    init = Order("maas-init", region, secret)
    assert ended(machine, Order("maas-init", region, {"database_password": "another one"})) == (1, "wrong_password")
    # A question that nobody foresaw, at the end of its input: it would ask for ever.
    machine.faults(init_asks_more=True)
    told = take(machine, init)
    assert (told["rc"], told["outcome"]["cause"]) == (1, "failed")
    assert "Something that is new" in told["outcome"]["message"]
    assert told["outcome"]["facts"] is not None
    # 2.9 sets its mode first and migrates then: cut in between, it looks initialised, and is not.
    machine.faults(init_crash_after=7)
    assert ended(machine, init)[0] == 1
    assert machine.result(verb="query", query="config")["mode"] == "region+rack"
    assert machine.check("maas-init", **region)["state"] == "todo"
    assert ended(machine, Order("maas-ready", {"timeout": 5})) == (75, "api_late")
    # The next bot has made another password meanwhile; the one that the region has stays.
    machine.faults(api_late=2)
    other = {"database_password": "another password"}
    assert ended(machine, Order("role-create", {"role": "maas"}, other)) == (0, None)
    assert ended(machine, Order("maas-init", region, other)) == (0, None)
    assert ended(machine, Order("maas-init", {"database": "test"})) == (77, "other_database_set")
    moved = Order("maas-init", {**region, "url": "http://10.9.9.9:5240/MAAS"}, other)
    assert ended(machine, moved) == (0, None)
    assert machine.result(verb="query", query="config")["url"] == "http://10.9.9.9:5240/MAAS"
    assert ended(machine, Order("maas-ready", {"timeout": 60})) == (0, None)
    assert ended(machine, Order("database-drop", {"name": "maas"})) == (77, "database_in_use")

    admin = Order("maas-admin", {"username": "admin", "email": "a@example.org"}, ADMIN)
    assert machine.ask(verb="secret", query="apikey", arguments={"username": "admin"})["error"]["code"] == "failed"
    assert ended(machine, admin) == (0, None)
    assert ended(machine, admin) == (0, None)
    same_mail = Order("maas-admin", {"username": "second", "email": "a@example.org"}, ADMIN)
    assert ended(machine, same_mail) == (77, "duplicate_admin")
    psql(machine, "UPDATE auth_user SET is_superuser = false", "maas")
    assert ended(machine, admin) == (77, "duplicate_admin")
    psql(machine, "UPDATE auth_user SET is_superuser = true", "maas")

    # Upgrade: to a version that this PostgreSQL carries, and never back.
    assert ended(machine, Order("snap-refresh", {"snap": "maas", "channel": "3.5/stable"})) == (0, None)
    assert ended(machine, Order("maas-migrate")) == (0, None)
    assert ended(machine, Order("maas-ready", {"timeout": 60})) == (0, None)
    services = machine.result(verb="query", query="services")
    assert (services["manager"], services["fault"]) == ("pebble", "")
    assert ended(machine, Order("snap-refresh", {"snap": "maas", "channel": "2.9/stable"})) == (77, "downgrade")
    assert ended(machine, Order("maas-restart")) == (0, None)
    machine.faults(service_down="regiond", api_broken=True)
    told = take(machine, Order("maas-ready", {"timeout": 5}))
    assert "regiond backoff" in told["outcome"]["message"]


def test_the_test_database_and_a_half_migrated_one(make_machine: MachineMaker):
    machine = make_machine()
    machine.install_helper()
    machine.faults(test_db_late=2, init_crash_after=25)
    orders = install("test", "3.4/stable")
    init = next(index for index, one in enumerate(orders) if one.step == "maas-init")
    take_all(machine, orders[:init])
    assert ended(machine, orders[init])[0] == 1
    # Newer ones set no mode when their init fails, and pass the migrations over when any table is there.
    assert machine.result(verb="query", query="config")["mode"] == "none"
    machine.faults()
    take_all(machine, orders)
    assert machine.result(verb="query", query="config")["migrations"] == 40
    assert machine.result(verb="query", query="databases")["server"] == "test"
    assert take(machine, Order("backup", {"backup": "bk-test"}))["rc"] == 0
    told = take(machine, Order("restore", {"backup": "bk-test"}))
    assert told["rc"] == 0, told
