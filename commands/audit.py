"""The audit: who asked, who decided, what was done and what came of it."""

from __future__ import annotations

import shlex
import time
from datetime import UTC, datetime

from bot.audit import Health, Page, Query, Record, parse_since
from bot.audit.words import sentence, targets, who
from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Code,
    Link,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Span,
    Text,
    When,
    say,
)
from bot.policy import Risk

_PAGE = 15
#: Kinds whose sentence names the machines already.
_NAMING = frozenset({"operation.planned", "operation.step"})


@command("audit", risk=Risk.READ, example="/maas audit node-3 --since 7d")
async def audit(ctx: Context, *about: str, since: str = "", page: int = 1) -> Message:
    """Show who asked for what, who decided, what was done and what came of it, newest first.

    Name a machine, a person (a mention or their name) or an operation (`op-4k2f`); several narrow it down.

    Args:
        since: how far back, like 90m, 24h, 7d or 2026-01-31
        page: which page of 15
    """
    if not since and len(about) > 1 and about[-2].lower() == "since":
        about, since = about[:-2], about[-1]
    query = _query(about, since)
    page = max(1, page)
    found = await ctx.audit.search(query, limit=_PAGE, offset=(page - 1) * _PAGE)
    pages = (found.total + _PAGE - 1) // _PAGE
    if pages and page > pages:
        page = pages
        found = await ctx.audit.search(query, limit=_PAGE, offset=(page - 1) * _PAGE)
    health = ctx.audit.health
    narrowed = " ".join([*about, *(["since", since] if since else [])])
    subject: list[Span] = [Code(narrowed)] if narrowed else []
    if not found.records:
        spans = ["The audit has no record of ", *subject, "."] if subject else ["The audit has no record yet."]
        return Message("The audit has no such record.", (Paragraph(spans), *trouble(health)))
    title = "1 record" if found.total == 1 else f"{found.total} records"
    head: list[Span] = [Bold(title), "  ", *subject]
    if pages > 1:
        head.append(f"  page {page} of {pages}")
    parts: list[Part] = [Paragraph(head), *trouble(health), Bullets([_line(record) for record in found.records])]
    if pages > 1:
        parts.append(Buttons(_page_buttons(about, since, page, pages)))
    parts.append(_checked(found, health))
    state = "" if found.checked.whole and health.broken is None else " The audit is broken."
    return Message(f"{title} in the audit{f' of {narrowed}' if narrowed else ''}.{state}", tuple(parts))


def trouble(health: Health) -> list[Part]:
    """What is wrong with the audit itself, for the top of whatever shows it; nothing when all is well."""
    parts: list[Part] = []
    if health.broken is not None:
        parts.append(
            Paragraph(
                [
                    Mark.FAIL,
                    " ",
                    Bold("The audit is broken"),
                    f" at record {health.broken.seq}: {health.broken.reason}. Somebody changed the database past the "
                    "bot. ",
                    Code("maasbot audit verify"),
                    " on the bot's host checks all of it.",
                ]
            )
        )
    if health.mirror:
        parts.append(
            Paragraph(
                [Mark.WARN, f" The audit's file is {_records(health.behind)} behind: {health.mirror}. Nothing is lost."]
            )
        )
    return parts


def _query(about: tuple[str, ...], since: str) -> Query:
    try:
        return Query(about, parse_since(since, time.time()) if since else None)
    except ValueError as error:
        raise RefusalError(say("--since ", Code(since), f": {error}.")) from None


def _line(record: Record) -> Text:
    try:
        entry, moment = record.entry, record.moment
    except ValueError:
        return [Mark.FAIL, f" Record {record.seq} can't be read: somebody changed it."]
    spans: list[Span] = [When(moment), "  ", Bold(who(entry)), f" {sentence(entry)}"]
    if entry.subjects and entry.kind not in _NAMING:
        spans.append(f" ({targets(entry)})")
    if entry.operation_id:
        spans += ["  ", Code(entry.operation_id)]
    if entry.link.startswith("https://"):
        spans += ["  ", Link(entry.link, "message")]
    return spans


def _checked(found: Page, health: Health) -> Part:
    newest, oldest = found.records[0].seq, found.records[-1].seq
    shown = f"Record {newest} was" if newest == oldest else f"Records {oldest} to {newest} were"
    if not found.checked.whole and found.checked.broken is not None:
        return Paragraph([Mark.FAIL, f" The chain does not hold here: {found.checked.broken.reason}."])
    how = "checked just now: whole" if found.between else "checked one by one just now: none was changed"
    spans: list[Span] = [f"{shown} {how}."]
    if health.broken is None and health.verified_at is not None:
        moment = datetime.fromtimestamp(health.verified_at, UTC)
        spans += [f" All {health.records} records were found whole ", When(moment), "."]
    return Note(spans)


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _page_buttons(about: tuple[str, ...], since: str, page: int, pages: int) -> list[Button]:
    words = shlex.join(["audit", *about, *(["--since", since] if since else [])])
    buttons = []
    if page > 1:
        buttons.append(Button("Newer", "page.previous", f"{words} --page {page - 1}"))
    if page < pages:
        buttons.append(Button("Older", "page.next", f"{words} --page {page + 1}"))
    return buttons
