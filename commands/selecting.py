"""From what people type to machines, with an answer that helps when it fits none."""

from __future__ import annotations

from collections.abc import Sequence

from bot.command.context import Context, RefusalError
from bot.maas.models import Machine
from bot.maas.selection import Selection
from bot.maas.selectors import select as resolve
from bot.message import Bullets, Code, Message, Note, Paragraph, Part, Span, Text


async def select(ctx: Context, terms: Sequence[str]) -> tuple[Machine, ...]:
    """The machines that `terms` name, over the fleet view.

    Raises:
        RefusalError: a term names nothing, or more than one thing; it says what is near or what it matched.
    """
    if not terms:
        raise RefusalError(_naming_none())
    selection = resolve(ctx.region.fleet.machines(), terms)
    if selection.unknown or selection.ambiguous or not selection.machines:
        raise RefusalError(_unclear(ctx, selection))
    return selection.machines


def _naming_none() -> Message:
    spans: list[Span] = [
        "Which machines? Names, system ids, patterns or ",
        Code("status:new"),
        ", ",
        Code("tag:x"),
        ", ",
        Code("pool:x"),
        ".",
    ]
    return Message("Which machines?", (Paragraph(spans),))


def _unclear(ctx: Context, selection: Selection) -> Message:
    lines: list[Text] = []
    for one in selection.unknown:
        spans: list[Span] = [Code(one.term), " matches no machine."]
        for at, suggestion in enumerate(one.suggestions[:4]):
            spans += [" Did you mean " if at == 0 else ", ", Code(suggestion)]
        lines.append([*spans, "?"] if one.suggestions else spans)
    for several in selection.ambiguous:
        names = ", ".join(
            f"{machine.name} (id:{machine.system_id}, {machine.status_name})" for machine in several.machines[:6]
        )
        lines.append([Code(several.term), f" could be any of {names}. Write the one that you mean as id:…"])
    lines += [[Code(term), " holds for no machine now."] for term in selection.empty]
    parts: list[Part] = [Bullets(lines)] if len(lines) > 1 else [Paragraph(lines[0])]
    status = ctx.region.fleet.status
    if status.filled_at is None:
        known = f"{status.count} of {status.expected}" if status.expected is not None else str(status.count)
        parts.append(Note([f"I am still reading the machines: {known} known so far. It may be among the others."]))
    summary = " ".join(
        "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in line) for line in lines
    )
    return Message(summary, tuple(parts))
