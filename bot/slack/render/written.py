"""A whole message as a text file."""

from __future__ import annotations

from bot.message import (
    Bullets,
    Buttons,
    Chart,
    Divider,
    Facts,
    Heading,
    Log,
    Message,
    Note,
    Paragraph,
    Part,
    Table,
    Tasks,
)
from bot.slack.render.charts import as_table
from bot.slack.render.literal import literal
from bot.slack.render.spans import written
from bot.slack.render.tables import table_lines
from bot.slack.render.tasks import task_lines


def written_message(message: Message) -> str:
    """Every part of the message, nothing cut."""
    return "\n\n".join(text for part in message.parts if (text := "\n".join(_lines(part)).strip("\n"))) + "\n"


def _lines(part: Part) -> list[str]:
    match part:
        case Heading():
            return [literal(part.text)]
        case Paragraph() | Note():
            return [written(part.text)]
        case Bullets():
            return [f"- {written(item)}" for item in part.items]
        case Facts():
            return [f"{literal(label)}: {written(value)}" for label, value in part.items]
        case Table():
            return [literal(part.caption), *table_lines(part)]
        case Chart():
            return [literal(part.title), *table_lines(as_table(part))]
        case Tasks():
            return [literal(part.title), *task_lines(part)]
        case Log():
            return [literal(part.title), literal(part.text, lines=True)]
        case Divider():
            return ["----"]
        case Buttons():
            return []
