"""Backups of the region: its database and files, on its host."""

from __future__ import annotations

from bot.command.context import Context
from bot.command.declaration import command
from bot.host.facts import Backups, QueryName
from bot.host.vocabulary import BackupId
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Span, Text, When, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.hosting import fitting, host, nothing_under_way
from commands.planning import plan_for


@command("backup", risk=Risk.CHANGE, example="/maas backup")
async def backup(ctx: Context) -> Plan:
    """Back up the region's database and files on its host, and read the backup back."""
    host(ctx)
    return await plan_for(ctx, "backup", {}, "backed up")


@command("restore", risk=Risk.DESTRUCTIVE, example="/maas restore op-4k2f")
async def restore(ctx: Context, backup: str, /, *, first: bool = True) -> Plan:
    """Load a backup: the region is then as it was at that time. `backup list` names them.

    Args:
        first: back up today's state before
    """
    host(ctx)
    await nothing_under_way(ctx, "a restore")
    which = fitting(backup.lower(), BackupId, "name of a backup", "op-4k2f")
    return await plan_for(ctx, "restore", {"backup": which, "first": first}, "restored")


@command("backup list", risk=Risk.READ, example="/maas backup list")
async def backup_list(ctx: Context) -> Message:
    """List the backups on the host, newest first, and whether they are whole."""
    found = await host(ctx).helper.query(QueryName.BACKUPS, Backups)
    if not found.backups:
        return say("There is no backup yet. ", Code("/maas backup"), " makes one.")
    lines: list[Text] = []
    for one in found.backups:
        spans: list[Span] = [Mark.OK if one.whole else Mark.FAIL, " ", Code(one.backup), "  ", When(one.made)]
        spans.append(f"  MAAS {one.maas_version}, {one.database_name}: {size(one.size)}, {one.tables} tables")
        lines.append(spans if one.whole else [*spans, "; it is not whole any more, and can't be restored"])
    count = "1 backup" if len(found.backups) == 1 else f"{len(found.backups)} backups"
    title = f"{count} on {host(ctx).name}"
    note: list[Span] = [f"They are in {found.folder}, {size(found.free)} free. ", Code("/maas restore NAME")]
    return Message(f"{title}.", (Paragraph([Bold(title)]), Bullets(lines[:40]), Note([*note, " loads one."])))


def size(count: int) -> str:
    """Bytes as people say them."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
