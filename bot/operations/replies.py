"""What is said below an operation's message, where it notifies people. Pure; knows no Slack."""

from __future__ import annotations

from collections.abc import Sequence

from bot.message import Bold, Button, Buttons, Code, File, Log, Mark, Message, Note, Paragraph, Part, Person, Span
from bot.operations.kinds import Kind
from bot.operations.records import Operation, OperationState, TargetRow
from bot.operations.verdict import remaining as duration

NOT_CONFIRMED = "It was not confirmed within 15 minutes. Nothing was done."
_LOG_LINES = 30


def failure(operation: Operation, row: TargetRow, buttons: Sequence[Button] = (), log: str = "") -> Message:
    """The reply for one target that failed: the cause in its first line, the script's tail below it, the log as a file.

    Args:
        operation: what it is a part of.
        row: the target.
        buttons: next steps that fit the machine and whoever asked.
        log: everything that is known, for the file.
    """
    cause = row.cause
    summary = cause.summary if cause is not None else "No cause is known."
    parts: list[Part] = [
        Paragraph([Mark.FAIL, " ", Code(row.name), f"  {row.label}: ", summary]),
    ]
    if cause is not None and cause.tail:
        parts.append(Log(cause.script or "output", cause.tail))
    if buttons:
        parts.append(Buttons(buttons))
    words = Code(f"/maas retry {operation.id}")
    more: list[Span] = [] if operation.plan.in_steps else ["More: ", Code(f"/maas machine {row.name}"), "  "]
    parts.append(Note([*more, "When it has ended: ", words]))
    log = log or (cause.log if cause is not None else "")
    script = (cause.script if cause is not None else "") or "events"
    name = f"{row.name}-{script.replace('/', '-').removesuffix('.log')}.log"
    files = (File(name, f"{row.name}: {script}", log),) if log else ()
    return Message(f"{row.name} {row.label}: {summary}", tuple(parts), files)


def farewell(operation: Operation, kind: Kind) -> Message:
    """The last reply: it notifies whoever asked, which an edited message does not."""
    good = operation.state is OperationState.DONE
    took = duration((operation.ended_at or 0) - (operation.started_at or operation.created_at))
    cancelled = operation.state is OperationState.CANCELLED
    what = f"was cancelled after {took}" if cancelled else f"ended in {took}"
    text: list[Span] = [
        Mark.OK if good else Mark.WARN if cancelled else Mark.FAIL,
        " ",
        Person(operation.requester_id),
        f" {kind.participle.lower()} {subject(operation)} {what}: {operation.outcome}.",
    ]
    summary = f"{kind.participle} {subject(operation)} {what}: {operation.outcome}. {operation.id}"
    return Message(summary, (Paragraph(text),))


def subject(operation: Operation) -> str:
    """What it works on: the one machine's name, or how many there are; of work in steps what that is about."""
    if operation.plan.in_steps:
        return operation.plan.subject
    count = len(operation.targets)
    return operation.targets[0].name if count == 1 else f"{count} machines"


def told(operation: Operation) -> Message | None:
    """A reply that notifies whoever asked, where something has come to them without their doing; None where nothing."""
    what, after = operation.plan.title, operation.outcome
    match operation.state:
        case OperationState.PLANNED if operation.its_turn:
            said = f"{what}: its turn has come. Look at the plan above; it expires in 15 minutes."
            mark = Mark.WARN
        case OperationState.DENIED:
            said, mark = f"{what} was denied. {denial(operation)}", Mark.FAIL
        case OperationState.EXPIRED:
            said, mark = f"{what} has expired. {after or NOT_CONFIRMED}", Mark.IDLE
        case OperationState.VOID:
            said, mark = f"{what} is void. {after}", Mark.WARN
        case _:
            return None
    spans: list[Span] = [mark, " ", Person(operation.requester_id), f" {said}"]
    return Message(f"{said} {operation.id}", (Paragraph(spans),))


def log(operation: Operation, text: str) -> Message:
    """The last lines of what an operation's programs say, for who wants to see them."""
    title = f"{operation.plan.title}, {operation.id}"
    if not text:
        return Message(f"{title}: no log.", (Paragraph([f"{title}: nothing runs just now that has a log."]),))
    lines = text.rstrip().splitlines()[-_LOG_LINES:]
    return Message(f"{title}: the last lines.", (Paragraph([Bold(title)]), Log("the last lines", "\n".join(lines))))


def denial(operation: Operation) -> str:
    """Who denied it and why, in a sentence, and that nothing was done."""
    denial = next((one for one in operation.decisions if not one.approved), None)
    if denial is None:
        return "Nothing was done."
    end = "" if denial.reason.rstrip().endswith((".", "!", "?")) else "."
    return f"{denial.person_name}: {denial.reason.rstrip()}{end} Nothing was done."
