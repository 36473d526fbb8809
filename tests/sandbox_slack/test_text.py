"""What Slack makes of typed text."""

import pytest

from sandbox.slack import Workspace
from sandbox.slack.text import Typed, escape, unescape


@pytest.fixture(scope="module")
def typed():
    workspace = Workspace()
    groups = {group.handle: group.id for group in workspace.usergroups.values()}
    return lambda text: Typed(text, workspace.users, workspace.channels, groups)


@pytest.mark.parametrize(
    ("raw", "message", "command"),
    [
        ("plain words", "plain words", "plain words"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d", "a &lt; b &amp; c &gt; d"),
        ("@olga look", "<@U0OLGA> look", "<@U0OLGA|olga> look"),
        ("ask @metal-approvers", "ask <!subteam^S0APPROVE>", "ask <!subteam^S0APPROVE>"),
        ("in #ops", "in <#C0OPS|ops>", "in <#C0OPS|ops>"),
        ("see http://a.example.com/x.", "see <http://a.example.com/x>.", "see <http://a.example.com/x>."),
        (
            "on a.example.com",
            "on <http://a.example.com|a.example.com>",
            "on <http://a.example.com|a.example.com>",
        ),
        ("rename node-3.maas x", "rename node-3.maas x", "rename node-3.maas x"),
        ("@nobody and #nowhere", "@nobody and #nowhere", "@nobody and #nowhere"),
        ("mail olga@metal.example", "mail olga@metal.example", "mail olga@metal.example"),
        ("version 2.9.3", "version 2.9.3", "version 2.9.3"),
        (
            "\u2014enable-ssh \u201ca b\u201d",
            "\u2014enable-ssh \u201ca b\u201d",
            "\u2014enable-ssh \u201ca b\u201d",
        ),
        (
            "<@U0OLGA> and <@U0NOBODY>",
            "<@U0OLGA> and &lt;@U0NOBODY&gt;",
            "<@U0OLGA|olga> and &lt;@U0NOBODY&gt;",
        ),
    ],
)
def test_messages_and_commands(typed, raw: str, message: str, command: str) -> None:
    assert typed(raw).message_text() == message
    assert typed(raw).command_text(should_escape=True) == command


def test_without_should_escape_names_stay_as_typed(typed) -> None:
    assert typed("@olga & #ops").command_text(should_escape=False) == "@olga &amp; #ops"


def test_composer_block(typed) -> None:
    block = typed("@maas status of http://x.example.com").rich_text("b1")
    assert block["elements"][0]["elements"] == [
        {"type": "user", "user_id": "U0MAASBOT"},
        {"type": "text", "text": " status of "},
        {"type": "link", "url": "http://x.example.com"},
    ]


@pytest.mark.parametrize("text", ["a & b", "&amp;", "<x>", "&lt;"])
def test_escaping_goes_both_ways(text: str) -> None:
    assert unescape(escape(text)) == text
