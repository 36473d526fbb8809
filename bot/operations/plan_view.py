"""How a plan looks, wherever it is shown. Pure; knows no Slack."""

from __future__ import annotations

from datetime import timedelta

from bot.message import Bold, Bullets, Button, Buttons, Code, Mark, Note, Paragraph, Part, Span, Table, Text
from bot.operations.plan import BECOMES, Plan, Target
from bot.operations.verdict import remaining as duration

#: Runs its value as words, as the person who presses it; whatever they are, only a plan comes of it.
QUEUE = "page.queue"
#: Slack's limit for the value of a button.
_LONGEST_VALUE = 2000


def plan_parts(plan: Plan) -> list[Part]:
    """Targets by name with state and facts, what will be done, what is lost, what could go wrong."""
    parts: list[Part] = []
    if plan.in_steps or len(plan.targets) <= 10:
        parts.append(Bullets([_target_line(plan, target) for target in plan.targets]))
    else:
        rows = [(target.name, target.state, target.facts.get("owner", "")) for target in plan.targets]
        parts.append(Table(("Machine", "State", "Owner"), rows, caption=f"{len(rows)} machines"))
    if plan.steps:
        parts += [Paragraph([Bold("What happens")]), Bullets([[step] for step in plan.steps])]
    if plan.losses:
        parts += [Paragraph([Bold("What will be lost")]), Bullets([[loss] for loss in plan.losses])]
    parts += [Paragraph([Mark.WARN, " ", warning]) for warning in plan.warnings]
    if plan.left_out:
        parts.append(Paragraph([Bold("Left out")]))
        shown: list[Text] = [[Code(one.name), f": {one.reason}"] for one in plan.left_out[:10]]
        if len(plan.left_out) > 10:
            shown.append([f"and {len(plan.left_out) - 10} more"])
        parts.append(Bullets(shown))
    return parts


def _target_line(plan: Plan, target: Target) -> Text:
    facts = {label: value for label, value in target.facts.items() if value not in {"", "nobody", "none"}}
    becomes = f" → {facts.pop(BECOMES)}" if BECOMES in facts else ""
    known = [f"{label} {value}" for label, value in facts.items()]
    name: list[Span] = [Bold(target.name), ": "] if plan.in_steps else [Code(target.name), "  "]
    return [*name, f"{target.state}{becomes}", *([f" ({', '.join(known)})"] if known else [])]


def usual_parts(plan: Plan, usual: timedelta | None) -> list[Part]:
    """How long it took lately; nothing where it was never done."""
    each = "" if plan.in_steps else " a machine"
    return [] if usual is None else [Note([f"It usually takes about {duration(usual.total_seconds())}{each}."])]


def queue_offer(words: str) -> list[Part]:
    """A button that asks for the same once more, to wait for whoever holds the machines."""
    value = f"{words} --queue"
    return [Buttons([Button("Queue it", QUEUE, value)])] if len(value) <= _LONGEST_VALUE else []
