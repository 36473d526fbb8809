"""How what a watch tells looks. Pure; knows no Slack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.maas.causes import Cause
from bot.maas.models import Machine, MachineStatus
from bot.maas.selection import natural_key
from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Code,
    File,
    Link,
    Log,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Span,
    Text,
    When,
)
from bot.operations.machine_facts import switchable
from bot.operations.records import Operation
from bot.watches.records import Happening, Notice

IGNORE = "watch.ignore"

#: Names in one line, and lines in one digest.
_NAMES, _LINES = 12, 10


def appeared(notice: Notice, machine: Machine | None, buttons: Sequence[Button]) -> Message:
    """A machine that is new in MAAS."""
    happening = notice.happening
    name = machine.name if machine is not None else happening.name
    was = f" (it appeared as {happening.name})" if name != happening.name else ""
    head: list[Span] = [Mark.IDLE, " ", Code(name), f" appeared in MAAS{was}.", *_mentioned(happening)]
    parts: list[Part] = [Paragraph(head)]
    if machine is None:
        parts.append(Paragraph(["It is gone again."]))
    else:
        parts.append(Paragraph([_what_it_is(machine)]))
    parts += _end(notice, buttons)
    return Message(f"{name} appeared in MAAS{was}.", tuple(parts))


def _what_it_is(machine: Machine) -> str:
    mac = f", boots from {machine.boot_mac}" if machine.boot_mac else ""
    told = f"{machine.status_name}, {machine.architecture or 'architecture unknown'}{mac}."
    if machine.status is MachineStatus.NEW:
        told += " Commissioning takes stock of its hardware and makes it Ready."
    if switchable(machine):
        return f"{told} Power: {machine.power_type}, {machine.power_state}."
    return f"{told} Power: manual, so somebody has to press its button when MAAS wants it on."


def failed(
    notice: Notice,
    machine: Machine | None,
    cause: Cause | None,
    operation: Operation | None,
    buttons: Sequence[Button],
) -> Message:
    """A machine that failed, with the cause in the first line."""
    happening = notice.happening
    name = machine.name if machine is not None else happening.name
    why = cause.summary if cause is not None else "the cause could not be read; machine shows it."
    parts: list[Part] = [Paragraph([Mark.FAIL, " ", Code(name), f"  {happening.text}: {why}"])]
    if cause is not None and cause.tail:
        parts.append(Log(cause.script or "output", cause.tail))
    if machine is not None and machine.status_name != happening.text:
        parts.append(Paragraph([f"It is {machine.status_name} by now."]))
    if operation is not None:
        parts.append(Paragraph(["In ", _operation(operation), f", asked for by {operation.requester_name}."]))
    parts += _end(notice, buttons)
    script = (cause.script if cause is not None else None) or "events"
    log = cause.log if cause is not None else None
    files = (File(f"{name}-{script.replace('/', '-')}.log", f"{name}: {script}", log),) if log else ()
    return Message(f"{name} {happening.text}: {why}", tuple(parts), files)


def stuck(notice: Notice, machine: Machine | None, buttons: Sequence[Button]) -> Message:
    """A machine that takes longer than usual."""
    happening = notice.happening
    name = machine.name if machine is not None else happening.name
    parts: list[Part] = [Paragraph([Mark.WARN, " ", Code(name), f" has been {happening.text}."])]
    if machine is not None and machine.status_message:
        parts.append(Paragraph([f"MAAS's last word: {machine.status_message}."]))
    parts += _end(notice, buttons)
    return Message(f"{name} has been {happening.text}.", tuple(parts))


def told(notice: Notice) -> Message:
    """Anything whose text is all there is to it."""
    happening = notice.happening
    parts: list[Part] = [Paragraph([happening.mark, f" {happening.text}"])]
    if happening.remedy:
        parts.append(Note(["More: ", Code(happening.remedy)]))
    return Message(happening.text, tuple(parts))


def digest(notices: Sequence[Notice], causes: Mapping[str, Cause], buttons: Sequence[Button]) -> Message:
    """Many things of one sort in one message: nothing is left out, what is alike stands in one line.

    Args:
        notices: what is told, oldest first.
        causes: why machines failed, by system id, as far as they are known.
        buttons: for all of them together.
    """
    first = notices[0].happening
    count = len(notices)
    head = {
        "appeared": f"{count} machines appeared in MAAS",
        "failed": f"{count} machines failed",
        "stuck": f"{count} machines take longer than usual",
        "told": f"{count} things happened",
    }[first.sort.value]
    since = datetime.fromtimestamp(notices[0].at, UTC)
    people = tuple(dict.fromkeys(person for one in notices for person in one.happening.mentions))
    spans: list[Span] = [_worst(notices), " ", Bold(head), " since ", When(since), "."]
    spans += [span for person in people for span in (" ", Person(person))]
    parts: list[Part] = [Paragraph(spans), Bullets(_lines(notices, causes))]
    parts += _end(notices[0], buttons)
    # Names that do not fit are not lost: the whole list goes into the thread.
    whole = _whole(notices, causes) if count > _NAMES else ""
    files = (File(f"{first.sort.value}.txt", head, whole),) if whole else ()
    return Message(f"{head}.", tuple(parts), files)


def _whole(notices: Sequence[Notice], causes: Mapping[str, Cause]) -> str:
    lines = []
    for one in sorted(notices, key=lambda one: natural_key(one.happening.name)):
        cause = causes.get(one.happening.subject)
        why = f": {cause.summary}" if cause is not None else ""
        lines.append(f"{one.happening.name}  {one.happening.text}{why}")
    return "\n".join(lines) + "\n"


def _lines(notices: Sequence[Notice], causes: Mapping[str, Cause]) -> list[Text]:
    if notices[0].happening.sort.value == "told":
        return [[one.happening.mark, f" {one.happening.text}"] for one in notices]
    alike: dict[str, list[str]] = defaultdict(list)
    for one in notices:
        cause = causes.get(one.happening.subject)
        said = one.happening.text + (f": {_without_name(cause.summary, one)}" if cause is not None else "")
        alike[said].append(one.happening.name)
    for names in alike.values():
        names.sort(key=natural_key)
    ordered = sorted(alike.items(), key=lambda item: -len(item[1]))
    lines: list[Text] = []
    for said, names in ordered[:_LINES]:
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        number = f"{len(names)} × " if len(names) > 1 else ""
        lines.append([f"{number}{said.rstrip('.')}: ", Code(", ".join(names[:_NAMES])), more])
    rest = [name for _, names in ordered[_LINES:] for name in names]
    if rest:
        more = f" and {len(rest) - _NAMES} more" if len(rest) > _NAMES else ""
        lines.append([f"{len(rest)} others: ", Code(", ".join(rest[:_NAMES])), more])
    return lines


def _without_name(summary: str, notice: Notice) -> str:
    """MAAS writes the machine's name into its words, which would make every line another."""
    return summary.replace(f"node {notice.happening.name}", "the node")


def _worst(notices: Sequence[Notice]) -> Mark:
    marks = {one.happening.mark for one in notices}
    return next((mark for mark in (Mark.FAIL, Mark.WARN, Mark.OK) if mark in marks), Mark.IDLE)


def _mentioned(happening: Happening) -> list[Span]:
    spans: list[Span] = []
    for person in happening.mentions:
        spans += [" ", Person(person)]
    return [*spans, ": this is what you waited for."] if spans else []


def _end(notice: Notice, buttons: Sequence[Button]) -> list[Part]:
    if notice.settled:
        return [Note([notice.settled])]
    return [Buttons(buttons)] if buttons else []


def _operation(operation: Operation) -> Span:
    return Link(operation.link, operation.id) if operation.link else Code(operation.id)
