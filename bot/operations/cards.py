"""The approval card: what somebody else is asked to decide, and at every end who decided, when and why."""

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
    When,
)
from bot.operations.plan_view import plan_parts, usual_parts
from bot.operations.records import Operation, OperationState
from bot.operations.verdict import remaining

APPROVE, DENY, DETAILS = "approval.approve", "approval.deny", "approval.details"


def card(operation: Operation, mentions: Sequence[str] = (), usual: timedelta | None = None) -> Message:
    """The card in its present state. `mentions` are the people and groups who may decide; they are told once, by it."""
    if operation.state is OperationState.AWAITING:
        return _open(operation, mentions, usual)
    return _decided(operation)


def _open(operation: Operation, mentions: Sequence[str], usual: timedelta | None) -> Message:
    plan = operation.plan
    summary = f"Approval wanted: {plan.title}. Asked by {operation.requester_name}: {operation.reason} ({operation.id})"
    value = f"{operation.id}:{operation.nonce}"
    parts: list[Part] = [
        Paragraph([Mark.WARN, " ", Bold(f"Approval wanted: {plan.title}"), "  ", Code(operation.id)]),
        Paragraph(["Asked by ", Person(operation.requester_id), ": ", Bold(operation.reason)]),
        *plan_parts(plan),
        *usual_parts(plan, usual),
    ]
    given = [one for one in operation.decisions if one.approved]
    if operation.needed > 1:
        names = f" ({', '.join(one.person_name for one in given)})" if given else ""
        parts.append(Paragraph([f"{len(given)} of {operation.needed} approvals{names}."]))
    parts.append(
        Buttons(
            [
                Button("Approve", APPROVE, value, Style.PRIMARY),
                Button("Deny", DENY, value, Style.DANGER),
                Button("Details", DETAILS, value),
            ]
        )
    )
    who: list[Span] = []
    for at, mention in enumerate(mentions):
        who += [", " if at else "For ", Person(mention)]
    if operation.expires_at is not None:
        who += [". Expires " if who else "Expires ", When(datetime.fromtimestamp(operation.expires_at, UTC))]
    who += [". By words: ", Code(f"/maas approve {operation.id}"), ", ", Code(f"/maas deny {operation.id} REASON")]
    parts.append(Note(who))
    return Message(summary, tuple(parts))


def _decided(operation: Operation) -> Message:
    mark, verdict = _verdict(operation)
    title = operation.plan.title
    parts: list[Part] = [
        Paragraph([mark, " ", Bold(title), f": {verdict}  ", Code(operation.id)]),
        Paragraph(["Asked by ", operation.requester_name, f": {operation.reason}"]),
    ]
    lines: list[Span] = []
    for one in operation.decisions:
        word = "Approved" if one.approved else "Denied"
        lines += [f"{word} by {one.person_name} ", When(datetime.fromtimestamp(one.at, UTC))]
        lines.append(f": {one.reason}. " if one.reason else ". ")
    if lines:
        parts.append(Paragraph(lines))
    if operation.outcome:
        parts.append(Paragraph([operation.outcome if operation.outcome.endswith(".") else f"{operation.outcome}."]))
    if operation.link:
        parts.append(Note([Link(operation.link, "Its thread")]))
    return Message(f"{title}: {verdict} ({operation.id})", tuple(parts))


def _verdict(operation: Operation) -> tuple[Mark, str]:
    word = "approved"
    if operation.broke_glass:
        word = f"started by {operation.requester_name} with break-glass, without an approval"
    match operation.state:
        case OperationState.DENIED:
            return Mark.FAIL, "denied"
        case OperationState.WITHDRAWN:
            return Mark.IDLE, "withdrawn by the requester"
        case OperationState.EXPIRED:
            return Mark.IDLE, "expired undecided"
        case OperationState.VOID:
            return Mark.WARN, f"{word}, and void: the plan no longer fits"
        case OperationState.DONE:
            return Mark.OK, f"{word} and done"
        case OperationState.FAILED:
            return Mark.FAIL, f"{word}; it failed"
        case OperationState.CANCELLED:
            return Mark.WARN, f"{word}, then cancelled"
    if operation.broke_glass:
        return Mark.WARN, word
    return Mark.BUSY, "approved, under way"


def reminder(operation: Operation, mentions: Sequence[str], now: float) -> Message:
    """Said in the card's thread when a request has waited for long."""
    left = remaining((operation.expires_at or now) - now)
    spans: list[Span] = [Mark.WARN, f" Still undecided; {left} left. "]
    for mention in mentions:
        spans += [Person(mention), " "]
    return Message(f"{operation.id} is still undecided; {left} left.", (Paragraph(spans),))


def out_of_reach(operation: Operation, mentions: Sequence[str], reason: str) -> Message:
    """Said in the operation's own thread when its card can't be posted where the approvers look."""
    text = f"The approvers were not told of {operation.id}: I can't post in the approval channel, {reason}."
    spans: list[Span] = [Mark.WARN, f" I can't post in the approval channel: {reason}. I go on trying. "]
    spans += ["Who approves can decide from here: ", Code(f"/maas approve {operation.id}"), ", "]
    spans += [Code(f"/maas deny {operation.id} REASON"), ". "]
    for mention in mentions:
        spans += [Person(mention), " "]
    return Message(text, (Paragraph(spans),))


def glass_broken(operation: Operation) -> Message:
    """Told to everybody who could have approved."""
    title = operation.plan.title
    text = f"{operation.requester_name} broke the glass: {title}, without an approval. {operation.reason}"
    spans: list[Span] = [Mark.WARN, " ", Person(operation.requester_id), " broke the glass: ", Bold(title)]
    spans += [", without an approval. Reason: ", operation.reason, "  ", Code(operation.id)]
    parts: list[Part] = [Paragraph(spans)]
    if operation.link:
        parts.append(Note([Link(operation.link, "Its thread")]))
    return Message(text, tuple(parts))
