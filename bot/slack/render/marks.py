"""The state marks: which emoji stands for which state, and the word for it where no emoji can be."""

from __future__ import annotations

from typing import Final

from bot.message import Mark, TaskState

#: Shapes differ, not colours alone: a reader who can't tell red from green still tells them apart.
EMOJI: Final[dict[Mark, str]] = {
    Mark.OK: "white_check_mark",
    Mark.WARN: "warning",
    Mark.FAIL: "x",
    Mark.BUSY: "hourglass_flowing_sand",
    Mark.IDLE: "white_circle",
    Mark.UNKNOWN: "grey_question",
}

OF_TASK: Final[dict[TaskState, Mark]] = {
    TaskState.PENDING: Mark.IDLE,
    TaskState.RUNNING: Mark.BUSY,
    TaskState.DONE: Mark.OK,
    TaskState.FAILED: Mark.FAIL,
}


def word(mark: Mark) -> str:
    """The mark in a text file: `[fail]`."""
    return f"[{mark.value}]"
