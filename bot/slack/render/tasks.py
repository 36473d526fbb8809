"""The rows of an operation: a `plan` block with a task card each, or one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.message import File, Task, Tasks, TaskState
from bot.slack.render import limits
from bot.slack.render.literal import cut, literal, size
from bot.slack.render.marks import EMOJI, OF_TASK, word
from bot.slack.render.piece import Frame, Native, Piece, Surface
from bot.slack.render.spans import Block, rich_block, section, weight

_NOTICE: Final = 160
#: Who stays when not all can: what failed and what runs is what a reader looks for.
_RANK: Final = {TaskState.FAILED: 0, TaskState.RUNNING: 1, TaskState.PENDING: 2, TaskState.DONE: 3}


def tasks(part: Tasks, frame: Frame, room: int) -> Piece:
    """The tasks, or those of most interest where not all fit into `room` characters and Slack's limits."""
    title = cut(literal(part.title), limits.HEADER) or "Tasks"
    total = max(part.total or 0, len(part.tasks))
    if not part.tasks:
        return Piece([rich_block(section([{"type": "text", "text": f"{title}: none"}]))])
    cards = _cards(part)
    native = Native.PLAN in frame.native and frame.surface in (Surface.MESSAGE, Surface.EPHEMERAL)
    most = limits.TASKS if native else len(part.tasks)
    room = min(room, limits.TOTAL if native else limits.TEXT) - limits.FRAME - size(title)
    rows: list[list[Block]] = [[card] for card in cards] if native else [_line(task) for task in part.tasks]
    costs = [weight(row) for row in rows]
    kept = _chosen(part.tasks, costs, most, room)
    if len(kept) < total:
        kept = _chosen(part.tasks, costs, most, room - _NOTICE)
    blocks: list[Block] = []
    if kept and native:
        blocks.append({"type": "plan", "title": title, "tasks": [cards[index] for index in kept]})
    elif kept:
        head: Block = {"type": "text", "text": title, "style": {"bold": True}}
        blocks.append(rich_block(section([head, *(element for index in kept for element in rows[index])])))
    file = _whole(part, frame, title) if len(kept) < len(cards) else None
    if len(kept) < total:
        blocks.append(frame.shown(len(kept), total, file))
    return Piece(blocks, file)


def _cards(part: Tasks) -> list[Block]:
    seen: set[str] = set()
    cards: list[Block] = []
    for task in part.tasks:
        stem = cut(literal(task.key), 200) or "task"
        key, count = stem, 1
        while key in seen:
            count += 1
            key = f"{stem}-{count}"
        seen.add(key)
        card: Block = {
            "type": "task_card",
            "task_id": key,
            "title": _title(task),
            "status": task.state.value,
        }
        detail = _detail(task)
        if detail:
            card["details"] = rich_block(section([{"type": "text", "text": detail}]))
        cards.append(card)
    return cards


def _chosen(every: Sequence[Task], costs: list[int], most: int, room: int) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(every)), key=lambda index: _RANK[every[index].state]):
        cost = costs[index]
        if len(kept) == most or cost > room:
            break
        room -= cost
        kept.append(index)
    return sorted(kept)


def _title(task: Task) -> str:
    return cut(literal(task.title).strip(), limits.TASK_TITLE) or "–"


def _detail(task: Task) -> str:
    return cut(literal(task.detail, lines=True).strip(), limits.TASK_DETAIL)


def _line(task: Task) -> list[Block]:
    detail = _detail(task).replace("\n", " ")
    return [
        {"type": "text", "text": "\n"},
        {"type": "emoji", "name": EMOJI[OF_TASK[task.state]]},
        {"type": "text", "text": f" {_title(task)}" + (f": {detail}" if detail else "")},
    ]


def _whole(part: Tasks, frame: Frame, title: str) -> File:
    return frame.file(title, title, "\n".join([title, "", *task_lines(part)]) + "\n")


def task_lines(part: Tasks) -> list[str]:
    """The tasks as lines of a text file."""
    return [
        f"{word(OF_TASK[task.state]):8} {literal(task.title)}"
        + (f": {literal(task.detail, lines=True)}" if task.detail else "")
        for task in part.tasks
    ]
