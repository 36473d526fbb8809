"""What there is of MAAS on this host: what a reset takes away, and what it leaves and why."""

from __future__ import annotations

import os
from typing import Any

from bot.host.helper.backups import backups
from bot.host.helper.base import Stopped
from bot.host.helper.databases import is_maas
from bot.host.helper.debian import packages
from bot.host.helper.hba import BEGIN, END, Hba, read_lines, without_ours
from bot.host.helper.postgres import Server, clusters
from bot.host.helper.programs import Tools
from bot.host.helper.region import region_config
from bot.host.helper.snapd import all_installed, snapshots

_FOLDERS = (
    ("/var/snap/maas", ""),
    ("/var/snap/maas-test-db", ""),
    ("/etc/postgresql", "left by Debian; holds no database once the packages are purged"),
    ("/var/lib/postgresql", "left by Debian; holds no database once the packages are purged"),
    ("/var/log/postgresql", "PostgreSQL's old logs"),
)


def thing(kind: str, name: str, size: int | None = None, stays: str = "") -> dict[str, Any]:
    return {"kind": kind, "name": name, "size": size, "stays": stays}


def inventory(tools: Tools) -> dict[str, Any]:
    """All of it, and the databases that are not MAAS's."""
    found: list[dict[str, Any]] = []
    others: list[str] = []
    for each in all_installed(tools):
        if each.name in ("maas", "maas-test-db", "maas-cli"):
            found.append(thing("snap", f"{each.name} {each.version}"))
    for number, name in snapshots(tools):
        found.append(thing("snapshot", f"{number} of {name}", stays="made by snap; drop it by: snap forget " + number))
    there = packages(tools, "postgresql*")
    for one in clusters(tools):
        if one.online:
            _of_server(tools, Server(tools, "production", one), found, others)
        else:
            others.append(f"cluster {one.version}/{one.name}, which does not run")
    keeps = "other databases are in it" if others else ""
    for name in sorted(there):
        found.append(thing("package", name, stays=keeps))
    for path, stays in _FOLDERS:
        if os.path.isdir(tools.place.at(path)):
            used = path.endswith("postgresql") and bool(there)
            found.append(thing("folder", path, size_of(tools.place.at(path)), stays if not used else stays or keeps))
    for kept in backups(tools)["backups"]:
        found.append(thing("backup", kept["backup"], kept["size"], "made for a restore"))
    return {"things": found, "other_databases": others, "empty": all(one["stays"] for one in found)}


def _of_server(tools: Tools, server: Server, found: list[dict[str, Any]], others: list[str]) -> None:
    roles: set[str] = set()
    used = region_config(tools)
    rows = server.rows(
        "SELECT datname, pg_get_userbyid(datdba), pg_database_size(oid), datallowconn FROM pg_database"
        " WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1;"
    )
    names: set[str] = set()
    for name, owner, size, open_ in rows:
        ours = used.production and used.database == name
        try:
            # An empty one is MAAS's if it is named so: an init that was cut leaves such.
            ours = ours or open_ == "f" or (is_maas(server, name) and (name == "maas" or owner == "maas"
                                                                      or _has_nodes(server, name)))  # fmt: skip
        except Stopped:
            ours = False
        if ours:
            found.append(thing("database", name, int(size)))
            roles.add(owner)
            names.add(name)
        else:
            others.append(name)
    if used.production and used.role:
        roles.add(used.role)
    roles.add("maas")
    for role in server.rows("SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_' ORDER BY 1;"):
        if role[0] in roles:
            found.append(thing("role", role[0]))
    lines = read_lines(Hba(tools, server).path)
    kept = without_ours(lines)
    marked = [one for one in lines if one not in kept and one.strip() not in (BEGIN, END)]
    for line in [*marked, *(one for one in kept if len(one.split()) > 3 and one.split()[2] in roles)]:
        if not line.lstrip().startswith("#"):
            found.append(thing("pg_hba", " ".join(line.split())))


def _has_nodes(server: Server, name: str) -> bool:
    return server.value("SELECT to_regclass('public.maasserver_node') IS NOT NULL;", name) == "t"


def size_of(folder: str) -> int:
    """What a folder takes, as far as it is quickly told."""
    total = 0
    seen = 0
    for base, _, names in os.walk(folder):
        for name in names:
            seen += 1
            try:
                total += os.lstat(os.path.join(base, name)).st_blocks * 512
            except OSError:
                continue
        if seen > 200_000:
            break
    return total
