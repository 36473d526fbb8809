"""How an operation looks: its root message in every state, and its line in a list. Pure; knows no Slack."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.message import (
    Bold,
    Button,
    Buttons,
    Code,
    Link,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Span,
    Style,
    Task,
    Tasks,
    TaskState,
    Text,
    When,
)
from bot.operations.aftermath import again, not_begun
from bot.operations.kinds import Kind
from bot.operations.plan_view import plan_parts, usual_parts
from bot.operations.records import Operation, OperationState, TargetRow, TargetState
from bot.operations.replies import NOT_CONFIRMED, denial, subject
from bot.operations.verdict import remaining as duration
from bot.policy import Risk

CONFIRM, WITHDRAW, CANCEL = "operation.confirm", "operation.withdraw", "operation.cancel"
#: Shows the last lines of what runs.
LOG = "operation.log"
#: Opens the form that asks for an approval, and the one for break-glass.
ASK, BREAK_GLASS = "ask.approval", "ask.break_glass"

_TASK_STATES = {
    TargetState.WAITING: TaskState.PENDING,
    TargetState.ASKING: TaskState.RUNNING,
    TargetState.ASKED: TaskState.RUNNING,
    TargetState.DONE: TaskState.DONE,
    TargetState.FAILED: TaskState.FAILED,
    TargetState.STOPPED: TaskState.FAILED,
    TargetState.UNTOUCHED: TaskState.PENDING,
}
#: With more rows than a message takes, those that a person has to look at come first.
_ATTENTION = [
    TargetState.FAILED, TargetState.STOPPED, TargetState.ASKED, TargetState.ASKING,
    TargetState.WAITING, TargetState.UNTOUCHED, TargetState.DONE,
]  # fmt: skip
_ROWS = 50


def root(operation: Operation, kind: Kind, usual: timedelta | None = None, *, glass: bool = False) -> Message:
    """The one message that is edited in place from the plan to the outcome.

    Args:
        operation: in its present state.
        kind: its kind, for the words.
        usual: how long it took lately for one target.
        glass: whether anybody may break the glass; without it there is no button for it.
    """
    match operation.state:
        case OperationState.PLANNED:
            return _planned(operation, usual, glass=glass)
        case OperationState.AWAITING:
            return _awaiting(operation, usual, glass=glass)
        case OperationState.QUEUED if operation.queued_behind is not None:
            return _in_line(operation)
        case OperationState.QUEUED | OperationState.RUNNING | OperationState.CANCELLING:
            return _under_way(operation, kind)
        case OperationState.DONE | OperationState.FAILED | OperationState.CANCELLED:
            return _ended(operation, kind)
        case _:
            return _dropped(operation)


def copy(operation: Operation) -> Message:
    """In place of a second message of an operation, which nobody keeps true."""
    text = f"This is a second copy of {operation.id} ({operation.plan.title}). It goes on in the other one"
    link: list[Span] = [" ", Link(operation.link, "there"), "."] if operation.link else ["."]
    return Message(f"{text}.", (Paragraph([text, *link]),))


def _planned(operation: Operation, usual: timedelta | None, *, glass: bool) -> Message:
    plan = operation.plan
    summary = f"{plan.title}? {operation.id}, asked by {operation.requester_name}: waiting for confirmation."
    parts: list[Part] = [Paragraph([Mark.WARN, " ", Bold(f"{plan.title}?"), "  ", Code(operation.id)])]
    if operation.its_turn:
        parts.append(Paragraph(["Its turn has come. This is the plan as it is now."]))
    parts += [*plan_parts(plan), *usual_parts(plan, usual)]
    value = f"{operation.id}:{operation.nonce}"
    if operation.queued_behind is not None:
        behind = Code(operation.queued_behind)
        then = "The plan is made anew then, and needs its yes then."
        parts.append(Paragraph([Mark.BUSY, " It waits until ", behind, f" has ended. {then}"]))
        buttons = [Button("Queue it", CONFIRM, value, Style.PRIMARY)]
        who = " can queue it. The plan expires in 15 minutes."
    elif plan.risk is Risk.CHANGE:
        label = plan.title if len(plan.title) <= 40 else "Confirm"
        buttons = [Button(label, CONFIRM, value, Style.PRIMARY)]
        who = " can confirm. The plan expires in 15 minutes."
    else:
        buttons = [Button("Ask for approval", ASK, value, Style.DANGER)]
        who = " can ask; another person approves. The plan expires in 15 minutes."
        buttons += [Button("Break glass", BREAK_GLASS, value)] if glass else []
    parts.append(Buttons([*buttons, Button("Withdraw", WITHDRAW, value)]))
    parts.append(Note(["Only ", Person(operation.requester_id), who]))
    return Message(summary, tuple(parts))


def _awaiting(operation: Operation, usual: timedelta | None, *, glass: bool) -> Message:
    title = operation.plan.title
    summary = f"{title}: waiting for approval. {operation.id}, asked by {operation.requester_name}."
    value = f"{operation.id}:{operation.nonce}"
    given = [one.person_name for one in operation.decisions if one.approved]
    count = f" {len(given)} of {operation.needed} approved ({', '.join(given)})." if given else ""
    parts: list[Part] = [
        Paragraph([Mark.BUSY, " ", Bold(title), "  ", Code(operation.id)]),
        Paragraph([f"Waiting for approval.{count} Nothing has been done yet."]),
        Paragraph([Bold("Reason: "), operation.reason]),
    ]
    parts += [*plan_parts(operation.plan), *usual_parts(operation.plan, usual)]
    buttons = [Button("Withdraw", WITHDRAW, value)]
    buttons += [Button("Break glass", BREAK_GLASS, value)] if glass else []
    parts.append(Buttons(buttons))
    if operation.expires_at is not None:
        parts.append(Note(["Expires ", When(datetime.fromtimestamp(operation.expires_at, UTC)), "."]))
    return Message(summary, tuple(parts))


def _in_line(operation: Operation) -> Message:
    title, holder = operation.plan.title, operation.queued_behind or ""
    value = f"{operation.id}:{operation.nonce}"
    then = "It begins then, if its plan still fits." if operation.agreed else "Its plan is made anew then."
    parts: list[Part] = [
        Paragraph([Mark.BUSY, " ", Bold(f"{title}: in line"), "  ", Code(operation.id)]),
        Paragraph(["It waits until ", Code(holder), f" has ended. {then} Nothing has been done yet."]),
        _tasks(operation, title),
        Buttons([Button("Cancel", CANCEL, value, Style.DANGER)]),
        Note(_who_when(operation)),
    ]
    return Message(f"{title}: in line behind {holder}. {operation.id}", tuple(parts))


def _under_way(operation: Operation, kind: Kind) -> Message:
    whole = subject(operation)
    done, failed = operation.count(TargetState.DONE), operation.count(TargetState.FAILED)
    total = len(operation.targets)
    progress = f"{done} of {total} done" + (f", {failed} failed" if failed else "")
    cancelling = operation.state is OperationState.CANCELLING
    title = f"{'Stopping: ' if cancelling else ''}{kind.participle} {whole}"
    summary = f"{title}: {progress}. {operation.id}"
    head: list[Span] = [Mark.BUSY, " ", Bold(title), "  ", Code(operation.id)]
    if total > 1:
        head += [f"  {progress}"]
    parts: list[Part] = [Paragraph(head), _tasks(operation, title)]
    if operation.waits_for:
        parts.append(Paragraph([Mark.WARN, f" {operation.waits_for}."]))
    value = f"{operation.id}:{operation.nonce}"
    buttons = [Button("Log", LOG, value)] if kind.has_log else []
    if not cancelling:
        buttons.append(Button("Cancel", CANCEL, value, Style.DANGER))
    if buttons:
        parts.append(Buttons(buttons))
    parts.append(Note(_who_when(operation)))
    return Message(summary, tuple(parts))


def _ended(operation: Operation, kind: Kind) -> Message:
    good = operation.state is OperationState.DONE
    took = duration((operation.ended_at or 0) - (operation.started_at or operation.created_at))
    whole = subject(operation)
    title = {
        OperationState.DONE: f"{kind.past} {whole}",
        OperationState.FAILED: f"{kind.participle} {whole} failed",
        OperationState.CANCELLED: f"{kind.participle} {whole} was cancelled",
    }[operation.state]
    if operation.state is OperationState.FAILED and operation.count(TargetState.DONE) and not operation.plan.in_steps:
        title = f"{kind.past} {operation.count(TargetState.DONE)} of {len(operation.targets)} machines"
    summary = f"{title}: {operation.outcome}, in {took}. {operation.id}"
    mark = Mark.OK if good else Mark.FAIL if operation.state is OperationState.FAILED else Mark.WARN
    parts: list[Part] = [
        Paragraph([mark, " ", Bold(title), f" in {took}  ", Code(operation.id)]),
        Paragraph([operation.outcome + "."]),
        _tasks(operation, title),
    ]
    if operation.state is OperationState.CANCELLED:
        parts.append(Paragraph(_what_was_left(operation)))
    elif (halted := not_begun(operation)) is not None:
        parts.append(Paragraph(halted))
    if buttons := again(operation):
        parts.append(Buttons(buttons))
    parts.append(Note(_who_when(operation)))
    return Message(summary, tuple(parts))


def _dropped(operation: Operation) -> Message:
    title, after = {
        OperationState.VOID: ("is void", operation.outcome),
        OperationState.EXPIRED: ("has expired", operation.outcome or NOT_CONFIRMED),
        OperationState.WITHDRAWN: ("was withdrawn", "Nothing was done."),
        OperationState.DENIED: ("was denied", denial(operation)),
    }[operation.state]
    parts: list[Part] = [
        Paragraph([Mark.IDLE, " ", f"{operation.plan.title} {title}.  ", Code(operation.id)]),
        Paragraph([after]),
    ]
    if operation.state is OperationState.VOID:
        look = "Look at what changed" if operation.plan.in_steps else "Look at the machines"
        parts.append(Paragraph([f"{look} and ask again: ", Code(f"/maas {operation.words}")]))
    parts.append(Note(["Asked by ", operation.requester_name, "."]))
    return Message(f"{operation.plan.title} {title}. {after} {operation.id}", tuple(parts))


def _tasks(operation: Operation, title: str) -> Tasks:
    rows: Sequence[TargetRow] = operation.targets
    if len(rows) > _ROWS:
        rows = sorted(rows, key=lambda row: (_ATTENTION.index(row.state), row.seq))
    tasks = [Task(row.key, _row_title(operation, row), _TASK_STATES[row.state], row.detail) for row in rows]
    return Tasks(title, tasks, total=len(operation.targets))


def _row_title(operation: Operation, row: TargetRow) -> str:
    asking = "under way" if operation.plan.in_steps else "asking MAAS"
    state = {TargetState.WAITING: "waiting", TargetState.ASKING: asking}.get(row.state, row.label)
    took = f", {duration(row.ended_at - row.asked_at)}" if row.ended_at and row.asked_at else ""
    return f"{row.name}: {state}{took}"


def _who_when(operation: Operation) -> list[Span]:
    spans: list[Span] = ["Asked by ", operation.requester_name]
    approved = ", ".join(one.person_name for one in operation.decisions if one.approved)
    if operation.broke_glass:
        spans.append(" with break-glass, without an approval")
    elif approved:
        spans.append(f", approved by {approved}")
    if operation.confirmed_at is not None:
        spans += [" " if approved else ", confirmed ", When(datetime.fromtimestamp(operation.confirmed_at, UTC))]
    if operation.state.ended and operation.ended_at is not None:
        spans += [", ended ", When(datetime.fromtimestamp(operation.ended_at, UTC))]
    return spans


def _what_was_left(operation: Operation) -> Text:
    untouched = [row.name for row in operation.targets if row.state is TargetState.UNTOUCHED]
    stopped = [f"{row.name} ({row.label})" for row in operation.targets if row.state is TargetState.STOPPED]
    spans: list[Span] = []
    if operation.cancelled_by:
        spans += ["Cancelled by ", Person(operation.cancelled_by), ". "]
    in_steps = operation.plan.in_steps
    if stopped:
        spans.append(f"{'Stopped' if in_steps else 'Aborted in MAAS'}: {', '.join(stopped[:20])}. ")
    if untouched:
        more = "…" if len(untouched) > 20 else ""
        spans.append(f"{'Not begun' if in_steps else 'Not touched'}: {', '.join(untouched[:20])}{more}.")
    return spans


def line(operation: Operation) -> Text:
    """One line of a list of operations."""
    mark = {
        OperationState.DONE: Mark.OK,
        OperationState.FAILED: Mark.FAIL,
        OperationState.PLANNED: Mark.WARN,
    }.get(operation.state, Mark.BUSY if operation.state.under_way else Mark.IDLE)
    asked = When(datetime.fromtimestamp(operation.created_at, UTC))
    said = (operation.outcome or operation.waits_for).rstrip(".")
    tail = f": {said}" if said else ""
    return [
        mark,
        " ",
        Code(operation.id),
        f"  {operation.plan.title}, {operation.state}{tail}. {operation.requester_name}, ",
        asked,
        *([f". {unshown(operation)}"] if operation.unshown else []),
    ]


def unshown(operation: Operation) -> str:
    """That its thread can't be kept, and why, in a sentence."""
    return f"Its thread can't be kept up to date: {operation.unshown}."
