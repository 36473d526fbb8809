"""A region's settings, as MAAS's own pages have them under Settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Message, Note, Paragraph, Span, Text, say
from bot.operations.plan import Plan
from bot.operations.region_settings import fitting, is_secret, nearest, setting_names, told
from bot.policy import Risk
from commands.planning import plan_for

#: Settings shown by one command.
_MOST = 20


@command("config get", risk=Risk.READ, example="/maas config get upstream_dns")
async def config_get(ctx: Context, *names: str) -> Message:
    """Show settings of the region by name; without a name, which there are."""
    known = await setting_names(ctx.region.api)
    if not names:
        title = f"{len(known)} settings"
        listed = Paragraph([", ".join(sorted(known)) + "."])
        note = Note(
            [Code("/maas config get NAME"), " shows one, ", Code("/maas config set NAME VALUE"), " changes it."]
        )
        return Message(f"{title}.", (Paragraph([Bold(title)]), listed, note))
    chosen = [_known(name, known) for name in dict.fromkeys(names)][:_MOST]
    values = await asyncio.gather(*(ctx.region.api.get_config(name) for name in chosen))
    lines: list[Text] = [[Code(name), f"  {told(value, name)}"] for name, value in zip(chosen, values, strict=True)]
    if len(lines) == 1:
        return Message(f"{chosen[0]}: {told(values[0], chosen[0])}.", (Paragraph(lines[0]),))
    return Message(f"{len(lines)} settings.", (Bullets(lines),))


@command("config set", risk=Risk.CHANGE, example="/maas config set upstream_dns 8.8.8.8")
async def config_set(ctx: Context, name: str, /, *value: str) -> Plan:
    """Change a setting of the region. The plan shows the value of today and the new one.

    `config set NAME ""` empties a setting. Whether a value fits, MAAS itself says.
    """
    if not value:
        raise RefusalError(say("config set needs a value; ", Code(f'/maas config set {name} ""'), " empties it."))
    chosen = _known(name, await setting_names(ctx.region.api))
    if is_secret(chosen):
        raise RefusalError(
            say(
                Code(chosen),
                " is a secret: typed here it would be read by others and kept. Set it on MAAS's own page, Settings. "
                "If you typed it just now, change it.",
            )
        )
    try:
        wanted = fitting(chosen, await ctx.region.api.get_config(chosen), " ".join(value))
    except ValueError as error:
        raise RefusalError(say(f"{error}.")) from None
    return await plan_for(ctx, "config-set", {"name": chosen, "value": wanted}, "set")


def _known(name: str, names: Sequence[str]) -> str:
    """The setting that was meant. Raises RefusalError: there is none; it says which are near."""
    wanted = name.strip().lower().replace("-", "_")
    if wanted in names:
        return wanted
    spans: list[Span] = ["There is no setting ", Code(name[:60]), ". "]
    for at, one in enumerate(nearest(name, names)):
        spans += [" or " if at else "Did you mean ", Code(one)]
    spans += ["? " if len(spans) > 3 else "", Code("/maas config get"), " lists all."]
    raise RefusalError(say(*spans))
