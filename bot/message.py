"""What the bot says, before anybody decides how Slack shows it.

Commands and operations build a `Message`; `bot.slack.render` turns it into blocks. Strings in here are plain text:
the renderer escapes every one of them, so a hostname that looks like markup stays a hostname.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mark(StrEnum):
    """The state marks: the only symbols beyond text that the bot uses."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    BUSY = "busy"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bold:
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A name that is typed or read letter by letter: a machine, an operation id, a command."""

    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """A mention of one person. It notifies only where the bot means it to."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class When:
    """A moment, shown in the reader's own time zone."""

    at: datetime


Span = str | Bold | Code | Person | Link | When | Mark
Text = Sequence[Span]


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Facts:
    """Short label–value pairs, shown two abreast where there is room."""

    items: Sequence[tuple[str, Text]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain cells. `total` is how many rows there are in all, when `rows` is a part of them."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers over time, a line for each series. Every series has one value for each of the `moments`."""

    title: str
    moments: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]


class TaskState(StrEnum):
    PENDING = "pending"
    RUNNING = "in_progress"
    DONE = "complete"
    FAILED = "error"


@dataclass(frozen=True, slots=True)
class Task:
    """One row of an operation: `key` is unique in its list and never changes."""

    key: str
    title: str
    state: TaskState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tasks:
    title: str
    tasks: Sequence[Task]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """The tail of some program's output, letter by letter."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Small print: ages, sources, what to type next."""

    text: Text


@dataclass(frozen=True, slots=True)
class Divider:
    pass


class Style(StrEnum):
    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Button:
    """`action` names the handler; `value` is an opaque id that the handler looks up and never trusts."""

    label: str
    action: str
    value: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Buttons:
    buttons: Sequence[Button]


Part = Heading | Paragraph | Bullets | Facts | Table | Chart | Tasks | Log | Note | Divider | Buttons


@dataclass(frozen=True, slots=True)
class File:
    """What does not fit into a message goes with it as a file. `data` is its content where that is no text."""

    name: str
    title: str
    text: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `summary` is what a notification or a screen reader gets: it must stand alone.

    A `private` answer is for the asker's eyes alone, wherever it was asked.
    """

    summary: str
    parts: Sequence[Part] = ()
    files: Sequence[File] = field(default=())
    private: bool = False


def say(*spans: Span) -> Message:
    """A message of one paragraph."""
    return Message(summary=plain(spans), parts=(Paragraph(spans),))


def plain(text: Text) -> str:
    """The text without any form, for summaries, logs and file contents."""
    return "".join(_plain_span(span) for span in text)


def _plain_span(span: Span) -> str:
    match span:
        case Mark():
            return ""
        case str():
            return span
        case Bold() | Code():
            return span.text
        case Person():
            return f"<@{span.user_id}>"
        case Link():
            return span.text
        case When():
            return span.at.strftime("%Y-%m-%d %H:%M UTC")
