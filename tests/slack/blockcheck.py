"""Slack's rules for blocks, written down apart from the renderer so that the two can disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]

_EVERYWHERE = {"actions", "context", "divider", "header", "rich_text", "section"}
ON_SURFACE = {
    "message": {*_EVERYWHERE, "data_table", "data_visualization", "plan"},
    "home": {*_EVERYWHERE, "data_table", "data_visualization"},
    "modal": _EVERYWHERE,
}
MARKS = {"white_check_mark", "warning", "x", "hourglass_flowing_sand", "white_circle", "grey_question"}
TOKEN = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!date\^\d+\^[^|<>]+\|[^<>]*>|<https?://[^|<>]+(?:\|[^<>]*)?>"
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check(blocks: list[Block], surface: str) -> None:
    """Raise AssertionError where Slack would say invalid_blocks."""
    kind = {"ephemeral": "message"}.get(surface, surface)
    assert len(blocks) <= (50 if kind == "message" else 100)
    assert sum(block["type"] in ("table", "data_table") for block in blocks) <= 1
    assert sum(block["type"] == "data_visualization" for block in blocks) <= 2
    total = sum(units(text) for text in strings(blocks))
    assert total <= 13_200, total
    action_ids: list[str] = []
    for block in blocks:
        assert block["type"] in ON_SURFACE[kind], block["type"]
        _CHECKS[block["type"]](block)
        if block["type"] == "actions":
            action_ids += [element["action_id"] for element in block["elements"]]
    assert len(action_ids) == len(set(action_ids))


def strings(value: Any, key: str = "") -> Iterator[str]:
    """Every string that a reader or a handler gets."""
    if isinstance(value, str) and key in {
        "text",
        "title",
        "caption",
        "url",
        "value",
        "fallback",
        "task_id",
        "name",
    }:
        yield value
    elif isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from strings(inner, inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


def _plain(text: Block, limit: int) -> None:
    assert text["type"] == "plain_text"
    assert text["emoji"] is False
    assert 1 <= units(text["text"]) <= limit
    _visible(text["text"])


def mrkdwn(text: str) -> None:
    """Only tokens that the renderer makes may be active in mrkdwn."""
    _visible(text)
    rest = TOKEN.sub("", text)
    assert "<" not in rest, text
    assert ">" not in rest, text
    assert re.search(r"&(?!amp;|lt;|gt;)", rest) is None, text
    assert not re.search(r"^\s*&gt;", rest, re.MULTILINE), text
    for emoji in re.findall(r":([\w+'-]+):", re.sub(r"`[^`]*`", "", rest)):
        assert emoji in MARKS, text
    outside_code = re.sub(r"`[^`\n]+`", "", rest)
    assert "`" not in outside_code
    assert "_" not in re.sub(r":[a-z_]+:", "", outside_code), text
    assert "~" not in outside_code


def _visible(text: str) -> None:
    for ch in text:
        assert ch == "\n" or (ord(ch) >= 0x20 and not 0x7F <= ord(ch) < 0xA0), repr(text)
        assert ch not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u2028", repr(text)


def _inline(element: Block) -> None:
    match element["type"]:
        case "text":
            assert element["text"]
            _visible(element["text"])
        case "emoji":
            assert element["name"] in MARKS
        case "user":
            assert re.fullmatch(r"[UW][A-Z0-9]+", element["user_id"])
        case "usergroup":
            assert re.fullmatch(r"S[A-Z0-9]+", element["usergroup_id"])
        case "link":
            assert re.match(r"https?://", element["url"])
            assert len(element["url"]) <= 3000
        case "date":
            assert type(element["timestamp"]) is int
            assert element["fallback"]
            assert "{" in element["format"]
        case other:
            raise AssertionError(other)


def _rich(block: Block) -> None:
    assert block["elements"]
    assert sum(units(text) for text in strings(block)) <= 3_300
    for part in block["elements"]:
        assert part["elements"]
        match part["type"]:
            case "rich_text_section":
                list(map(_inline, part["elements"]))
            case "rich_text_preformatted":
                assert {element["type"] for element in part["elements"]} <= {"text", "link"}
                list(map(_inline, part["elements"]))
            case "rich_text_list":
                for item in part["elements"]:
                    assert item["type"] == "rich_text_section"
                    assert item["elements"]
                    list(map(_inline, item["elements"]))
            case other:
                raise AssertionError(other)


def _section(block: Block) -> None:
    assert 1 <= len(block["fields"]) <= 10
    for field in block["fields"]:
        assert field["type"] == "mrkdwn"
        assert 1 <= units(field["text"]) <= 2000
        mrkdwn(field["text"])


def _context(block: Block) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        assert 1 <= units(element["text"]) <= 3000
        if element["type"] == "mrkdwn":
            mrkdwn(element["text"])
        else:
            _plain(element, 3000)


def _data_table(block: Block) -> None:
    assert 2 <= len(block["rows"]) <= 201
    assert 1 <= len(block["rows"][0]) <= 20
    assert 1 <= block["page_size"] <= 100
    assert block["caption"]
    assert len({len(row) for row in block["rows"]}) == 1
    assert sum(units(text) for text in strings(block["rows"])) <= 20_000
    for row in block["rows"]:
        for cell in row:
            assert cell["type"] == "raw_text"
            assert cell["text"]
            _visible(cell["text"])


def _data_visualization(block: Block) -> None:
    assert 1 <= units(block["title"]) <= 50
    chart = block["chart"]
    assert chart["type"] in {"line", "area", "bar"}
    categories = chart["axis_config"]["categories"]
    assert 1 <= len(categories) == len(set(categories)) <= 20
    names = [series["name"] for series in chart["series"]]
    assert 1 <= len(names) == len(set(names)) <= 12
    for label in (*categories, *names):
        assert 1 <= units(label) <= 20
        _visible(label)
    for series in chart["series"]:
        assert [point["label"] for point in series["data"]] == categories
        assert all(isinstance(point["value"], int | float) for point in series["data"])


def _plan(block: Block) -> None:
    assert block["title"]
    assert 1 <= len(block["tasks"]) <= 50
    assert len({task["task_id"] for task in block["tasks"]}) == len(block["tasks"])
    for task in block["tasks"]:
        assert task["title"]
        assert task["status"] in {"pending", "in_progress", "complete", "error"}
        _visible(task["title"])
        if "details" in task:
            assert len(task["details"]["elements"]) == 1
            _rich(task["details"])


def _actions(block: Block) -> None:
    assert 1 <= len(block["elements"]) <= 25
    for element in block["elements"]:
        assert element["type"] == "button"
        _plain(element["text"], 75)
        assert 1 <= len(element["action_id"]) <= 255
        assert units(element.get("value", "")) <= 2000
        assert element.get("style") in {None, "primary", "danger"}


_CHECKS = {
    "actions": _actions,
    "context": _context,
    "data_table": _data_table,
    "data_visualization": _data_visualization,
    "divider": lambda block: None,
    "header": lambda block: _plain(block["text"], 150),
    "plan": _plan,
    "rich_text": _rich,
    "section": _section,
}
