"""What the helper answers about the host, from the model."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.host import facts as f
from bot.host import system_facts as s
from bot.host.looks import Told
from bot.host.vocabulary import Database
from sandbox.host.model import GB, TEST_DATABASE, Server
from sandbox.host.packages import other_databases
from sandbox.host.work import Work

_SERVICES = {
    "bind9": True, "chrony": True, "dhcpd": None, "dhcpd6": None, "http": True, "ntp": True, "proxy": True,
    "rackd": True, "regiond": True, "syslog": True,
}  # fmt: skip


class UnavailableError(Exception):
    """What was asked about is not there."""


def _facts(work: Work) -> s.HostFacts:
    model = work.model
    full = work.faults.is_active("disk-full")
    free = GB // 2 if full else model.disk_free
    ports = [(5240, "regiond"), (53, "named"), (69, "rackd")] if work.link.up else []
    ports += [(5432, "postgres")] if model.apt else []
    packages = [s.Package(name="postgresql-14", version="14.11", status="installed")] if model.apt else []
    return s.HostFacts(
        hostname=model.hostname, os="Ubuntu 22.04.4 LTS", os_id="ubuntu", os_version="22.04", kernel="5.15.0-105",
        architecture="x86_64", cpus=4, memory=model.memory, memory_free=model.memory // 2, uptime=86_400.0, load=0.3,
        disks=(
            s.Disk(path="/", total=100 * GB, free=free),
            s.Disk(path="/var/snap", total=100 * GB, free=free),
        ),
        snapd=s.Snapd(installed=True, answering=not work.faults.is_active("snapd-down"), version="2.67"),
        clock=_clock(work),
        listeners=tuple(s.Listener(protocol="tcp", port=port, address="*", process=name) for port, name in ports),
        snaps=tuple(
            s.InstalledSnap(name=name, version=one.version, revision=one.revision, channel=one.channel)
            for name, one in sorted(model.snaps.items())
        ),
        packages=tuple(packages),
        clusters=(
            (s.Cluster(version="14", name="main", port=5432, status="online", directory="/var/lib/postgresql/14/main"),)
            if model.apt
            else ()
        ),
    )  # fmt: skip


def _network(work: Work) -> s.Network:
    del work
    return s.Network(
        interfaces=(
            s.Interface(name="lo", kind="loopback", mac="", up=True, carrier=True, addresses=("127.0.0.1/8",)),
            s.Interface(
                name="ens18", kind="ethernet", mac="52:54:00:aa:00:01", up=True, carrier=True,
                addresses=("10.99.0.2/24",),
            ),
            s.Interface(
                name="ens19", kind="ethernet", mac="52:54:00:aa:00:02", up=True, carrier=False,
                addresses=("10.98.0.2/16",),
            ),
        ),
        routes=(s.Route(to="default", via="10.99.0.1", interface="ens18"),
                s.Route(to="10.99.0.0/24", interface="ens18"), s.Route(to="10.98.0.0/16", interface="ens19")),
        forwarding=True,
        nameservers=("10.99.0.1",),
    )  # fmt: skip


def _services(work: Work) -> f.Services:
    maas = work.model.maas
    if maas.mode == "none":
        return f.Services(initialised=False, manager="")
    pebble = work.model.snaps["maas"].version >= "3.5"
    dead = work.faults.peek("service-dead")
    up, down = ("active", "inactive") if pebble else ("RUNNING", "STOPPED")
    services = []
    for name, expected in _SERVICES.items():
        runs = maas.running and expected is not None and not (dead is not None and dead.service == name)
        detail = "pid 4711, uptime 1 day, 2:03:04" if runs else "Nov 22 08:41 PM"
        services.append(
            f.Service(name=name, state=up if runs else down, running=runs, expected=expected, detail=detail)
        )
    return f.Services(
        initialised=True,
        manager="pebble" if pebble else "supervisor",
        services=tuple(services),
        database_running=True,
        api=200 if work.link.up else None,
    )


def _config(work: Work) -> f.Config:
    model = work.model
    snap = model.snaps.get("maas")
    if snap is None:
        return f.Config(installed=False)
    maas = model.maas
    database = model.region_database
    return f.Config(
        installed=True, version=snap.version.split("-")[0], channel=snap.channel, mode=maas.mode, url=maas.url,
        database=Database(maas.database) if maas.database else None,
        database_host="localhost" if maas.database == "production" else "", database_name=maas.name,
        database_user=maas.role, migrations=database.tables * 3 if database is not None else None,
        permissions=maas.permissions,
    )  # fmt: skip


def _server(work: Work) -> tuple[Database, Server]:
    wanted = getattr(work.args, "server", None)
    model = work.model
    if wanted is None:
        own = model.maas.database or ("production" if model.apt else "test")
        wanted = Database(own)
    there = model.apt if wanted is Database.PRODUCTION else "maas-test-db" in model.snaps
    if not there:
        raise UnavailableError(f"There is no PostgreSQL ({wanted}) on the host")
    return wanted, model.server_of(wanted)


def _databases(work: Work) -> f.Databases:
    which, server = _server(work)
    rows = tuple(
        f.DatabaseFacts(
            name=name, owner=one.owner, size=one.size, encoding="UTF8",
            connections=12 if name == work.model.maas.name and work.model.maas.running else 0,
        )
        for name, one in sorted(server.databases.items())
    )  # fmt: skip
    return f.Databases(server=which, version="14.11" if which is Database.PRODUCTION else "12.20", databases=rows)


def _roles(work: Work) -> f.Roles:
    which, server = _server(work)
    rows = tuple(f.Role(name=name, login=True, superuser=one.superuser) for name, one in sorted(server.roles.items()))
    return f.Roles(server=which, roles=rows)


def _tables(work: Work) -> f.Tables:
    which, server = _server(work)
    database = server.databases.get(work.args.database)
    if database is None:
        raise UnavailableError(f"There is no database {work.args.database}")
    names = ("maasserver_event", "maasserver_node", "maasserver_bootresourcefile", "django_migrations")
    rows = tuple(
        f.Table(name=name, rows=1000 // (at + 1), size=database.size // (4 * (at + 1))) for at, name in enumerate(names)
    )
    return f.Tables(
        server=which, database=work.args.database, size=database.size, tables=rows if database.tables else ()
    )


def _machines(work: Work) -> f.RegionMachines:
    database = work.model.region_database
    if database is None or not database.tables:
        raise UnavailableError("The region has no database on this host")
    machines = work.link.region.world.machines.values()
    counts: dict[int, int] = {}
    for one in machines:
        counts[one.status] = counts.get(one.status, 0) + 1
    return f.RegionMachines(by_status=counts, deployed=tuple(one.hostname for one in machines if one.status == 6))


_LOGS = ("maas", "regiond", "rackd", "proxy", "named", "nginx", "dhcpd", "postgresql", "apt", "snapd", "system")


def _logs(work: Work) -> f.Logs:
    pebble = work.model.snaps.get("maas") is not None and work.model.snaps["maas"].version >= "3.5"
    source: Any = "journal" if pebble else "file"
    return f.Logs(logs=tuple(f.LogFacts(name=name, source=source) for name in _LOGS))


def log_lines(name: str, count: int = 400) -> list[str]:
    """A log of this name, the newest line last, one line each 10 s."""
    now = time.time()
    words = ("INFO", "INFO", "INFO", "WARN", "ERROR")
    return [
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - 10 * (count - at)))
        + f" {name}: [{words[at % 5].lower()}] line {at} of {name}"
        for at in range(count)
    ]


def _log(work: Work) -> f.LogLines:
    args = work.args
    if args.name not in _LOGS:
        raise UnavailableError(f"There is no log {args.name} on the host")
    lines = log_lines(args.name) + work.model.log
    if args.since is not None:
        start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - args.since))
        lines = [line for line in lines if line[:19] >= start]
    if args.grep is not None:
        lines = [line for line in lines if (re.search(args.grep, line) if args.regex else args.grep in line)]
    return f.LogLines(
        name=args.name,
        source=_logs(work).logs[0].source,
        lines=tuple(lines[-args.lines :]),
        cut=len(lines) > args.lines,
    )


def _backups(work: Work) -> f.Backups:
    rows = tuple(
        f.Backup(
            backup=one.backup, made=datetime.fromtimestamp(one.made, UTC), database=Database(one.database),
            database_name=one.name, maas_version=one.version, size=one.size, tables=one.tables, whole=True,
        )
        for one in work.model.backups
    )  # fmt: skip
    return f.Backups(folder="/var/lib/maasbot/backups", free=work.model.disk_free, backups=rows)


def _inventory(work: Work) -> f.Inventory:
    model = work.model
    things = [f.Leftover(kind="snap", name=name) for name in sorted(model.snaps)]
    role = model.maas.role or "maas"
    ours = [name for name, one in model.server.databases.items() if one.owner == role]
    if "maas-test-db" in model.snaps:
        things += [
            f.Leftover(kind="database", name=f"{TEST_DATABASE} (maas-test-db)", size=one.size)
            for one in model.test_server.databases.values()
        ]
    things += [f.Leftover(kind="database", name=name, size=model.server.databases[name].size) for name in ours]
    things += [f.Leftover(kind="role", name=name) for name in model.server.roles if name == role]
    things += [f.Leftover(kind="pg_hba", name=line) for line in model.server.hba if f" {role} " in line]
    others = other_databases(work, tuple(ours))
    if model.apt:
        stays = f"other databases are in it: {', '.join(others)}" if others else ""
        things.append(f.Leftover(kind="package", name="postgresql-14", stays=stays))
    else:
        things += [f.Leftover(kind="folder", name=one, stays="the purge leaves it") for one in model.folders]
    things += [
        f.Leftover(kind="backup", name=one.backup, size=one.size, stays="backups are kept") for one in model.backups
    ]
    return f.Inventory(
        things=tuple(things), other_databases=tuple(others), empty=not any(not one.stays for one in things)
    )


def _clock(work: Work) -> s.Clock:
    wrong = work.faults.peek("clock")
    behind = timedelta(seconds=wrong.seconds if wrong is not None else 0.0)
    return s.Clock(time=datetime.now(UTC) - behind, synchronised=wrong is None, by="chrony")


def _mirror(work: Work) -> f.Mirror:
    found = f.Mirror(url=work.args.url, name=True, port=True, status=200, said="OK")
    if work.faults.is_active("mirror-dns"):
        return found.model_copy(
            update={"name": False, "port": False, "status": None, "said": "Name or service not known"}
        )
    if work.faults.is_active("mirror-tcp"):
        return found.model_copy(update={"port": False, "status": None, "said": "Connection refused"})
    if work.faults.is_active("mirror-html"):
        return found.model_copy(update={"page": True})
    if work.faults.is_active("mirror-http"):
        return found.model_copy(update={"status": 503, "said": "Service Unavailable"})
    return found


QUERIES: dict[f.QueryName, Callable[[Work], Told]] = {
    f.QueryName.FACTS: _facts,
    f.QueryName.NETWORK: _network,
    f.QueryName.SERVICES: _services,
    f.QueryName.CONFIG: _config,
    f.QueryName.DATABASES: _databases,
    f.QueryName.ROLES: _roles,
    f.QueryName.TABLES: _tables,
    f.QueryName.MACHINES: _machines,
    f.QueryName.LOGS: _logs,
    f.QueryName.LOG: _log,
    f.QueryName.BACKUPS: _backups,
    f.QueryName.INVENTORY: _inventory,
    f.QueryName.MIRROR: _mirror,
}
