"""Logs of MAAS and of what it stands on, wherever this version keeps them: files of the snap, or the journal."""

from __future__ import annotations

import re

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.host.facts import LogArguments, LogLines, LogName, Logs, QueryName
from bot.message import Bold, Code, File, Log, Message, Note, Paragraph, Part, Span, say
from bot.policy import Risk
from bot.settings_fields import parse_duration
from commands.hosting import fitting, host

_MOST_LINES = 5000
#: Lines of this many are shown in the message; all of them are in the file.
_SHOWN = 40


@command("logs", risk=Risk.READ, example="/maas logs regiond --lines 100 --grep ERROR")
async def logs(ctx: Context, name: str = "", /, *, lines: int = 50, since: str = "", grep: str = "") -> Message:
    """Show the end of a log: maas, regiond, rackd, postgresql and others. Without a name: which there are.

    Secrets are taken out. Many lines come as a file where the question is a mention in a thread.

    Args:
        lines: how many at most, up to 5000
        since: how far back at most, like 90m, 24h or 7d
        grep: only lines with this text, letter by letter; /between slashes/ it is a regular expression
    """
    where = host(ctx)
    if not name:
        return await _which(ctx)
    if not 1 <= lines <= _MOST_LINES:
        raise RefusalError(say(f"--lines takes a number from 1 to {_MOST_LINES}."))
    pattern, regex = _pattern(grep)
    arguments = LogArguments(
        name=fitting(name.lower().removesuffix(".log"), LogName, "name of a log", "regiond"),
        lines=lines,
        since=_seconds(since) if since else None,
        grep=pattern or None,
        regex=regex,
    )
    found = await where.helper.query(QueryName.LOG, LogLines, arguments)
    return _shown(ctx, found, arguments, since)


async def _which(ctx: Context) -> Message:
    found = await host(ctx).helper.query(QueryName.LOGS, Logs)
    names = ", ".join(one.name for one in found.logs)
    title = f"Logs on {host(ctx).name}: {names or 'none'}."
    return Message(title, (Paragraph([title]), Note([Code("/maas logs NAME"), " shows the end of one."])))


def _shown(ctx: Context, found: LogLines, arguments: LogArguments, since: str) -> Message:
    narrowed = "".join(
        [f" with {arguments.grep!r}" if arguments.grep else "", f" of the last {since}" if since else ""]
    )
    count = len(found.lines)
    if not count:
        return say("No line ", f"in {found.name}{narrowed} on {host(ctx).name}.")
    title = f"{'The last ' if found.cut else ''}{count} {'lines' if count > 1 else 'line'} of {found.name}{narrowed}"
    shown = found.lines[-_SHOWN:]
    parts: list[Part] = [Paragraph([Bold(title)]), Log(f"{found.name} ({found.source})", "\n".join(shown))]
    files: tuple[File, ...] = ()
    if count > len(shown):
        files = (File(f"{found.name}.log", title, "\n".join(found.lines)),)
        hint: list[Span] = [f"{len(shown)} of {count} lines here. All of them as a file: mention me in a thread, "]
        parts.append(Note([*hint, Code(f"@maas {ctx.words}"), "."]))
    return Message(f"{title}.", tuple(parts), files)


def _pattern(grep: str) -> tuple[str, bool]:
    """The text to look for, and whether it is an expression. Raises RefusalError."""
    if not grep:
        return "", False
    if any(ord(character) < 32 for character in grep) or len(grep) > 200:
        raise RefusalError(say("--grep takes one line of at most 200 characters."))
    if len(grep) < 3 or not (grep.startswith("/") and grep.endswith("/")):
        return grep, False
    try:
        re.compile(grep[1:-1])
    except re.error as error:
        raise RefusalError(say(Code(grep), f" is no regular expression: {error}.")) from None
    return grep[1:-1], True


def _seconds(since: str) -> int:
    try:
        seconds = int(parse_duration(since).total_seconds())
    except ValueError as error:
        raise RefusalError(say("--since ", Code(since[:40]), f": {error}.")) from None
    if seconds > 31 * 86_400:
        raise RefusalError(say("--since goes back 31 days at most."))
    return seconds
