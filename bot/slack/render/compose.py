"""A whole message → `text`, blocks and files within Slack's limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from bot.message import (
    Bullets,
    Buttons,
    Chart,
    Divider,
    Facts,
    File,
    Heading,
    Log,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Table,
    Tasks,
)
from bot.slack.render import limits, parts
from bot.slack.render.charts import chart
from bot.slack.render.literal import cut, escape, literal, size
from bot.slack.render.piece import Frame, Native, Piece, Surface
from bot.slack.render.spans import Block, spans
from bot.slack.render.tables import table
from bot.slack.render.tasks import tasks
from bot.slack.render.written import written_message

_ALL: Final = frozenset(Native)
_ELASTIC: Final = (Table, Chart, Tasks, Log, Bullets, Paragraph)
_UNLIMITED: Final = 10**9


@dataclass(frozen=True, slots=True)
class Rendered:
    """What goes to Slack. `native` names the kinds of block in it that a workspace may not take yet."""

    text: str
    blocks: list[Block]
    files: tuple[File, ...]
    native: frozenset[Native] = frozenset()


def render(
    message: Message,
    *,
    surface: Surface = Surface.MESSAGE,
    native: bool | Collection[Native] = True,
    attach: bool = True,
    limit: int = limits.TOTAL,
) -> Rendered:
    """Show a message. Pure: the same message gives the same blocks.

    Every string of the message is shown letter by letter: nothing in it becomes markup, a mention or a link.
    What doesn't fit is cut with "N of M shown" and stands whole in a file.

    Args:
        message: what to say.
        surface: where; home and modals take fewer kinds of block.
        native: the native blocks that may be used; False for the plain form of all of them.
        attach: whether the files will be sent along, so that the text may name them; messages alone can.
        limit: characters over all blocks.

    Raises:
        ValueError: a button's action or value that Slack can't carry.
    """
    allowed = _ALL if native is True else frozenset() if native is False else frozenset(native)
    attach = attach and surface is Surface.MESSAGE
    pieces, names = _fit(message, Frame(surface, allowed, attach), limit)
    if pieces is None:
        pieces, names = _overflow(message, Frame(surface, allowed, attach), limit)
    blocks = [block for piece in pieces for block in piece.blocks]
    files = [piece.file for piece in pieces if piece.file is not None]
    files.extend(_renamed(file, names) for file in message.files)
    return Rendered(_summary(message), blocks, tuple(files), _used(blocks))


def _fit(message: Message, frame: Frame, limit: int) -> tuple[list[Piece] | None, set[str]]:
    """Every part, the long ones cut to a fair share; None where even that is too much."""
    natural = _pieces(message.parts, frame, {})
    cost = sum(piece.cost for piece in natural)
    if cost > limit:
        elastic = [index for index, part in enumerate(message.parts) if isinstance(part, _ELASTIC)]
        room = limit - sum(piece.cost for index, piece in enumerate(natural) if index not in elastic)
        shares: dict[int, int] = {}
        for left, index in enumerate(sorted(elastic, key=lambda index: natural[index].cost)):
            share = max(0, room // (len(elastic) - left))
            if natural[index].cost > share:
                shares[index] = share
            room -= min(natural[index].cost, share)
        frame = Frame(frame.surface, frame.native, frame.attach)
        natural = _pieces(message.parts, frame, shares)
        cost = sum(piece.cost for piece in natural)
    if cost > limit or sum(len(piece.blocks) for piece in natural) > frame.block_limit:
        return None, set()
    return natural, frame.names


def _overflow(message: Message, frame: Frame, limit: int) -> tuple[list[Piece], set[str]]:
    """As many parts from the top as fit, every button, and the rest in a file."""
    names: Counter[str] = Counter()
    clicks = [parts.buttons(part, names) for part in message.parts if isinstance(part, Buttons)]
    file = frame.file("message", "The whole message", written_message(message))
    last = Piece([frame.rest("The message is longer than Slack takes", file)], file)
    room = limit - last.cost
    places = frame.block_limit - 1
    kept_clicks: list[Piece] = []
    for piece in clicks:
        if piece.cost <= room and len(piece.blocks) <= places:
            kept_clicks.append(piece)
            room, places = room - piece.cost, places - len(piece.blocks)
    kept: list[Piece] = []
    for part in message.parts:
        if isinstance(part, Buttons):
            continue
        trial = Frame(
            frame.surface, frame.native, attach=False, table_used=frame.table_used, charts_used=frame.charts_used
        )
        piece = _piece(part, trial, room, Counter())
        if piece.cost > room or len(piece.blocks) > places:
            break
        frame.table_used, frame.charts_used = trial.table_used, trial.charts_used
        room, places = room - piece.cost, places - len(piece.blocks)
        kept.append(Piece(piece.blocks))
    return [*kept, last, *kept_clicks], frame.names


def _pieces(all_parts: Iterable[Part], frame: Frame, shares: dict[int, int]) -> list[Piece]:
    names: Counter[str] = Counter()
    return [_piece(part, frame, shares.get(index, _UNLIMITED), names) for index, part in enumerate(all_parts)]


def _piece(part: Part, frame: Frame, room: int, names: Counter[str]) -> Piece:
    match part:
        case Heading():
            return parts.heading(part)
        case Paragraph():
            return parts.paragraph(part, frame, room)
        case Bullets():
            return parts.bullets(part, frame, room)
        case Facts():
            return parts.facts(part)
        case Table():
            return table(part, frame, room)
        case Chart():
            return chart(part, frame, room)
        case Tasks():
            return tasks(part, frame, room)
        case Log():
            return parts.log(part, frame, room)
        case Note():
            return parts.note(part)
        case Divider():
            return parts.divider()
        case Buttons():
            return parts.buttons(part, names)


def _used(blocks: list[Block]) -> frozenset[Native]:
    kinds = {block["type"] for block in blocks}
    return frozenset(kind for kind in Native if kind.value in kinds)


def _renamed(file: File, names: set[str]) -> File:
    name = re.sub(r"[^\w.-]+", "-", literal(file.name)).strip("-.")[:80] or "file.txt"
    stem, dot, ending = name.rpartition(".")
    fresh, count = name, 1
    while fresh in names:
        count += 1
        fresh = f"{stem}-{count}{dot}{ending}" if dot else f"{name}-{count}"
    names.add(fresh)
    return File(fresh, cut(literal(file.title), limits.HEADER) or fresh, file.text, file.data)


def _summary(message: Message) -> str:
    """The message's `text`. Whom the message mentions anyway is a mention here too, and nobody else."""
    text = literal(message.summary, lines=True).strip()
    if not text:
        text = written_message(message).strip() or "A message without words"
    escaped = escape(cut(text, limits.TEXT))
    while size(escaped) > limits.UPDATE_TEXT:
        text = cut(text, size(text) * limits.UPDATE_TEXT // size(escaped) - 1)
        escaped = escape(text)
    text = escaped
    for user_id in sorted(_mentioned(message)):
        text = text.replace(f"&lt;@{user_id}&gt;", f"<@{user_id}>")
    return text


def _mentioned(message: Message) -> set[str]:
    found: set[str] = set()
    for part in message.parts:
        match part:
            case Paragraph() | Note():
                texts = [part.text]
            case Bullets():
                texts = list(part.items)
            case Facts():
                texts = [value for _, value in part.items]
            case _:
                texts = []
        found |= {
            span.user_id
            for text in texts
            for span in spans(text)
            if isinstance(span, Person) and re.fullmatch(r"[UW][A-Z0-9]+", span.user_id)
        }
    return found
