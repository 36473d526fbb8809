"""What happened in a week: work done, why it failed, and how the fleet's states went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.history import Failures, KindOutcome, Outcomes, Sample
from bot.message import Bold, Bullets, Chart, Code, File, Message, Note, Paragraph, Part, Span, Table, Text, say
from bot.operations.verdict import remaining as duration
from bot.people import Door
from bot.picture import draw
from bot.policy import Risk

_MOST_DAYS = 90
_CAUSES, _NAMES = 8, 5
#: Hours between two moments of the chart; the first that gives few enough.
_STEPS = (0.25, 1, 3, 6, 12, 24, 48, 168)
_MOMENTS = 15
#: MAAS's many states under the words that matter over weeks, in the order of a machine's life; the rest is "Other".
_GROUPS = (
    ("New", ("New",)),
    ("Commissioning", ("Commissioning", "Testing", "Entering rescue mode", "Rescue mode", "Exiting rescue mode")),
    ("Ready", ("Ready",)),
    ("Allocated", ("Allocated", "Reserved")),
    ("Deploying", ("Deploying",)),
    ("Deployed", ("Deployed",)),
    ("Releasing", ("Releasing", "Disk erasing")),
    ("Failed", ("Failed",)),
    ("Broken", ("Broken",)),
)


@command("report", risk=Risk.READ, example="/maas report --days 7")
async def report(ctx: Context, *, days: int = 7) -> Message:
    """Report on a week: work done with its mean times, failures by cause, machines by state over time.

    It counts what was done through this bot. MAAS keeps no history of states; the bot's begins when it first ran.

    Args:
        days: how many days back, 1 to 90
    """
    if not 1 <= days <= _MOST_DAYS:
        raise RefusalError(say(f"A report is over 1 to {_MOST_DAYS} days, not {days}. For example ",
                               Code("/maas report --days 7"), "."))  # fmt: skip
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    region = ctx.region.name
    found = await ctx.history.outcomes(region, since, until)
    samples = await ctx.history.between(region, since, until)
    span = "1 day" if days == 1 else f"{days} days"
    head = f"{region}, the {span} to {until:%Y-%m-%d %H:%M} UTC"
    parts: list[Part] = [Paragraph([Bold(head)]), *work_parts(found)]
    chart = chart_of(samples, f"Machines by state, {region}")
    parts += [chart] if chart is not None else []
    parts.append(Note(_small_print(samples, chart, ctx)))
    files: tuple[File, ...] = ()
    if chart is not None and ctx.origin.door is Door.MENTION:
        picture = await asyncio.to_thread(draw, chart)
        files = (File(f"states-{region}-{until:%Y-%m-%d}.png", f"{chart.title}, {span}", "", picture),)
    return Message(f"{head}: {in_words(found)}", tuple(parts), files)


def in_words(found: Outcomes) -> str:
    """All that was done, in a sentence."""
    if not found.kinds:
        return "nothing was done through me."
    told = [f"{one.kind} {one.good} done" + (f", {one.failed} failed" if one.failed else "") for one in found.kinds[:4]]
    return "; ".join(told) + ("; and more." if len(found.kinds) > 4 else ".")


def work_parts(found: Outcomes) -> list[Part]:
    """The table of what was done, and the causes of what failed, the most frequent first."""
    if not found.kinds:
        return [Paragraph(["Nothing was done through me."])]
    parts: list[Part] = [
        Table(("Work", "Counted", "Done", "Failed", "Stopped", "Mean time"), [_row(one) for one in found.kinds])
    ]
    if found.failures:
        shown = [_failure(one) for one in found.failures[:_CAUSES]]
        more = sum(one.count for one in found.failures[_CAUSES:])
        if more:
            shown.append([f"and {more} more, each of a cause of its own or nearly so"])
        parts += [Paragraph([Bold("Why it failed")]), Bullets(shown)]
    return parts


def chart_of(samples: Sequence[Sample], title: str) -> Chart | None:
    """Machines by state at evenly spaced moments; None when there are not even two."""
    if not samples:
        return None
    begin, end = samples[0].at, samples[-1].at
    hours = next((one for one in _STEPS if (end - begin) / timedelta(hours=one) <= _MOMENTS), _STEPS[-1])
    step = timedelta(hours=hours)
    chosen: dict[int, Sample] = {}
    for sample in samples:
        chosen.setdefault(int((sample.at - begin) / step), sample)
    chosen[max(chosen)] = samples[-1]  # the chart ends with how it is now
    if len(chosen) < 2:
        return None
    moments = [_moment(sample.at, step) for sample in chosen.values()]
    counts = [_grouped(sample) for sample in chosen.values()]
    names = [name for name, _ in (*_GROUPS, ("Other", ())) if any(one.get(name) for one in counts)]
    return Chart(title, moments, [(name, [float(one.get(name, 0)) for one in counts]) for name in names])


def _moment(at: datetime, step: timedelta) -> str:
    """As short as can be without two alike: chart labels have little room."""
    if step >= timedelta(days=1):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if step <= timedelta(hours=1) else f"{at.day} {at:%b %H}h"


def _grouped(sample: Sample) -> dict[str, int]:
    grouped: dict[str, int] = {}
    for state, count in sample.counts.items():
        name = next((name for name, starts in _GROUPS if state.startswith(starts)), "Other")
        grouped[name] = grouped.get(name, 0) + count
    return grouped


def _row(one: KindOutcome) -> tuple[str, ...]:
    took = duration(one.seconds) if one.seconds is not None else "–"
    counted = "operations" if one.in_steps else "machines"
    return (one.kind, counted, str(one.good), str(one.failed), str(one.stopped), took)


def _failure(one: Failures) -> Text:
    names = ", ".join(one.names[:_NAMES]) + (f" and {len(one.names) - _NAMES} more" if len(one.names) > _NAMES else "")
    return [Bold(f"{one.count} × "), f"{one.kind}: {one.cause.rstrip('.')} (", Code(names), ")"]


def _small_print(samples: Sequence[Sample], chart: Chart | None, ctx: Context) -> list[Span]:
    spans: list[Span] = ["Counted is what was done through this bot. "]
    if chart is None:
        spans.append("States are noted every 15 minutes; there are not enough of them yet for a chart.")
    else:
        spans.append(f"States as noted since {samples[0].at:%Y-%m-%d %H:%M}, times in UTC.")
        if ctx.origin.door is not Door.MENTION:
            spans += [" ", Code("@maas report"), " in a channel gives the chart as a picture too."]
    return spans
