"""The fixed questions: name → what it takes and who answers. None takes SQL, a path or a command."""

from __future__ import annotations

from typing import Any, Callable

from bot.host.helper.backups import backups
from bot.host.helper.base import Refused, Stopped
from bot.host.helper.fields import Fields, database_kind, pg_name
from bot.host.helper.host_facts import host_facts, network
from bot.host.helper.inventory import inventory
from bot.host.helper.logs import LOG_FIELDS, log, logs
from bot.host.helper.maas import region_server
from bot.host.helper.mirror import MIRROR_FIELDS, mirror
from bot.host.helper.postgres import Server, literal
from bot.host.helper.programs import Tools
from bot.host.helper.region import api_status, permissions, region_config, regiond_conf, services
from bot.host.helper.snapd import installed

_SERVER = Fields(optional={"server": (database_kind, None)})
_TABLES = Fields(optional={"server": (database_kind, None), "database": (pg_name, None)})
_NONE = Fields()


def server_of(tools: Tools, kind: str | None) -> Server:
    """The server that was asked for, or the region's, or the one that is there."""
    if kind == "production":
        return Server.production(tools)
    if kind == "test":
        if tools.find("maas-test-db.psql") is None:
            raise Stopped("not_installed", "maas-test-db is not installed")
        return Server.test(tools)
    config = region_config(tools)
    server = region_server(tools, config) if config.kind else Server.of_region(tools)
    if server is None:
        raise Stopped("not_installed", "there is no PostgreSQL on this host")
    return server


def version_of(server: Server) -> str:
    return server.value("SHOW server_version;").split(" ")[0]


def databases(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    server = server_of(tools, given["server"])
    rows = server.rows(
        "SELECT datname, pg_get_userbyid(datdba), pg_database_size(oid), pg_encoding_to_char(encoding),"
        " (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname AND a.pid <> pg_backend_pid())"
        " FROM pg_database d WHERE NOT datistemplate ORDER BY datname;"
    )
    found = [
        {"name": name, "owner": owner, "size": int(size), "encoding": encoding, "connections": int(count)}
        for name, owner, size, encoding, count in rows
    ]
    return {"server": server.kind, "version": version_of(server), "databases": found}


def roles(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    server = server_of(tools, given["server"])
    rows = server.rows(
        "SELECT rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " (SELECT coalesce(string_agg(g.rolname, ',' ORDER BY g.rolname), '') FROM pg_auth_members m"
        " JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)"
        " FROM pg_roles r WHERE rolname !~ '^pg_' ORDER BY rolname;"
    )
    words = ("create databases", "create roles", "replication", "bypass row security")
    found = [
        {
            "name": row[0],
            "login": row[1] == "t",
            "superuser": row[2] == "t",
            "attributes": [word for word, has in zip(words, row[3:7]) if has == "t"],
            "member_of": [one for one in row[7].split(",") if one],
        }
        for row in rows
    ]
    return {"server": server.kind, "roles": found}


def tables(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    server = server_of(tools, given["server"])
    name = given["database"] or region_config(tools).database
    if not name:
        raise Refused("bad_request", "is missing: no region uses a database here", "arguments.database")
    if not server.has_database(name):
        raise Refused("unavailable", "there is no database " + name, "arguments.database")
    rows = server.rows(
        "SELECT n.nspname || '.' || c.relname, c.reltuples::bigint, pg_total_relation_size(c.oid)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
        " ORDER BY 3 DESC, 1 LIMIT 1000;",
        name,
    )
    found = [{"name": _bare(table), "rows": int(count), "size": int(size)} for table, count, size in rows]
    size = int(server.value(f"SELECT pg_database_size({literal(name)});"))
    return {"server": server.kind, "database": name, "size": size, "tables": found}


def _bare(table: str) -> str:
    return table[len("public.") :] if table.startswith("public.") else table


def machines(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    """The region's machines by its database, for when its API is down."""
    config = region_config(tools)
    server = region_server(tools, config) if config.is_region else None
    if server is None or not server.migrations(config.database):
        raise Refused("unavailable", "there is no region's database on this host")
    rows = server.rows(
        "SELECT status, count(*) FROM maasserver_node WHERE node_type = 0 GROUP BY status ORDER BY status;",
        config.database,
    )
    names = server.rows(
        "SELECT hostname FROM maasserver_node WHERE node_type = 0 AND status = 6 ORDER BY hostname LIMIT 200;",
        config.database,
    )
    return {"by_status": {status: int(count) for status, count in rows}, "deployed": [one[0] for one in names]}


def all_services(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    found = services(tools)
    running = None
    if found["initialised"]:
        config = region_config(tools)
        try:
            server = region_server(tools, config)
            running = None if server is None else bool(server.names_quietly())
        except Stopped:
            running = False
    return {**found, "database_running": running, "api": api_status(tools)}


def config_facts(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    there = installed(tools, "maas")
    if there is None:
        return {"installed": False}
    config = region_config(tools)
    migrations = None
    try:
        server = region_server(tools, config) if config.is_region else None
        if server is not None and server.has_database(config.database):
            migrations = server.migrations(config.database)
    except Stopped:
        pass
    return {
        "installed": True,
        "version": there.version,
        "channel": there.channel,
        "mode": config.mode,
        "url": config.url,
        "database": config.kind or None,
        "database_host": config.host,
        "database_name": config.database,
        "database_user": config.role,
        "migrations": migrations,
        "permissions": permissions(regiond_conf(tools)),
    }


class Query:
    """One question."""

    def __init__(self, fields: Fields, answer: Callable[[Tools, dict[str, Any]], dict[str, Any]]) -> None:
        self.fields = fields
        self.answer = answer


def all_queries() -> dict[str, Query]:
    return {
        "facts": Query(_NONE, lambda tools, _: host_facts(tools)),
        "network": Query(_NONE, lambda tools, _: network(tools)),
        "services": Query(_NONE, all_services),
        "config": Query(_NONE, config_facts),
        "databases": Query(_SERVER, databases),
        "roles": Query(_SERVER, roles),
        "tables": Query(_TABLES, tables),
        "machines": Query(_NONE, machines),
        "logs": Query(_NONE, lambda tools, _: logs(tools)),
        "log": Query(LOG_FIELDS, log),
        "backups": Query(_NONE, lambda tools, _: backups(tools)),
        "mirror": Query(MIRROR_FIELDS, lambda _, given: mirror(given)),
        "inventory": Query(_NONE, lambda tools, _: inventory(tools)),
    }
