"""Whatever the message, Slack takes it, and its strings stay what they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Chart,
    Code,
    Divider,
    Facts,
    Heading,
    Link,
    Log,
    Mark,
    Message,
    Note,
    Paragraph,
    Person,
    Style,
    Table,
    Task,
    Tasks,
    TaskState,
    When,
)
from bot.slack.render import Native, Surface, action_name, render
from sandbox.slack.blocks import check_message
from tests.slack.blockcheck import check, mrkdwn, strings, units

NASTY = st.sampled_from(
    [
        "<!channel>",
        "*",
        "_",
        "~",
        "`",
        "```",
        ":tada:",
        "<@U123>",
        "&lt;",
        ">",
        "\u202e",
        "\u200b",
        "\x1b[31m",
        "\n",
        "|",
        "\ud800",
    ]
)
WORDS = st.lists(st.one_of(NASTY, st.text(max_size=12)), max_size=6).map("".join)
LONG = st.builds(lambda word, times: word * times, st.text(min_size=1, max_size=5), st.integers(0, 2000))
STRINGS = st.one_of(WORDS, LONG)
SPANS = st.one_of(
    WORDS,
    WORDS.map(Bold),
    WORDS.map(Code),
    st.sampled_from(["U0OLGA", "S0GROUP", "nobody", "<!here>"]).map(Person),
    st.builds(Link, st.one_of(WORDS, st.just("https://maas.example/r?a=1&b=2")), WORDS),
    st.integers(0, 2**32).map(lambda seconds: When(datetime.fromtimestamp(seconds, UTC))),
    st.integers(0, 2**32).map(lambda seconds: When(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))),
    st.sampled_from(Mark),
)
TEXTS = st.one_of(st.lists(SPANS, max_size=6), LONG.map(lambda text: [text]))
TASKS = st.builds(Task, WORDS, WORDS, st.sampled_from(TaskState), WORDS)
TABLES = st.builds(
    lambda columns, row, times, caption, total: Table(columns, [row] * times, caption, total),
    st.lists(WORDS, max_size=25),
    st.lists(st.one_of(WORDS, st.just("x" * 700)), max_size=25),
    st.sampled_from([0, 1, 3, 40, 220]),
    WORDS,
    st.none() | st.integers(0, 5000),
)
CHARTS = st.builds(
    lambda title, moments, names, values: Chart(title, moments, [(name, values) for name in names]),
    WORDS,
    st.lists(STRINGS, max_size=30),
    st.lists(STRINGS, max_size=15),
    st.lists(st.floats() | st.integers(0, 5000), max_size=30),
)
PARTS = st.one_of(
    STRINGS.map(Heading),
    TEXTS.map(Paragraph),
    st.lists(TEXTS, max_size=40).map(Bullets),
    st.lists(st.tuples(WORDS, TEXTS), max_size=25).map(Facts),
    TABLES,
    CHARTS,
    st.builds(Tasks, WORDS, st.lists(TASKS, max_size=60), st.none() | st.integers(0, 500)),
    st.builds(Log, WORDS, STRINGS),
    TEXTS.map(Note),
    st.just(Divider()),
    st.lists(
        st.builds(
            Button,
            WORDS,
            st.sampled_from(["go", "stop", "x.y"]),
            st.text(max_size=20),
            st.sampled_from(Style),
        ),
        max_size=30,
    ).map(Buttons),
)
MESSAGES = st.builds(
    Message, STRINGS, st.one_of(st.lists(PARTS, max_size=6), st.lists(PARTS, min_size=40, max_size=55))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(MESSAGES, st.sampled_from(Surface), st.booleans())
def test_any_message_is_within_limits(message: Message, surface: Surface, native: bool) -> None:
    rendered = render(message, surface=surface, native=native)
    check(rendered.blocks, surface.value)
    if surface in (Surface.MESSAGE, Surface.EPHEMERAL):
        check_message(rendered.blocks, native=True, files=lambda _: True)
        check_message(render(message, surface=surface, native=False).blocks, native=False, files=lambda _: True)
    assert rendered.text.strip()
    assert units(rendered.text) <= 4_000
    assert "<!" not in rendered.text
    if not native:
        assert not rendered.native
    assert len({file.name for file in rendered.files}) == len(rendered.files)
    assert rendered == render(message, surface=surface, native=native)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60))
def test_text_arrives_letter_by_letter(name: str) -> None:
    message = Message(
        name,
        (
            Heading(name),
            Paragraph((name,)),
            Bullets(((Code(name),),)),
            Table((name, "b"), ((name, name),)),
            Tasks("t", (Task("k", name, TaskState.DONE, name),)),
            Log("log", name),
            Buttons((Button(name, "go", "1"),)),
        ),
    )
    shown = list(strings(render(message).blocks))
    assert shown.count(name) >= 7 + 1
    assert render(message).text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == name


@given(WORDS, WORDS)
def test_facts_and_notes_are_never_markup(label: str, value: str) -> None:
    blocks = render(Message("s", (Facts(((label, (value, Code(value))),)), Note((value, Bold(value)))))).blocks
    check(blocks, "message")


def test_a_cut_table_says_so_and_is_whole_in_a_file() -> None:
    rows = [(f"node-{n}", "x" * 60) for n in range(400)]
    rendered = render(Message("400 machines", (Table(("Name", "State"), rows, caption="Machines"),)))
    (file,) = rendered.files
    shown = len(rendered.blocks[0]["rows"]) - 1
    assert rendered.blocks[1]["elements"][0]["text"] == f"{shown} of 400 shown; all of it is in machines.txt"
    assert all(f"node-{n} " in file.text for n in range(400))


def test_a_part_of_a_longer_table_needs_no_file() -> None:
    rendered = render(Message("s", (Table(("Name",), (("a",), ("b",)), total=90),)))
    assert rendered.files == ()
    assert rendered.blocks[1]["elements"][0]["text"] == "2 of 90 shown"


def test_what_is_left_out_of_a_plan_is_what_is_done() -> None:
    tasks = [Task(str(n), f"node-{n}", TaskState.FAILED if n >= 55 else TaskState.DONE) for n in range(60)]
    rendered = render(Message("s", (Tasks("Commission", tasks),)))
    titles = [task["title"] for task in rendered.blocks[0]["tasks"]]
    assert len(titles) == 50
    assert titles[-5:] == [f"node-{n}" for n in range(55, 60)]
    assert rendered.blocks[1]["elements"][0]["text"] == "50 of 60 shown; all of it is in commission.txt"


def test_private_answers_name_no_file() -> None:
    rows = [(f"node-{n}",) for n in range(400)]
    rendered = render(Message("s", (Table(("Name",), rows),)), surface=Surface.EPHEMERAL)
    assert rendered.blocks[1]["elements"][0]["text"] == "200 of 400 shown"


def test_the_log_keeps_its_end() -> None:
    rendered = render(Message("s", (Log("dmesg", "\n".join(f"line {n}" for n in range(2000))),)))
    shown = rendered.blocks[0]["elements"][1]["elements"][0]["text"]
    assert shown.endswith("line 1999")
    assert shown.startswith("line ")
    assert "line 0\n" in rendered.files[0].text


def test_only_one_table_is_native() -> None:
    one = Table(("Name",), (("a",),))
    rendered = render(Message("s", (one, one)))
    assert [block["type"] for block in rendered.blocks] == ["data_table", "rich_text"]


def test_one_native_kind_can_be_refused_alone() -> None:
    message = Message("s", (Table(("Name",), (("a",),)), Tasks("t", (Task("k", "t", TaskState.DONE),))))
    assert render(message).native == {Native.TABLE, Native.PLAN}
    assert render(message, native=[Native.PLAN]).native == {Native.PLAN}


def test_a_wide_plain_table_becomes_a_list() -> None:
    table = Table(tuple("abcdef"), (tuple("x" * 30 for _ in range(6)),))
    (block,) = render(Message("s", (table,)), native=False).blocks
    assert block["elements"][0]["type"] == "rich_text_list"


def test_wide_characters_stay_aligned() -> None:
    table = Table(("Name", "State"), (("日本語", "ok"), ("node", "ok")))
    (block,) = render(Message("s", (table,)), native=False).blocks
    assert block["elements"][0]["elements"][0]["text"] == "Name    State\n日本語  ok\nnode    ok"


def test_buttons_for_one_action_have_ids_of_their_own() -> None:
    buttons = Buttons((Button("a", "cancel", "1"), Button("b", "cancel", "2")))
    elements = render(Message("s", (buttons,))).blocks[0]["elements"]
    assert [element["action_id"] for element in elements] == ["cancel", "cancel#2"]
    assert [action_name(element["action_id"]) for element in elements] == ["cancel", "cancel"]


@pytest.mark.parametrize("button", [Button("x", "", "1"), Button("x", "a#b", "1"), Button("x", "a", "v" * 2001)])
def test_a_button_is_refused_rather_than_changed(button: Button) -> None:
    with pytest.raises(ValueError):
        render(Message("s", (Buttons((button,)),)))


def test_buttons_survive_an_overlong_message() -> None:
    parts = [Paragraph(("x" * 2500,)) for _ in range(60)]
    rendered = render(Message("s", (*parts, Buttons((Button("Stop", "stop", "1"),)))))
    assert rendered.blocks[-1]["type"] == "actions"
    assert rendered.files[0].text.count("x" * 2500) == 60


def test_a_person_of_the_message_is_a_mention_in_its_text() -> None:
    message = Message("<@U0OLGA> and <@U0EVIL>", (Paragraph((Person("U0OLGA"),)),))
    assert render(message).text == "<@U0OLGA> and &lt;@U0EVIL&gt;"


def test_mentions_in_a_summary_cannot_reach_everybody() -> None:
    text = render(Message("<!channel> <!here>")).text
    mrkdwn(text.replace("&lt;", ""))
    assert text == "&lt;!channel&gt; &lt;!here&gt;"


def test_what_fits_is_whole_beside_what_does_not() -> None:
    rows = [(f"node-{n}", "x" * 80) for n in range(190)]
    parts = (Table(("Name", "State"), rows), Log("short", "one line"), Paragraph(("y" * 2000,)))
    rendered = render(Message("s", parts))
    assert len(rendered.files) == 1
    assert [block["type"] for block in rendered.blocks] == ["data_table", "context", "rich_text", "rich_text"]
    assert "y" * 2000 in list(strings(rendered.blocks))
    assert len(rendered.blocks[0]["rows"]) > 100
