"""What is in the region's PostgreSQL. Fixed questions: there is no way to send SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.command.context import Context
from bot.command.declaration import command
from bot.host.facts import Config, Databases, QueryName, Roles, ServerArguments, Tables, TablesArguments
from bot.host.vocabulary import Database, PgName
from bot.message import Bold, Message, Note, Paragraph, Part, Table
from bot.policy import Risk
from commands.backups import size
from commands.hosting import fitting, host

Server = Literal["", "test", "production"]
_MOST = 40


@command("db list", risk=Risk.READ, example="/maas db list")
async def db_list(ctx: Context, *, server: Server = "") -> Message:
    """List the databases of the host: owner, size, connections.

    Args:
        server: test (maas-test-db) or production (the host's PostgreSQL); by default the one that the region uses
    """
    found = await host(ctx).helper.query(QueryName.DATABASES, Databases, _server(server))
    rows = [(one.name, one.owner, size(one.size), str(one.connections)) for one in found.databases]
    title = f"{_count(rows, 'database')} in PostgreSQL {found.version} ({found.server}) on {host(ctx).name}"
    return _table(title, ("Database", "Owner", "Size", "Connections"), rows)


@command("db tables", risk=Risk.READ, example="/maas db tables")
async def db_tables(ctx: Context, *, database: str = "", server: Server = "") -> Message:
    """List the tables of the region's database, largest first, with PostgreSQL's estimate of their rows.

    Args:
        database: another database than the region's
        server: test or production; by default the one that the region uses
    """
    where = host(ctx)
    name = fitting(database, PgName, "name of a database", "maasdb") if database else await _own_database(ctx)
    arguments = TablesArguments(server=Database(server) if server else None, database=name)
    found = await where.helper.query(QueryName.TABLES, Tables, arguments)
    rows = [(one.name, "not counted" if one.rows < 0 else str(one.rows), size(one.size)) for one in found.tables]
    title = f"{_count(rows, 'table')} in {found.database} ({found.server}), {size(found.size)}"
    return _table(title, ("Table", "Rows, about", "Size"), rows)


@command("db roles", risk=Risk.READ, example="/maas db roles")
async def db_roles(ctx: Context, *, server: Server = "") -> Message:
    """List the roles of the host's PostgreSQL, and what they may do.

    Args:
        server: test or production; by default the one that the region uses
    """
    found = await host(ctx).helper.query(QueryName.ROLES, Roles, _server(server))
    rows = [
        (
            one.name,
            ", ".join([*(["superuser"] if one.superuser else []), *(["login"] if one.login else []), *one.attributes]),
            ", ".join(one.member_of),
        )
        for one in found.roles
    ]
    return _table(f"{_count(rows, 'role')} in PostgreSQL ({found.server})", ("Role", "May", "Member of"), rows)


@command("db size", risk=Risk.READ, example="/maas db size")
async def db_size(ctx: Context) -> Message:
    """Say how large the region's database is, and what in it is large."""
    where = host(ctx)
    arguments = TablesArguments(database=await _own_database(ctx))
    found = await where.helper.query(QueryName.TABLES, Tables, arguments)
    rows = [(one.name, size(one.size)) for one in found.tables[:5]]
    title = f"{found.database} ({found.server}) is {size(found.size)}"
    return _table(title, ("Largest tables", "Size"), rows)


async def _own_database(ctx: Context) -> str:
    config = await host(ctx).helper.query(QueryName.CONFIG, Config)
    return config.database_name or "maasdb"


def _server(server: str) -> ServerArguments:
    return ServerArguments(server=Database(server) if server else None)


def _count(rows: Sequence[object], word: str) -> str:
    return f"1 {word}" if len(rows) == 1 else f"{len(rows)} {word}s"


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Message:
    parts: list[Part] = [Paragraph([Bold(title)])]
    if rows:
        parts.append(Table(columns, rows[:_MOST], caption=title, total=len(rows)))
    if len(rows) > _MOST:
        parts.append(Note([f"{_MOST} of {len(rows)} shown."]))
    return Message(f"{title}.", tuple(parts))
