"""Tables: a `data_table`, or aligned monospace, or a list where the lines would be too wide to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.message import File, Table
from bot.slack.render import limits
from bot.slack.render.literal import columns, cut, literal, pad, size
from bot.slack.render.piece import Frame, Native, Piece, Surface
from bot.slack.render.spans import Block, rich_block, section, weight

_CELL: Final = 500
_NOTICE: Final = 160
_EMPTY: Final = "–"


def table(part: Table, frame: Frame, room: int) -> Piece:
    """The table, or as many of its first rows as fit into `room` characters and Slack's limits.

    Slack takes one table-family block a message (`only_one_table_allowed`): a second one has the plain form.
    """
    caption = cut(literal(part.caption), limits.HEADER)
    heads = [cut(literal(column), _CELL) or _EMPTY for column in part.columns]
    rows = [[_cell(row, index) for index in range(len(heads))] for row in part.rows]
    total = max(part.total or 0, len(rows))
    if not heads or not rows:
        nothing = f"{caption or 'Table'}: nothing to show"
        return Piece([rich_block(section([{"type": "text", "text": nothing}]))])
    native = Native.TABLE in frame.native and not frame.table_used and frame.surface is not Surface.MODAL
    if not _fits(caption, heads, rows, min(room, limits.TOTAL)):
        room = min(room, limits.TOTAL) - _NOTICE
    if native:
        block, kept = _data_table(caption, heads, rows, room)
        frame.table_used = frame.table_used or kept > 0
    else:
        block, kept = _plain_table(caption, heads, rows, room)
    blocks = [block] if kept else []
    narrowed = native and len(heads) > limits.TABLE_COLUMNS
    file = _whole(part, frame) if kept < len(rows) or narrowed else None
    if kept < total:
        blocks.append(frame.shown(kept, total, file))
    elif narrowed:
        blocks.append(frame.rest(f"{limits.TABLE_COLUMNS} of {len(heads)} columns shown", file))
    return Piece(blocks, file)


def _cell(row: Sequence[str], index: int) -> str:
    # Cut before it is looked at: a cell of a megabyte must not hold up the event loop.
    text = literal(row[index][: 4 * _CELL]).strip() if index < len(row) else ""
    return cut(text, _CELL) or _EMPTY


def _fits(caption: str, heads: list[str], rows: list[list[str]], room: int) -> bool:
    spent = limits.FRAME + size(caption or "Table") + sum(map(size, heads))
    return len(rows) <= limits.TABLE_ROWS and spent + sum(sum(map(size, row)) for row in rows) <= room


def _data_table(caption: str, heads: list[str], rows: list[list[str]], room: int) -> tuple[Block, int]:
    heads = heads[: limits.TABLE_COLUMNS]
    room -= limits.FRAME + size(caption or "Table") + sum(map(size, heads))
    lines = [heads]
    for row in rows[: limits.TABLE_ROWS]:
        cells = row[: limits.TABLE_COLUMNS]
        room -= sum(map(size, cells))
        if room < 0:
            break
        lines.append(cells)
    block: Block = {
        "type": "data_table",
        "caption": caption or "Table",
        "page_size": min(len(lines) - 1, limits.TABLE_PAGE) or 1,
        "rows": [[{"type": "raw_text", "text": cell} for cell in line] for line in lines],
    }
    return block, len(lines) - 1


def _plain_table(caption: str, heads: list[str], rows: list[list[str]], room: int) -> tuple[Block, int]:
    room = min(room, limits.TEXT) - limits.FRAME - size(caption)
    title = [section([{"type": "text", "text": caption, "style": {"bold": True}}])] if caption else []
    lines = _aligned(heads, rows)
    if max(map(columns, lines)) <= limits.MONOSPACE_COLUMNS:
        kept = _fitting(lines, room)
        body: Block = {
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": "\n".join(lines[:kept])}],
        }
        return rich_block(*title, body), max(0, kept - 1)
    items = [_item(heads, row) for row in rows]
    costs = list(map(weight, items))
    kept = 0
    for cost in costs:
        room -= cost
        if room < 0:
            break
        kept += 1
    return rich_block(*title, {"type": "rich_text_list", "style": "bullet", "elements": items[:kept]}), kept


def _item(heads: list[str], row: list[str]) -> Block:
    pairs = zip(heads[1:], row[1:], strict=True)
    rest = ", ".join(f"{head} {cell}" for head, cell in pairs if cell != _EMPTY)
    elements: list[Block] = [{"type": "text", "text": row[0], "style": {"bold": True}}]
    if rest:
        elements.append({"type": "text", "text": f": {rest}"})
    return section(elements)


def _aligned(heads: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(columns, cells)) for cells in zip(heads, *rows, strict=True)]
    return ["  ".join(map(pad, line, widths)).rstrip() for line in (heads, *rows)]


def _fitting(lines: list[str], room: int) -> int:
    for count, line in enumerate(lines):
        room -= size(line) + 1
        if room < 0:
            return count
    return len(lines)


def _whole(part: Table, frame: Frame) -> File:
    title = literal(part.caption) or "Table"
    text = "\n".join([title, "", *table_lines(part)])
    if part.total is not None and part.total > len(part.rows):
        text += f"\n\n{len(part.rows)} of {part.total}"
    return frame.file(title, cut(title, limits.HEADER), text + "\n")


def table_lines(part: Table) -> list[str]:
    """The table as lines of a text file, no cell cut."""
    heads = [literal(column) or _EMPTY for column in part.columns]
    if not heads:
        return []
    width = range(len(heads))
    rows = [
        [literal(row[index]).strip() or _EMPTY if index < len(row) else _EMPTY for index in width] for row in part.rows
    ]
    return _aligned(heads, rows)
