"""Releasing machines."""

from __future__ import annotations

from bot.command.context import Context
from bot.command.declaration import command
from bot.maas.errors import clean
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select

#: Characters of a comment for MAAS's event log.
_COMMENT = 200


@command("release", risk=Risk.DESTRUCTIVE, example="/maas release node-1 --comment done", machine="machines")
async def release(
    ctx: Context,
    *machines: str,
    erase: bool = False,
    secure_erase: bool = False,
    quick_erase: bool = False,
    comment: str = "",
) -> Plan:
    """Take machines from their owners: they are switched off and Ready for others.

    Machines are named as for `commission`. Without erasing, what is on the disks stays there. An erasing release can't
    be undone; MAAS erases without being asked where its settings say so, and the plan tells.

    Args:
        erase: erase the disks first, as MAAS's settings have it
        secure_erase: erase them by the drives' own secure erase; with zeros where a drive has none
        quick_erase: wipe only the beginning and the end of each disk; after secure erase, of drives without one
        comment: for MAAS's event log
    """
    selection = await select(ctx, machines)
    options = {
        "ids": [machine.system_id for machine in selection],
        "erase": erase,
        "secure_erase": secure_erase,
        "quick_erase": quick_erase,
        "comment": clean(comment, _COMMENT),
    }
    return await plan_for(ctx, "release", options, "released")
