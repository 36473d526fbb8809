"""MAAS comes, goes, and moves to another version: the host's great changes."""

from __future__ import annotations

import re
from typing import Literal

from bot.command.context import Context
from bot.command.declaration import command
from bot.host.vocabulary import Channel, MaasUrl, UserName
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.hosting import fitting, host, nothing_under_way
from commands.planning import plan_for

#: Where MAAS's pages say to begin; the plan shows it, and --channel changes it.
_CHANNEL = "3.4/stable"


@command("install", risk=Risk.CHANGE, example="/maas install --channel 3.4/stable --database production")
async def install(
    ctx: Context,
    *,
    channel: str = _CHANNEL,
    database: Literal["test", "production"] = "test",
    url: str = "",
    admin: str = "admin",
    wide: bool = False,
) -> Plan:
    """Install MAAS on the region's host, and give the bot its key. Can be repeated: what is so stays so.

    Each step looks first, acts, and looks again; after a failure `retry` goes on from there. Passwords are made by the
    bot, and reach neither channel nor log.

    Args:
        channel: of the snap, like 2.9/stable
        database: test is the snap maas-test-db, lost with it; production is PostgreSQL of the host
        url: that MAAS gives to machines; that of the bot's settings by default
        admin: name of MAAS's first administrator
        wide: let the database's role in from every address, as old notes do; a risk, and of no use for one host
    """
    host(ctx)
    options = {
        "channel": fitting(channel, Channel, "channel", "3.4/stable"),
        "database": database,
        "url": fitting(url, MaasUrl, "URL of a region", "http://10.0.0.2:5240/MAAS") if url else _own_url(ctx),
        "admin": fitting(admin, UserName, "user name", "olga"),
        "wide": wide and database == "production",
    }
    return await plan_for(ctx, "install", options, "installed")


@command("reset", risk=Risk.IRREVERSIBLE, example="/maas reset")
async def reset(ctx: Context, *, keep_database: bool = False, backup: bool = True) -> Plan:
    """Remove MAAS from its host: snaps, database, role, PostgreSQL. The plan is read from the host as it is.

    A backup is made and read back first, unless you say --no-backup. PostgreSQL stays where other databases are in it.

    Args:
        keep_database: remove MAAS and leave its database
        backup: make a backup first
    """
    host(ctx)
    await nothing_under_way(ctx, "a reset")
    return await plan_for(ctx, "reset", {"keep_database": keep_database, "backup": backup}, "reset")


@command("upgrade", risk=Risk.DESTRUCTIVE, example="/maas upgrade --channel 3.4/stable")
async def upgrade(ctx: Context, *, channel: str, backup: bool = True) -> Plan:
    """Move MAAS to another channel of its snap. There is no way back but a backup.

    Args:
        channel: to go to, like 3.4/stable
        backup: make a backup first
    """
    host(ctx)
    await nothing_under_way(ctx, "an upgrade")
    options = {"channel": fitting(channel, Channel, "channel", "3.4/stable"), "backup": backup}
    return await plan_for(ctx, "upgrade", options, "upgraded")


def _own_url(ctx: Context) -> str:
    """The URL of the settings, as far as MAAS can be reached under it by others than the bot."""
    url = ctx.region.url.rstrip("/")
    return url if re.fullmatch(r"https?://[A-Za-z0-9\[][A-Za-z0-9.:\]-]{0,200}/MAAS", url) else ""
