"""What is left when an operation has ended: what was never begun, and buttons to take it up again."""

from __future__ import annotations

from bot.message import Button, Mark, Text
from bot.operations.records import Operation, TargetState

#: Runs the words that are its value, as if whoever pressed it had typed them.
AGAIN = "page.again"


def not_begun(operation: Operation) -> Text | None:
    """Which machines were never begun, and why; None when all were."""
    rows = [row for row in operation.targets if row.state is TargetState.UNTOUCHED]
    if not rows or operation.plan.in_steps:
        return None
    names = ", ".join(row.name for row in rows[:20]) + (f" and {len(rows) - 20} more" if len(rows) > 20 else "")
    as_they_were = "It is as it was" if len(rows) == 1 else "They are as they were"
    return [Mark.IDLE, f" {rows[0].detail or 'Not begun.'} {as_they_were}: {names}."]


def again(operation: Operation) -> list[Button]:
    """Buttons that plan it again for those that failed, and for those that were not begun or were stopped."""
    words = f"retry {operation.id}"
    failed = operation.count(TargetState.FAILED)
    rest = operation.count(TargetState.UNTOUCHED, TargetState.STOPPED)
    if operation.plan.in_steps:
        return [Button("Retry", AGAIN, words)] if failed or rest else []
    buttons = []
    if failed:
        label = "Retry" if len(operation.targets) == 1 else f"Retry the {failed} that failed"
        buttons.append(Button(label, AGAIN, f"{words} --only failed"))
    if rest:
        label = f"Take up the other {rest}" if rest < len(operation.targets) else "Take it up again"
        buttons.append(Button(label, AGAIN, f"{words} --only rest"))
    return buttons
