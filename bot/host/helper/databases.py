"""Role and database of a region on the host's own PostgreSQL; nobody else's are touched."""

from __future__ import annotations

from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.debian import OWN_TABLES
from bot.host.helper.fields import Fields, pg_name
from bot.host.helper.postgres import Server, fits, literal, name_in, sql_fault, verifier
from bot.host.helper.programs import Tools
from bot.host.helper.region import region_config
from bot.host.helper.step import Step


def execute(server: Server, sql: str, database: str = "postgres") -> None:
    """Run statements that change something."""
    said = server.said(sql, database)
    if said.rc or said.late:
        raise sql_fault(said, database)


def _stored(server: Server, role: str) -> str | None:
    """What PostgreSQL keeps of the role's password; None when there is no such role."""
    found = server.rows(
        f"SELECT coalesce(rolpassword, '-'), rolcanlogin, rolsuper FROM pg_authid WHERE rolname = {literal(role)};"
    )
    if not found:
        return None
    if found[0][2] == "t":
        raise Stopped("foreign_owner", f"role {role} is a superuser, so it is not MAAS's", "Choose another role.")
    return found[0][0] if found[0][1] == "t" else "-"


class RoleCreate(Step):
    name = "role-create"
    fields = Fields({"role": pg_name})
    secrets = ("database_password",)

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        role = given["role"]
        try:
            stored = _stored(Server.production(tools), role)
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        if stored is None:
            return todo("there is no role " + role, "create it, with a new password")
        password = tools.secrets.get("database_password")
        if password is not None and fits(password, role, stored):
            return done(f"role {role} is there, with this password")
        used = region_config(tools)
        if used.role == role and used.production and used.password and fits(used.password, role, stored):
            return done(f"role {role} is there, and the region uses it with its password")
        return todo(f"role {role} is there", "give it a new password")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        role = given["role"]
        server = Server.production(tools)
        encryption = server.value("SHOW password_encryption;")
        kept = verifier(tools.secrets["database_password"], role, encryption)
        tools.hide(kept)
        execute(
            server,
            f"SELECT format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE', {literal(role)})"
            f" WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(role)}) \\gexec\n"
            f"SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', {literal(role)}, {literal(kept)}) \\gexec\n",
        )


class RoleDrop(Step):
    name = "role-drop"
    fields = Fields({"role": pg_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        role = given["role"]
        server = _server_or_none(tools)
        if isinstance(server, dict):
            return server
        try:
            if _stored(server, role) is None:
                return done("there is no role " + role)
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        owned = server.rows(
            "SELECT datname FROM pg_database"
            f" WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = {literal(role)});"
        )
        if owned:
            names = ", ".join(one[0] for one in owned)
            return blocked("role_in_use", f"role {role} still owns: {names}", "Drop its database first.")
        return todo(f"role {role} is there", "drop it", lost=["role " + role])

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        execute(Server.production(tools), "DROP ROLE IF EXISTS {};".format(name_in(given["role"])))


def _server_or_none(tools: Tools) -> Server | dict[str, Any]:
    """The host's own server; a look instead, when there is none (nothing to drop) or it is down (nobody knows)."""
    try:
        return Server.production(tools)
    except Stopped as stop:
        if stop.cause == "not_installed":
            return done("PostgreSQL is not installed")
        return blocked(stop.cause, stop.message, stop.remedy)


class DatabaseCreate(Step):
    name = "database-create"
    fields = Fields({"name": pg_name, "role": pg_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name, role = given["name"], given["role"]
        try:
            server = Server.production(tools)
            found = server.rows(f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {literal(name)};")
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        if not found:
            return todo("there is no database " + name, "create it, owned by " + role)
        if found[0][0] != role:
            return blocked(
                "foreign_owner",
                f"database {name} belongs to {found[0][0]}",
                "Choose another name, or look whose it is: db list",
            )
        return done(f"database {name} is there, owned by {role}")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        execute(
            Server.production(tools),
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8';".format(
                name_in(given["name"]), name_in(given["role"])
            ),
        )


def is_maas(server: Server, name: str) -> bool:
    """Whether a database is a region's, or empty."""
    found = server.rows("SELECT to_regclass('public.maasserver_node') IS NOT NULL;", name)
    return found[0][0] == "t" or server.value(OWN_TABLES, name) == "0"


class DatabaseDrop(Step):
    name = "database-drop"
    fields = Fields({"name": pg_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name = given["name"]
        server = _server_or_none(tools)
        if isinstance(server, dict):
            return server
        found = server.rows(
            f"SELECT pg_database_size(oid), datallowconn FROM pg_database WHERE datname = {literal(name)};"
        )
        if not found:
            return done("there is no database " + name)
        used = region_config(tools)
        if used.unknown:
            return blocked(
                "database_in_use", "maas does not tell which database it uses", "Remove the snap maas first."
            )
        if used.production and used.database == name:
            return blocked("database_in_use", "the region uses database " + name, "Remove the snap maas first.")
        # One that takes no connections is half dropped by an earlier run, which looked at what is in it.
        if found[0][1] == "t" and not is_maas(server, name):
            return blocked(
                "foreign_owner", f"database {name} holds other tables than MAAS's", "It is not dropped from here."
            )
        size = int(found[0][0])
        return todo(
            "database %s is there, %d MB" % (name, size // 1_000_000 + 1),
            "end its connections and drop it",
            lost=["database " + name],
            facts={"size": size},
        )

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        name = given["name"]
        server = Server.production(tools)
        # DROP … WITH (FORCE) is there from PostgreSQL 13 on only.
        execute(server, f"ALTER DATABASE {name_in(name)} WITH ALLOW_CONNECTIONS false;")
        execute(
            server,
            "SELECT pg_sleep(CASE WHEN count(pg_terminate_backend(pid)) > 0 THEN 0.2 ELSE 0 END) FROM pg_stat_activity"
            f" WHERE datname = {literal(name)} AND pid <> pg_backend_pid();\n"
            f"DROP DATABASE IF EXISTS {name_in(name)};",
        )
