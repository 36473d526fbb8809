"""Block Kit: what Slack takes and what it refuses, per block and per surface."""

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk

from sandbox.slack import SlackError
from sandbox.slack.blocks import check_message, check_options, check_view, size
from tests.sandbox_slack.kit import (
    actions,
    button,
    cell,
    data_table,
    field,
    modal,
    plain,
    plan,
    rich,
    section,
    task,
)


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def select(kind: str = "static_select", **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "pick", **more}


def options(count: int) -> list[dict[str, Any]]:
    return [{"text": plain(f"o{n}"), "value": str(n)} for n in range(count)]


def chart(**more: Any) -> dict[str, Any]:
    pie = {"type": "pie", "segments": [{"label": "Ready", "value": 3}]}
    return {"type": "data_visualization", "title": "Machines", "chart": pie, **more}


def bars(labels: list[str]) -> dict[str, Any]:
    series = [{"name": "now", "data": [{"label": label, "value": 1} for label in labels]}]
    return chart(chart={"type": "bar", "series": series, "axis_config": {"categories": ["a", "b"]}})


def card(**more: Any) -> dict[str, Any]:
    return {"type": "card", "title": mrkdwn("node-3"), **more}


def container(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "container", "title": plain("Logs"), "child_blocks": list(children), **more}


def table(rows: int = 2, columns: int = 2) -> dict[str, Any]:
    return {"type": "table", "rows": [[cell("x")] * columns for _ in range(rows)]}


IMAGE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}

GOOD = [
    section("x" * 3000),
    section("x", fields=[mrkdwn("y" * 1200)] * 10, accessory=button("go"), expand=True),
    {"type": "section", "fields": [plain("y" * 2000)]},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [mrkdwn("x"), plain("y"), IMAGE]},
    {"type": "divider", "block_id": "d"},
    IMAGE,
    actions(*(button(f"b{n}") for n in range(25))),
    actions(button("link", url="https://example.com/", style="danger", accessibility_label="open")),
    actions(select(options=options(100), placeholder=plain("pick"))),
    actions(select(option_groups=[{"label": plain("g"), "options": options(3)}])),
    actions(select("external_select", min_query_length=0)),
    actions(select("users_select"), {"type": "overflow", "options": options(5), "action_id": "more"}),
    actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-11-22"}),
    field("name", hint=plain("h"), optional=True),
    {"type": "markdown", "text": "x" * 12_000},
    rich("x"),
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "bullet",
                "indent": 1,
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "a", "style": {"bold": True, "code": True}},
                            {"type": "link", "url": "https://example.com/", "text": "b"},
                            {"type": "emoji", "name": "wave"},
                            {"type": "user", "user_id": "U0OLGA"},
                            {
                                "type": "date",
                                "timestamp": 1_800_000_000,
                                "format": "{time}",
                                "fallback": "then",
                            },
                        ],
                    }
                ],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "log"}], "border": 0},
            {"type": "rich_text_quote", "elements": [{"type": "broadcast", "range": "here"}]},
        ],
    },
    table(100, 20),
    {"type": "table", "rows": [[rich("x")]], "column_settings": [{"align": "right", "is_wrapped": True}]},
    data_table(201, 20),
    {**data_table(), "page_size": 100, "row_header_column_index": 1},
    {
        **data_table(),
        "rows": [[cell("Name")], [{"type": "raw_number", "value": 3, "text": "3"}], [rich("x")]],
    },
    chart(),
    bars(["a", "b"]),
    plan(*(task(str(n)) for n in range(50))),
    plan(task("1", "complete", details=rich("x"), output=rich("y"))),
    {
        "type": "task_card",
        **task("1", "in_progress", sources=[{"type": "url", "url": "https://a.example/", "text": "a"}]),
    },
    card(subtitle=plain("s"), body=mrkdwn("x" * 200), actions=[button(f"b{n}") for n in range(3)]),
    {"type": "carousel", "elements": [card()] * 10},
    container(*[section("x")] * 10, is_collapsible=True, default_collapsed=True),
    {"type": "file", "external_id": "x", "source": "remote"},
    {
        "type": "context_actions",
        "elements": [{"type": "icon_button", "icon": "trash", "text": plain("Delete")}],
    },
    {
        "type": "video",
        "alt_text": "v",
        "title": plain("v"),
        "thumbnail_url": "https://example.com/t.png",
        "video_url": "https://example.com/v",
    },
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_taken(block: dict[str, Any]) -> None:
    check_message([block])


BAD = [
    ({"type": "section"}, "/blocks/0", "missing required field: text or fields"),
    (section("x" * 3001), "/blocks/0/text/text", "less than 3001"),
    (section(""), "/blocks/0/text/text", "more than 0"),
    (section("x", colour="red"), "/blocks/0/colour", "invalid additional property: colour"),
    (section("x", fields=[plain("y")] * 11), "/blocks/0/fields", "no more than 10"),
    (section("x", fields=[plain("y" * 2001)]), "/blocks/0/fields/0/text", "less than 2001"),
    ({"type": "section", "text": "raw"}, "/blocks/0/text", "must provide an object"),
    (
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        "/blocks/0/text/emoji",
        "additional",
    ),
    (
        section("x", accessory={"type": "plain_text_input", "action_id": "a"}),
        "/blocks/0/accessory/type",
        "unsupported",
    ),
    (section("x", block_id="x" * 256), "/blocks/0/block_id", "less than 256"),
    ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text", "less than 151"),
    ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text/type", "unsupported type: mrkdwn"),
    ({"type": "context", "elements": []}, "/blocks/0/elements", "no less than 1"),
    ({"type": "context", "elements": [plain("x")] * 11}, "/blocks/0/elements", "no more than 10"),
    (actions(*(button(f"b{n}") for n in range(26))), "/blocks/0/elements", "no more than 25"),
    (actions(button("a"), button("a")), "/blocks", "action_id already exists: a"),
    (actions(button("a", "v" * 2001)), "/blocks/0/elements/0/value", "less than 2001"),
    (actions(button("a", style="blue")), "/blocks/0/elements/0/style", "one of"),
    (actions(button("a", url="http://[")), "/blocks/0/elements/0/url", "valid URL"),
    (actions(button("a", url="https:///x")), "/blocks/0/elements/0/url", "valid URL"),
    (card(icon=IMAGE, slack_icon={"name": "bot"}), "/blocks/0/slack_icon", "not be combined"),
    (actions(button("a", url="node-3")), "/blocks/0/elements/0/url", "valid URL"),
    (actions({**button("a"), "text": plain("x" * 76)}), "/blocks/0/elements/0/text/text", "less than 76"),
    (actions({**button("a"), "text": mrkdwn("x")}), "/blocks/0/elements/0/text/type", "unsupported"),
    (
        actions(button("a", confirm={"title": plain("t")})),
        "/blocks/0/elements/0/confirm",
        "missing required field",
    ),
    (actions(select(options=options(101))), "/blocks/0/elements/0/options", "no more than 100"),
    (actions(select()), "/blocks/0/elements/0", "exactly one of options"),
    (
        actions(select(options=[{"text": plain("x" * 76), "value": "1"}])),
        "/blocks/0/elements/0/options/0/text/text",
        "76",
    ),
    (actions(select(options=options(2) + options(1))), "/blocks/0/elements/0/options", "unique"),
    (
        actions(select(options=options(2), initial_option=options(9)[8])),
        "/blocks/0/elements/0",
        "initial option",
    ),
    (
        actions(select("external_select", min_query_length="0")),
        "/blocks/0/elements/0/min_query_length",
        "integer",
    ),
    (actions({"type": "overflow", "options": options(6)}), "/blocks/0/elements/0/options", "no more than 5"),
    ({"type": "input", "label": plain("l"), "element": button("a")}, "/blocks/0/element/type", "unsupported"),
    ({"type": "image", "alt_text": "a"}, "/blocks/0", "exactly one of image_url"),
    ({"type": "image", "image_url": "https://example.com/"}, "/blocks/0", "missing required field: alt_text"),
    ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text", "less than 12001"),
    (
        {"type": "rich_text", "elements": [{"type": "text", "text": "x"}]},
        "/blocks/0/elements/0/type",
        "unsupported",
    ),
    (table(101), "/blocks/0/rows", "no more than 100"),
    (table(1, 21), "/blocks/0/rows/0", "no more than 20"),
    (data_table(1), "/blocks/0/rows", "no less than 2"),
    (data_table(202), "/blocks/0/rows", "no more than 201"),
    (data_table(2, 1, "x" * 10_001), "/blocks/0/rows", "less than 20001"),
    (data_table(2, 1, ""), "/blocks/0/rows/0/0/text", "more than 0"),
    ({**data_table(), "rows": [[rich("h")], [cell("x")]]}, "/blocks/0/rows/0/0", "header"),
    ({**data_table(), "rows": [[cell("h")], [cell("x"), cell("y")]]}, "/blocks/0/rows", "same number"),
    ({**data_table(), "page_size": 101}, "/blocks/0/page_size", "between 1 and 100"),
    ({"type": "data_table", "rows": [[cell("x")], [cell("y")]]}, "/blocks/0", "caption"),
    (chart(title="x" * 51), "/blocks/0/title", "less than 51"),
    (bars(["a"]), "/blocks/0/chart/series/0/data", "every category"),
    (plan(task("1"), task("1")), "/blocks/0/tasks", "task_id must be unique"),
    (plan(*(task(str(n)) for n in range(51))), "/blocks/0/tasks", "no more than 50"),
    (plan(task("1", "done")), "/blocks/0/tasks/0/status", "one of"),
    (plan({"task_id": "1", "title": "x"}), "/blocks/0/tasks/0", "missing required field: status"),
    (plan(task("1", details="text")), "/blocks/0/tasks/0/details", "must provide an object"),
    ({"type": "task_card", **task("1", "pending")}, "/blocks/0/status", "must not be pending"),
    (card(body=mrkdwn("x" * 201)), "/blocks/0/body/text", "less than 201"),
    (card(actions=[button(f"b{n}") for n in range(4)]), "/blocks/0/actions", "no more than 3"),
    ({"type": "card"}, "/blocks/0", "missing required field"),
    ({"type": "carousel", "elements": [card()] * 11}, "/blocks/0/elements", "no more than 10"),
    (container(*[section("x")] * 11), "/blocks/0/child_blocks", "no more than 10"),
    (container(container(section("x"))), "/blocks/0/child_blocks/0/type", "unsupported"),
    (container(section("x"), default_collapsed=True), "/blocks/0/default_collapsed", "is_collapsible"),
    ({"type": "alert", "text": plain("x")}, "/blocks/0/type", "unsupported type: alert"),
]


@pytest.mark.parametrize(("block", "pointer", "words"), BAD)
def test_refused(block: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(SlackError) as caught:
        check_message([block])
    assert caught.value.code == "invalid_blocks"
    assert any(words in text and f"[json-pointer:{pointer}]" in text for text in caught.value.messages), (
        caught.value.messages
    )


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([section("a", block_id="same"), section("b", block_id="same")], "invalid_blocks"),
        ([chart(), chart(), chart()], "invalid_blocks"),
        ([data_table(), data_table()], "only_one_table_allowed"),
        ([table(), data_table()], "only_one_table_allowed"),
        ([table(), container(table())], "only_one_table_allowed"),
        ([section("x" * 3000)] * 5, "msg_blocks_too_long"),
        ([{"type": "markdown", "text": "x" * 6_001}] * 2, "msg_blocks_too_long"),
        ({"type": "divider"}, "invalid_blocks_format"),
    ],
)
def test_whole_messages(blocks: Any, code: str) -> None:
    with pytest.raises(SlackError) as caught:
        check_message(blocks)
    assert caught.value.code == code


def test_a_full_data_table_does_not_count_towards_the_message() -> None:
    blocks = [data_table(2, 1, "x" * 10_000), section("y" * 3000)]
    check_message(blocks)
    assert size(blocks) < 3100


@pytest.mark.parametrize(
    ("block", "modal_takes", "home_takes"),
    [
        (section("x"), True, True),
        (card(), True, True),
        ({"type": "alert", "text": plain("x"), "level": "warning"}, True, False),
        (data_table(), False, True),
        (table(), False, True),
        ({"type": "carousel", "elements": [card()]}, False, True),
        (plan(task("1")), False, False),
        ({"type": "markdown", "text": "x"}, False, False),
    ],
)
def test_surfaces(block: dict[str, Any], *, modal_takes: bool, home_takes: bool) -> None:
    for kind, view, takes in (
        ("modal", modal(block), modal_takes),
        ("home", {"type": "home", "blocks": [block]}, home_takes),
    ):
        if takes:
            check_view(view, kind)
        else:
            with pytest.raises(SlackError, match="unsupported type"):
                check_view(view, kind)


def test_blocks_inside_others_are_newer_blocks_too() -> None:
    blocks = [container(section("x"))]
    check_message(blocks)
    with pytest.raises(SlackError, match="unsupported type: container"):
        check_message(blocks, native=False)


def test_select_answers() -> None:
    assert check_options({"options": []}) is None
    assert check_options({"options": options(100)}) is None
    assert check_options({"option_groups": [{"label": plain("g"), "options": options(1)}]}) is None
    assert "no more than 100" in (check_options({"options": options(101)}) or "")
    assert "missing required field" in (check_options({}) or "")


@pytest.mark.parametrize(
    "block",
    [
        sdk.SectionBlock(text="hello", fields=["a", "b"], accessory=sdk.ButtonElement(text="go", action_id="go")),
        sdk.HeaderBlock(text="hello"),
        sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="x")]),
        sdk.ActionsBlock(
            elements=[
                sdk.StaticSelectElement(action_id="s", options=[sdk.Option(text="a", value="a")]),
                sdk.ExternalDataSelectElement(action_id="e", placeholder="machine", min_query_length=0),
                sdk.CheckboxesElement(action_id="c", options=[sdk.Option(text="a", value="a")]),
            ]
        ),
        sdk.InputBlock(label="l", element=sdk.PlainTextInputElement(action_id="a", multiline=True)),
        sdk.PlanBlock(title="t", tasks=[sdk.TaskCardBlock(task_id="1", title="x", status="pending").to_dict()]),
        sdk.TableBlock(rows=[[sdk.RawTextObject(text="x").to_dict()]]),
        sdk.CardBlock(title="t", body="b", actions=[sdk.ButtonElement(text="go", action_id="go")]),
        sdk.ContainerBlock(title="t", child_blocks=[sdk.DividerBlock()]),
        sdk.CarouselBlock(elements=[sdk.CardBlock(title="t")]),
        sdk.MarkdownBlock(text="x"),
    ],
    ids=lambda block: block.type,
)
def test_what_the_sdk_builds_is_taken(block: sdk.Block) -> None:
    check_message([block.to_dict()])
