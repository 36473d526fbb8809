"""SSH keys: whose private halves can log in on the machines that are deployed."""

from __future__ import annotations

import re
from typing import Annotated

from cyclopts import Parameter

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.models_network import SshKey
from bot.maas.public_keys import KeyFault, fingerprint_of, read_public_key, told_key
from bot.message import Bold, Bullets, Button, Buttons, Code, Message, Note, Paragraph, Style, Text, say
from bot.operations import machine_facts
from bot.operations.plan import Plan
from bot.operations.ssh_keys import told_source
from bot.policy import Risk
from commands.planning import plan_for

_SOURCE = re.compile(r"(lp|gh):[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")
#: Opens the form in which a new key is handed over.
GENERATE = "key.generate"


@command("sshkeys list", risk=Risk.READ, example="/maas sshkeys list")
async def sshkeys_list(ctx: Context) -> Message:
    """List the public keys that get onto machines deployed through the bot."""
    keys = await ctx.region.api.ssh_keys()
    user = await machine_facts.own_user(ctx.region)
    if not keys:
        return say(
            f"{user or 'My MAAS user'} has no SSH key: nobody could log in on machines deployed now. ",
            Code("/maas sshkeys add KEY"),
            ", ",
            Code("/maas sshkeys import lp:NAME"),
            " or ",
            Code("/maas sshkeys generate"),
            " gives it one.",
        )
    title = f"{len(keys)} SSH key{'s' if len(keys) > 1 else ''} of {user or 'my MAAS user'}"
    return Message(f"{title}.", (Paragraph([Bold(title)]), Bullets([_line(one) for one in keys])))


@command("sshkeys add", risk=Risk.CHANGE, example="/maas sshkeys add ssh-ed25519 AAAA… olga@laptop")
async def sshkeys_add(ctx: Context, *key: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> Plan:
    """Add a public key: the one line of a file that ends in .pub."""
    try:
        public = read_public_key(" ".join(key))
    except KeyFault as fault:
        text = str(fault)
        raise RefusalError(say(f"{text[:1].upper()}{text[1:]}.")) from None
    return await plan_for(ctx, "sshkeys-add", {"key": public.line}, "added")


@command("sshkeys import", risk=Risk.CHANGE, example="/maas sshkeys import lp:olga")
async def sshkeys_import(ctx: Context, source: str, /) -> Plan:
    """Let MAAS fetch somebody's keys from Launchpad (`lp:NAME`) or GitHub (`gh:NAME`)."""
    if not _SOURCE.fullmatch(source):
        raise RefusalError(
            say(Code(source[:60]), " names nobody's keys; write ", Code("lp:NAME"), " or ", Code("gh:NAME"), ".")
        )
    return await plan_for(ctx, "sshkeys-import", {"source": source}, "imported")


@command("sshkeys remove", risk=Risk.CHANGE, example="/maas sshkeys remove 3")
async def sshkeys_remove(ctx: Context, key: str, /) -> Plan:
    """Remove a public key, named by its id, its comment or its fingerprint. Machines that run keep it."""
    keys = await ctx.region.api.ssh_keys()
    found = [one for one in keys if key in {str(one.id), fingerprint_of(one.key)} or one.key.split(" ")[2:] == [key]]
    if len(found) != 1:
        what = "fits several keys" if found else "is no key of MAAS"
        known = "; ".join(f"{one.id}: {told_key(one.key)}" for one in keys[:8]) or "none"
        raise RefusalError(say(Code(key[:60]), f" {what}. There are {known}."))
    return await plan_for(ctx, "sshkeys-remove", {"id": found[0].id, "told": told_key(found[0].key)}, "removed")


@command("sshkeys generate", risk=Risk.CHANGE, example="/maas sshkeys generate")
async def sshkeys_generate(ctx: Context) -> Message:
    """Make a new key pair. You alone see its private half, once; its public half is added after you confirm."""
    button = Button("Make a key", GENERATE, ctx.region.name, Style.PRIMARY)
    return Message(
        "Make a new SSH key?",
        (
            Paragraph([Bold("Make a new SSH key?")]),
            Paragraph(
                [
                    "A window opens for you alone and shows the private key once. It is stored nowhere: "
                    "copy it into a file before you close the window."
                ]
            ),
            Buttons([button]),
            Note([f"The public half goes to MAAS ({ctx.region.name}) after you have confirmed it."]),
        ),
    )


def _line(one: SshKey) -> Text:
    source = f"  from {told_source(one.keysource)}" if one.keysource else ""
    return [Code(str(one.id)), f"  {told_key(one.key)}{source}"]
