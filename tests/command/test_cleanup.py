"""What phones and Slack do to text is undone, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.command.cleanup import clean, split


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("commission node-3 \u2014enable-ssh", "commission node-3 --enable-ssh"),
        ("commission node-3 \u2013\u2013enable-ssh", "commission node-3 --enable-ssh"),
        ("\u2014at-once 5", "--at-once 5"),
        ("deny op-1 \u201cnot tonight\u201d", 'deny op-1 "not tonight"'),
        ("deny op-1 don\u2019t", "deny op-1 don't"),
        ("machine <http://node-3.maas|node-3.maas>", "machine node-3.maas"),
        ("install --url <http://10.0.0.1:5240/MAAS>", "install --url http://10.0.0.1:5240/MAAS"),
        ("install --url <http://a.b/c|http://a.b/c>", "install --url http://a.b/c"),
        ("x <https://evil.example|node-3.maas>", "x https://evil.example"),
        ("x <mailto:a@b.c|a@b.c>", "x a@b.c"),
        ("x &lt;b&gt; &amp;amp;", "x <b> &amp;"),
        ("audit <@U0OLGA|olga> <#C0OPS|ops> <!subteam^S0A|@g>", "audit U0OLGA C0OPS S0A"),
        ("machine\u00a0node\u200b-3", "machine node-3"),
        ("machine \u202enode-3", "machine node-3"),
        ("a well-kept\u2013name", "a well-kept\u2013name"),
        ("a \u2014 b", "a \u2014 b"),
    ],
)
def test_it_reads_what_was_meant(typed: str, meant: str) -> None:
    assert clean(typed) == meant


def test_quotes_group_and_an_apostrophe_is_a_letter() -> None:
    assert split('deny op-1 "not tonight"') == ["deny", "op-1", "not tonight"]
    assert split("deny op-1 don't do it") == ["deny", "op-1", "don't", "do", "it"]


@given(st.text())
def test_no_text_breaks_it_and_the_result_is_stable(text: str) -> None:
    once = clean(text)
    assert all(character.isprintable() for character in once)
    split(once)


@given(st.lists(st.from_regex(r"[a-z][a-z0-9.:*-]{0,15}", fullmatch=True), min_size=1, max_size=6))
def test_plain_words_pass_unchanged(words: list[str]) -> None:
    assert split(clean(" ".join(words))) == words
