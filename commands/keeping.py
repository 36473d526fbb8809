"""Who may touch machines: lock, unlock, allocate, owner, broken, fixed."""

from __future__ import annotations

from collections import defaultdict

from bot.command.context import Context
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Message, Note, Paragraph, Text
from bot.operations import machine_facts as facts
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.selecting import select
from commands.values import comment as comment_of


@command("lock", risk=Risk.CHANGE, example="/maas lock node-1", machine="machines")
async def lock(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Lock machines: MAAS refuses to release, delete, change or switch them off.

    MAAS locks machines that are Deployed or Deploying.

    Args:
        comment: for MAAS's event log
    """
    return await _plan(ctx, "lock", machines, comment, "locked")


@command("unlock", risk=Risk.CHANGE, example="/maas unlock node-5", machine="machines")
async def unlock(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Unlock machines.

    Args:
        comment: for MAAS's event log
    """
    return await _plan(ctx, "unlock", machines, comment, "unlocked")


@command("allocate", risk=Risk.CHANGE, example="/maas allocate node-2", machine="machines")
async def allocate(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Take Ready machines, so that nobody else can: they are the bot's own MAAS user's then.

    MAAS knows no other way to an owner, and gives a machine to nobody but who asks. `release` gives it back.

    Args:
        comment: for MAAS's event log
    """
    return await _plan(ctx, "allocate", machines, comment, "allocated")


@command("owner", risk=Risk.READ, example="/maas owner node-1", machine="machines")
async def owner(ctx: Context, *machines: str) -> Message:
    """Tell whose machines are.

    MAAS can't hand a machine from one user to another: its owner releases it, and the next one allocates it.
    """
    selection = await select(ctx, machines)
    owners: dict[str, list[str]] = defaultdict(list)
    for machine in selection:
        owners[machine.owner].append(f"{machine.name} ({machine.status_name})")
    lines: list[Text] = [
        [Bold(name or "nobody"), f": {facts.listing(owned)}"] for name, owned in sorted(owners.items())
    ]
    user = await facts.own_user(ctx.region)
    me = f"The bot's own MAAS user is {user}. " if user else ""
    note = Note([f"{me}MAAS hands no machine over: ", Code("release"), ", then ", Code("allocate"), "."])
    summary = "; ".join(f"{name or 'nobody'}: {facts.listing(owned)}" for name, owned in sorted(owners.items()))
    body = Bullets(lines) if len(lines) > 1 else Paragraph(lines[0])
    return Message(f"{summary}.", (body, note))


@command("broken", risk=Risk.CHANGE, example="/maas broken node-2 --comment 'fan 3 is dead'", machine="machines")
async def broken(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Mark machines broken, so that nobody takes them until they are fixed.

    MAAS lets only its owner do that: machines that nobody owns are allocated for that moment, and those of others are
    left out. Marking a deployed machine broken releases it, and another person approves.

    Args:
        comment: what is wrong with them; MAAS keeps it in its event log
    """
    return await _plan(ctx, "broken", machines, comment, "marked broken")


@command("fixed", risk=Risk.CHANGE, example="/maas fixed node-6", machine="machines")
async def fixed(ctx: Context, *machines: str, comment: str = "") -> Plan:
    """Mark broken machines fixed: they are Ready then.

    Args:
        comment: for MAAS's event log
    """
    return await _plan(ctx, "fixed", machines, comment, "marked fixed")


async def _plan(ctx: Context, kind: str, machines: tuple[str, ...], comment: str, done: str) -> Plan:
    selection = await select(ctx, machines)
    options = {"ids": [machine.system_id for machine in selection], "comment": comment_of(comment)}
    return await plan_for(ctx, kind, options, done)
