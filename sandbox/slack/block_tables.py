"""Tables, charts, plans and cards: the newer blocks.

Limits: docs.slack.dev/reference/block-kit/blocks; a `data_table` has 2 to 201 rows, the first of them its
header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.block_elements import IMAGE, IN_CARD
from sandbox.slack.block_rich_text import RICH_TEXT
from sandbox.slack.schema import (
    Check,
    Problems,
    anything,
    array,
    boolean,
    either,
    every,
    integer,
    number,
    one_of,
    record,
    string,
    text_object,
    typed,
    url,
)

_ANY_TEXT = ("plain_text", "mrkdwn")
#: A data table's cells hold at most this much text, over all tables of a message.
TABLE_TEXT = 20_000

_RAW_TEXT = record({"type": anything, "text": string(None, 1)})
_RAW_NUMBER = record({"type": anything, "value": number(), "text": string(None, 1)})
_CELL = typed({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": RICH_TEXT})
_BLOCK: Mapping[str, Check] = {"block_id": string(255, 1)}

TABLE = record(
    {"type": anything, "rows": array(array(_CELL, 1, 20), 1, 100)},
    {
        **_BLOCK,
        "column_settings": array(
            record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 0, 20
        ),
    },
)


def _data_table(problems: Problems, value: Any, pointer: str) -> None:
    rows = value["rows"]
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        problems.add(f"{pointer}/rows", "all rows must have the same number of columns")
    for column, cell in enumerate(rows[0]):
        if cell["type"] == "rich_text":
            problems.add(f"{pointer}/rows/0/{column}", "header cells must not be rich_text")
    if value.get("row_header_column_index", 0) >= width:
        problems.add(f"{pointer}/row_header_column_index", "must name a column")
    if cell_text(value) > TABLE_TEXT:
        problems.add(f"{pointer}/rows", f"must be less than {TABLE_TEXT + 1} characters")


DATA_TABLE = record(
    {"type": anything, "caption": string(None, 1), "rows": array(array(_CELL, 1, 20), 2, 201)},
    {**_BLOCK, "page_size": integer(1, 100), "row_header_column_index": integer(0)},
    also=_data_table,
)


def cell_text(node: Any) -> int:
    """How many characters the cells of a table show."""
    if isinstance(node, list):
        return sum(cell_text(item) for item in node)
    if isinstance(node, dict):
        own = len(node["text"]) if isinstance(node.get("text"), str) else 0
        return own + sum(cell_text(item) for item in node.values() if isinstance(item, dict | list))
    return 0


_POINT = record({"label": string(20, 1), "value": number()})
_SERIES = record({"name": string(20, 1), "data": array(_POINT, 1, 20)})
_AXIS = record({"categories": array(string(20, 1), 1, 20)}, {"x_label": string(50), "y_label": string(50)})


def _points_fit(problems: Problems, value: Any, pointer: str) -> None:
    categories = value["axis_config"]["categories"]
    names = [series["name"] for series in value["series"]]
    if len(names) != len(set(names)):
        problems.add(f"{pointer}/series", "series names must be unique")
    for index, series in enumerate(value["series"]):
        if sorted(point["label"] for point in series["data"]) != sorted(categories):
            problems.add(f"{pointer}/series/{index}/data", "must have exactly one point for every category")


_AXES = record({"type": anything, "series": array(_SERIES, 1, 12), "axis_config": _AXIS}, also=_points_fit)
_PIE = record({"type": anything, "segments": array(record({"label": string(20, 1), "value": number(0)}), 1, 12)})
DATA_VISUALIZATION = record(
    {
        "type": anything,
        "title": string(50, 1),
        "chart": typed({"pie": _PIE, "bar": _AXES, "line": _AXES, "area": _AXES}),
    },
    _BLOCK,
)

_RICH = typed({"rich_text": RICH_TEXT})
_SOURCES = array(typed({"url": record({"type": anything, "url": url(), "text": string(None, 1)})}))
_TASK_FIELDS: Mapping[str, Check] = {
    "task_id": string(None, 1),
    "title": string(None, 1),
    "status": one_of("pending", "in_progress", "complete", "error"),
}
_TASK_MORE: Mapping[str, Check] = {"details": _RICH, "output": _RICH, "sources": _SOURCES}


def _not_pending(problems: Problems, value: Any, pointer: str) -> None:
    if value["status"] == "pending":
        problems.add(f"{pointer}/status", "a task card outside a plan must not be pending")


def _unique_tasks(problems: Problems, value: Any, pointer: str) -> None:
    ids = [task["task_id"] for task in value["tasks"]]
    if len(ids) != len(set(ids)):
        problems.add(f"{pointer}/tasks", "task_id must be unique")


TASK_CARD = record({"type": anything, **_TASK_FIELDS}, {**_TASK_MORE, **_BLOCK}, also=_not_pending)
PLAN = record(
    {
        "type": anything,
        "title": string(None, 1),
        "tasks": array(record(_TASK_FIELDS, {**_TASK_MORE, **_BLOCK, "type": one_of("task_card")}), 0, 50),
    },
    _BLOCK,
    also=_unique_tasks,
)

_ICON = typed({"image": IMAGE})


def _one_icon(problems: Problems, value: Any, pointer: str) -> None:
    if "icon" in value and "slack_icon" in value:
        problems.add(f"{pointer}/slack_icon", "must not be combined with icon")


CARD = record(
    {"type": anything},
    {
        **_BLOCK,
        "hero_image": _ICON,
        "icon": _ICON,
        "slack_icon": anything,
        "title": text_object(150, _ANY_TEXT),
        "subtitle": text_object(150, _ANY_TEXT),
        "body": text_object(200, _ANY_TEXT),
        "subtext": text_object(200, _ANY_TEXT),
        "actions": array(IN_CARD, 1, 3),
    },
    also=every(either("hero_image", "title", "actions", "body"), _one_icon),
)
CAROUSEL = record({"type": anything, "elements": array(typed({"card": CARD}), 1, 10)}, _BLOCK)
ALERT = record(
    {"type": anything, "text": text_object(200, _ANY_TEXT)},
    {**_BLOCK, "level": one_of("default", "info", "warning", "error", "success")},
)
