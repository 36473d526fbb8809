"""Text and blocks to HTML, without a browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.page.charts import plot
from sandbox.page.faults import set_fault
from sandbox.page.links import safe_link
from sandbox.page.markdown import render_markdown
from sandbox.page.mrkdwn import render_mrkdwn
from sandbox.page.render import Renderer, make_environment
from sandbox.slack.faults import Faults
from tests.browser import gallery
from tests.browser.app import HOSTILE, hostile


class Names:
    """A directory of one of everything."""

    def user_label(self, user_id: str) -> str | None:
        return {"U0OLGA": "Olga Operator"}.get(user_id)

    def channel_label(self, channel_id: str) -> str | None:
        return {"C0OPS": "ops"}.get(channel_id)

    def group_label(self, group_id: str) -> str | None:
        return {"S0APPROVE": "metal-approvers"}.get(group_id)

    def people(self) -> list[tuple[str, str]]:
        return [("U0OLGA", "Olga Operator")]

    def conversations(self) -> list[tuple[str, str]]:
        return [("C0OPS", "ops")]


def mrkdwn(text: str) -> str:
    return str(render_mrkdwn(text, Names(), viewer="U0OLGA"))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~ `c`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>c</code>"),
        ("*_both_*", "<strong><em>both</em></strong>"),
        ("snake_case_name 2*3*4 a*b", "snake_case_name 2*3*4 a*b"),
        ("52:54:00:aa:bb:cc :x: :nope:", "52:54:00:aa:bb:cc ❌ :nope:"),
        ("a &lt;b&gt; &amp;amp;", "a &lt;b&gt; &amp;amp;"),
        ("one\ntwo", "one<br>two"),
        ("&gt; quoted\n&gt; more\nafter", "<blockquote>quoted<br>more</blockquote>after"),
        ("```a *b*\n c```", "<pre>a *b*\n c</pre>"),
        ("before\n```\nx\n```\nafter", "before<pre>x</pre>after"),
        ("`*a* &lt;`", "<code>*a* &lt;</code>"),
        ("<!here> <!subteam^S0APPROVE>", None),
        ("<javascript:alert(1)|go>", "go"),
        ("<mailto:a@b.example|a@b.example>", None),
    ],
)
def test_slack_markup(text: str, html: str | None) -> None:
    rendered = mrkdwn(text)
    if html is None:
        assert "&lt;" not in rendered
    else:
        assert rendered == html


def test_mentions_and_links_are_named() -> None:
    rendered = mrkdwn("<@U0OLGA> <@U0NOBODY> <#C0OPS> <https://a.example/?x=1&amp;y=2|a &amp; b>")
    assert '<span class="mention user me" data-user="U0OLGA">@Olga Operator</span>' in rendered
    assert "@U0NOBODY" in rendered
    assert 'data-open-channel="C0OPS">#ops</a>' in rendered
    assert 'href="https://a.example/?x=1&amp;y=2"' in rendered
    assert ">a &amp; b</a>" in rendered


def test_dates_carry_their_moment_and_their_fallback() -> None:
    rendered = mrkdwn("<!date^1763800000^{date} at {time}|22 Nov 2025>")
    assert 'datetime="2025-11-22T08:26:40+00:00"' in rendered
    assert 'data-date-format="{date} at {time}"' in rendered
    assert ">22 Nov 2025</time>" in rendered
    assert mrkdwn("<!date^999999999999^{date}|never>") == "never"


def test_markdown_subset() -> None:
    rendered = str(render_markdown("# H\n\n1. a\n2. b\n   - c\n\n| x | y |\n|--|--|\n| 1 | **2** |\n\n---\n- [x] done"))
    assert rendered.startswith("<h3>H</h3><ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>")
    assert "<td><strong>2</strong></td>" in rendered
    assert rendered.endswith("<hr><ul><li>☑ done</li></ul>")


class _Tags(HTMLParser):
    """Collects every tag and attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser.found


_MARKS = [
    "*",
    "_",
    "~",
    "`",
    "```",
    "<",
    ">",
    "&lt;",
    "&",
    "|",
    "\n",
    "&gt; ",
    "# ",
    "- ",
    "1. ",
    "[",
    "](",
    ")",
    "\\",
]
_WORDS = [
    "!date^1^",
    "@U0OLGA",
    "<script>",
    "javascript:alert(1)",
    "https://a.example",
    "onload=",
    "{date}",
    "x",
    " ",
]
_PIECES = st.lists(st.sampled_from([*_MARKS, *_WORDS, '"', "'"]), max_size=24).map("".join)
_INLINE = {"a", "strong", "em", "s", "code", "br", "span", "time"}
_BLOCKS = {"pre", "blockquote", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "hr", "div"}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}


@given(_PIECES)
def test_no_text_makes_a_tag_or_an_address_of_its_own(text: str) -> None:
    allowed = _INLINE | _BLOCKS | _TABLES
    for html in (mrkdwn(text), str(render_markdown(text))):
        for tag, attributes in tags(html):
            assert tag in allowed
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            href = attributes.get("href", "#")
            assert href == "#" or safe_link(href) == href


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JavaScript:x", "data:text/html,x", "//a", "/x", "http://[", None]
)
def test_other_addresses_are_no_links(url: object) -> None:
    assert safe_link(url) is None


def renderer() -> Renderer:
    return Renderer(make_environment(), Names(), "U0OLGA")


@pytest.mark.parametrize("name", [*gallery.MESSAGES, "form"])
def test_every_block_is_drawn(name: str) -> None:
    blocks = gallery.FORM if name == "form" else gallery.MESSAGES[name]
    html = str(renderer().blocks(blocks))
    unsupported = re.findall(r"type “(\w+)” can.t be shown", html)
    assert unsupported == (["never_heard_of"] if name == "cards" else [])


_GOLDEN = sorted((Path(__file__).parents[1] / "slack" / "golden").glob("*.json"))


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: path.stem)
def test_what_the_bot_posts_is_drawn(path: Path) -> None:
    html = str(renderer().blocks(json.loads(path.read_text())["blocks"]))
    assert html
    assert "can't be shown" not in html


def test_hostile_blocks_make_no_tags() -> None:
    html = str(renderer().blocks(hostile()))
    found = tags(html)
    assert not {"script", "img", "svg"} & {tag for tag, _ in found}
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    assert HOSTILE not in html


@pytest.mark.parametrize("block", [{"type": "section", "text": 5}, {"type": "data_table"}, {"type": "../page"}, {}])
def test_a_block_out_of_shape_spoils_nothing(block: dict[str, Any]) -> None:
    html = str(renderer().blocks([block, {"type": "divider"}]))
    assert "divider" in html


def test_a_bar_chart_spans_its_values() -> None:
    series = [{"name": "a", "data": [{"label": "x", "value": -50}, {"label": "y", "value": 100}]}]
    drawn = plot({"type": "bar", "series": series})
    assert [label for _, label in drawn.ticks] == ["-50", "0", "50", "100"]
    below, above = drawn.bars
    assert below.y == pytest.approx(above.y + above.height)
    assert above.height == pytest.approx(2 * below.height)


def test_a_pie_shares_the_whole() -> None:
    drawn = plot({"type": "pie", "segments": [{"label": "a", "value": 3}, {"label": "b", "value": 1}]})
    assert [piece.percent for piece in drawn.slices] == [75, 25]
    assert plot({"type": "pie", "segments": [{"label": "a", "value": 0}]}).slices[0].percent == 0


def test_a_faults_parameters_are_numbers_where_its_defaults_are() -> None:
    faults = Faults(lambda: 0.0)
    set_fault(faults, "slow", {"seconds": "0.5", "method": "7"})
    assert faults.active()["slow"] == {"seconds": 0.5, "method": "7"}
    with pytest.raises(ValueError, match="takes no nonsense"):
        set_fault(faults, "slow", {"nonsense": "1"})
    with pytest.raises(ValueError, match="no-such-fault"):
        set_fault(faults, "no-such-fault", {})
