"""Words become calls, and what does not fit is explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.command.parser import Parser
from bot.command.usage import UsageError
from bot.maas.addresses import block, parse_range
from bot.message import plain
from commands.catalogue import build_catalog

PARSER = Parser(build_catalog())


def explained(text: str) -> str:
    with pytest.raises(UsageError) as error:
        PARSER.parse(text)
    return " / ".join(plain(getattr(part, "text", ())) for part in error.value.message.parts)


@pytest.mark.parametrize(
    "words",
    [
        "commission node-3 node-4 --enable-ssh",
        "commission node-3 node-4 \u2014enable-ssh",
        "COMMISSION node-3 node-4 --enable_ssh",
        "commission --Enable-SSH node-3 node-4",
        "commission <http://node-3|node-3> node-4 --enable_ssh",
    ],
)
def test_one_meaning_in_many_spellings(words: str) -> None:
    call = PARSER.parse(words)
    assert call.command.name == "commission"
    assert call.args == ("node-3", "node-4")
    assert call.kwargs == {"enable_ssh": True}


def test_machine_names_keep_their_case() -> None:
    assert PARSER.parse("machine y8K8f7").args == ("y8K8f7",)


def test_the_region_can_be_named_anywhere() -> None:
    assert PARSER.parse("status --region lab").region == "lab"
    assert PARSER.parse("--region=lab machines status:new").region == "lab"
    assert PARSER.parse("status --Region lab").region == "lab"
    assert PARSER.parse("status").region is None
    # without a name: whoever knows the regions says which there are
    for text in ("--region", "images --region", "images --region=", "images --region --queue"):
        assert PARSER.parse(text).region == ""
    assert PARSER.parse("--region lab").command.name == "help"


@pytest.mark.parametrize("dash", ["-", " - ", " \u2013 ", "\u2013", " \u2014 "])
def test_a_range_is_one_word_however_its_dash_is_typed(dash: str) -> None:
    call = PARSER.parse(f"dhcp enable lab-net --range 10.0.0.10{dash}10.0.0.20")
    assert parse_range(call.kwargs["range_"]) == block("10.0.0.10", "10.0.0.20")
    assert PARSER.parse("ranges remove fe80::1 - fe80::9").args == ("fe80::1-fe80::9",)
    assert PARSER.parse('ranges add lab-net 10.0.0.1-9 --comment "hall - left"').kwargs["comment"] == "hall - left"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("comission node-3", "Did you mean commission?"),
        ("commission a --enable-shs", "Did you mean --enable-ssh?"),
        ("commission a --at-once many", "many does not fit --at-once. It takes a whole number from 1 up"),
        ("machine", "machine needs a name."),
        ("machine a b", "does not know what to do with b"),
        ("op", "op needs an operation."),
        ("ops --limit", "--limit needs a value."),
        ("xyzzy", "Type /maas help"),
        ("images source", "Did you mean images sources or images source add"),
        ("dhcp on", "Did you mean dhcp enable or dhcp disable?"),
        ("images source add", "images source add needs a web address."),
        ("ranges add lab-net", "ranges add needs its addresses."),
        ("reserved add", "reserved add needs an IP address."),
        ("reserved add 10.98.0.9", "reserved add needs a MAC address."),
        ("release node-3 --reason", "--reason needs a value"),
        ("images --region a --region b", "--region was given twice."),
    ],
)
def test_errors_say_which_word_and_what_would_fit(text: str, says: str) -> None:
    assert says in explained(text)


def test_a_usage_error_shows_usage_and_an_example() -> None:
    text = explained("op")
    assert "Usage: /maas op OPERATION" in text
    assert "For example: /maas op op-4k2f" in text


@given(st.text(max_size=200))
def test_any_text_is_a_call_or_a_usage_error(text: str) -> None:
    try:
        PARSER.parse(text)
    except UsageError as error:
        assert error.message.summary


@given(st.sampled_from(build_catalog().names()), st.lists(st.text(max_size=20), max_size=5))
def test_any_arguments_of_any_command_are_a_call_or_a_usage_error(name: str, words: list[str]) -> None:
    try:
        PARSER.parse(" ".join([name, *words]))
    except UsageError as error:
        assert error.message.summary


def test_every_example_parses_and_every_option_is_described() -> None:
    for command in build_catalog():
        assert PARSER.parse(command.example.removeprefix("/maas ")).command is command
        assert command.summary.endswith(".")
        for option, text in PARSER.options(command):
            assert text, f"{command.name} {option} has no description"
