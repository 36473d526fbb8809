"""Watches: this channel is told by itself what happens in a region."""

from __future__ import annotations

import secrets
import time
from typing import Literal

from bot.audit import Entry
from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, Text, say
from bot.operations.verdict import remaining as duration
from bot.policy import SETTING_OF, Risk, Role
from bot.policy.hours import parse_hours
from bot.watches.delivery import HELLO
from bot.watches.records import Happening, Sort, Watch, What

_MEANS = {
    What.MACHINES: "machines that are new",
    What.FAILURES: "machines that failed, with the cause, and machines that take longer than usual",
    What.IMAGES: "images and their import",
    What.HOST: "the region, its racks and services",
    What.GUIDE: "the next machine that appears",
}


@command("watch", risk=Risk.READ, example="/maas watch machines", admins=True)
async def watch(
    ctx: Context, what: Literal["machines", "failures", "images", "host"], /, *, quiet: str = ""
) -> Message:
    """Tell this channel by itself what happens. For admins.

    `machines` are those that are new, with buttons to rename and commission them; `failures` come with their cause,
    and with machines that take longer than usual; `images` and `host` are the region's own troubles. Many things at
    once come in one message. What happens in quiet hours is told when they end.

    Args:
        quiet: hours without a word, like "22:00-07:00 Europe/Berlin"
    """
    await _for_admins(ctx)
    channel = _channel(ctx)
    hours = _hours(quiet)
    kind = What(what)
    made = Watch(
        id=f"w-{secrets.token_hex(4)}",
        team_id=ctx.person.team_id,
        channel=channel,
        thread="",
        what=kind,
        region=ctx.region.name,
        quiet=hours,
        person_id=ctx.person.user_id,
        person_name=ctx.person.name,
        created_at=time.time(),
    )
    silent = f", but not {hours}" if hours else ""
    of = f"{_MEANS[kind]} in region {ctx.region.name}{silent}"
    text = f"From now on this channel is told of {of}. Set by {ctx.person.name}."
    hello = Happening(Sort.TOLD, HELLO, "Watch", text, Mark.OK, f"/maas unwatch {kind}", at=time.time())
    await ctx.watches.store.add(made, _entry(ctx, "watch.set", made), hello=hello)
    ctx.watches.tell_soon()
    return say(Mark.OK, f" I tell this channel of {of}. If I can't post here, I tell you.")


@command("watch list", risk=Risk.READ, example="/maas watch list")
async def watch_list(ctx: Context) -> Message:
    """List what the channels are told by themselves."""
    found = await ctx.watches.store.listed()
    here = [one for one in found if one.channel == ctx.origin.channel]
    elsewhere = [one for one in found if one.channel != ctx.origin.channel and one.what is not What.GUIDE]
    if not here and not elsewhere:
        return say(
            "Nothing is watched. ", Code("/maas watch failures"), " tells this channel of them; it is for admins."
        )
    parts: list[Part] = []
    if here:
        parts += [Paragraph([Bold("This channel is told of")]), Bullets([_line(one) for one in here])]
    if elsewhere:
        count = len({one.channel for one in elsewhere})
        told = f"{len(elsewhere)} more {'watch' if len(elsewhere) == 1 else 'watches'} in {count} other "
        parts.append(Note([f"{told}{'channel' if count == 1 else 'channels'}."]))
    parts.append(Note([Code("/maas unwatch WHAT"), " ends one; it is for admins."]))
    watches = "1 watch" if len(here) == 1 else f"{len(here)} watches"
    return Message(f"{watches} in this channel, {len(elsewhere)} in others.", tuple(parts))


@command("unwatch", risk=Risk.READ, example="/maas unwatch machines", admins=True)
async def unwatch(ctx: Context, what: Literal["machines", "failures", "images", "host", "all"], /) -> Message:
    """Tell this channel no more of it. For admins."""
    await _for_admins(ctx)
    channel = _channel(ctx)
    found = [
        one
        for one in await ctx.watches.store.listed()
        if one.channel == channel
        and one.what is not What.GUIDE
        and what in {"all", one.what.value}
        and (one.region == ctx.region.name or (what == "all" and not ctx.region_named))
    ]
    if not found:
        raise RefusalError(
            say("This channel is told nothing of that. ", Code("/maas watch list"), " shows what it is.")
        )
    for one in found:
        await ctx.watches.store.remove(one.id, _entry(ctx, "watch.removed", one))
    ended = ", ".join(f"{one.what} in region {one.region}" for one in found)
    return say(f"This channel is told no more of: {ended}.")


def _line(one: Watch) -> Text:
    quiet = f", not {one.quiet}" if one.quiet else ""
    until = f", for {duration(one.until - time.time())} more" if one.until is not None else ""
    return [
        Bold(one.what.value),
        f"  {_MEANS[one.what]}, in region {one.region}{quiet}{until}. Set by {one.person_name}.",
    ]


async def _for_admins(ctx: Context) -> None:
    standing = await ctx.policy.standing_of(ctx.person)
    if standing.has(Role.ADMIN) is None:
        doubt = f" Slack did not say who is in: {'; '.join(standing.unknown)}." if standing.unknown else ""
        raise RefusalError(
            say(
                f"Watches are set and ended by admins, and {SETTING_OF[Role.ADMIN]} does not name you.{doubt} ",
                Code("/maas watch list"),
                " shows them.",
            )
        )


def _channel(ctx: Context) -> str:
    if not ctx.origin.channel:
        raise RefusalError(say("A watch belongs to a channel: type it there."))
    return ctx.origin.channel


def _hours(text: str) -> str:
    if not text:
        return ""
    try:
        return str(parse_hours(text))
    except ValueError as error:
        raise RefusalError(say(f"Quiet hours: {error}.")) from None


def _entry(ctx: Context, kind: str, one: Watch) -> Entry:
    return Entry(
        kind=kind,
        person_id=ctx.person.user_id,
        person_name=ctx.person.name,
        team_id=ctx.person.team_id,
        channel=one.channel,
        region=one.region,
        words=ctx.words,
        details={"what": one.what.value, "quiet": one.quiet},
    )
