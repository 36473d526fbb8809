"""The two sides of the protocol against each other: the bot's types, and the helper's own checks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.host import protocol
from bot.host.facts import QUERY_ARGUMENTS, QueryName
from bot.host.helper import base, fields, maas_users
from bot.host.helper.program import Door, all_steps
from bot.host.helper.queries import all_queries
from bot.host.helper.runner import _PASSING
from bot.host.looks import PASSING, Cause
from bot.host.protocol import Answer, ErrorCode, Hello, Request, Verb
from bot.host.vocabulary import (
    STEP_ARGUMENTS,
    STEP_SECRETS,
    ApiKeyArguments,
    NoArguments,
    SecretName,
    Sent,
    StepName,
)

STEPS = all_steps()
QUERIES = all_queries()

PG_OWN = ["pg_x", "postgres", "template1", "PUBLIC", "public"]
#: What is tried in every field: right values, and what people and attackers type.
HOSTILE = [
    "", " ", "a b", "maas\n", "maas\x00", "-oProxyCommand=x", "--help", "$(id)", "`id`",
    "'; DROP DATABASE maas; --",
    'a"b', "a'b", "a\\b", "../../etc/passwd", "ｍａａｓ", "maas\u202e", "é", "\u2028", "%s%n", "${IFS}", "a;b", "a|b",
    "*", "~root", "\ud800", "x" * 70_000, *PG_OWN,
]  # fmt: skip
USUAL = [
    "2.9/stable", "latest/edge", "3.5", "maas", "maas-test-db", "test", "production", "narrow", "wide", "admin",
    "a.b@c-d.example", "http://10.0.0.1:5240/MAAS", "http://[::1]:5240/MAAS", "https://x/MAAS/", "op-4k2f-1", "_x",
    "regiond", "Admin@host",
    0, 1, 5, 50, 600, 5000, 5001, 1.5, -1, True, False, None, [], ["maas"], ["pg_x"], {}, 2**70,
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(USUAL), st.text(max_size=12), st.integers(-2, 10_000))


def test_both_sides_know_the_same_steps_queries_secrets_and_errors():
    assert set(STEPS) == {one.value for one in StepName} == {one.value for one in STEP_ARGUMENTS}
    assert set(QUERIES) == {one.value for one in QueryName}
    assert set(fields.SECRETS) == {one.value for one in SecretName}
    assert base.SPEAKS == (protocol.PROTOCOL,)
    assert (base.MAX_REQUEST, base.MAX_LOG) == (protocol.MAX_REQUEST, protocol.MAX_LOG)
    assert base.Place().helper == (protocol.HELPER_PATH,)
    assert set(_PASSING) == {one.value for one in PASSING}
    for name, step in STEPS.items():
        needed = {one.value for one in STEP_SECRETS.get(StepName(name), ())}
        assert set(step.secrets) == needed - ({"database_password"} if name == "maas-init" else set())


def test_every_cause_and_code_that_the_helper_names_is_known():
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(base.__file__).parent.glob("*.py"))

    causes = set(re.findall(r'(?:Stopped|blocked)\(\s*"([a-z_]+)"', source)) | set(
        re.findall(r'cause="([a-z_]+)"', source)
    )
    assert len(causes) > 15
    assert causes <= {one.value for one in Cause}
    codes = set(re.findall(r'Refused\(\s*"([a-z_]+)"', source))
    assert codes <= {one.value for one in ErrorCode}
    assert set(re.findall(r'choice\("hello".*?\)', source))
    assert all(f'"{verb.value}"' in source for verb in Verb)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_steps_fields_are_the_same_on_both_sides(name: str):
    same_fields(STEP_ARGUMENTS[StepName(name)], STEPS[name].fields)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_querys_fields_are_the_same_on_both_sides(name: str):
    same_fields(QUERY_ARGUMENTS.get(QueryName(name), NoArguments), QUERIES[name].fields)


def test_the_api_keys_fields_are_the_same_on_both_sides():
    same_fields(ApiKeyArguments, maas_users.APIKEY_FIELDS)


def same_fields(model: type[Sent], helper: fields.Fields) -> None:
    required = {name for name, one in model.model_fields.items() if one.is_required()}
    assert required == set(helper.required)
    optional = {name: one.get_default() for name, one in model.model_fields.items() if not one.is_required()}
    assert optional == {name: otherwise for name, (_, otherwise) in helper.optional.items()}


def accepted_by_bot(model: type[Sent], arguments: dict[str, Any]) -> bool:
    try:
        model.model_validate_json(json.dumps(arguments))
    except (ValidationError, UnicodeEncodeError):
        return False
    return True


def accepted_by_helper(read: Any, arguments: dict[str, Any]) -> bool:
    try:
        read(json.loads(json.dumps(arguments)))
    except base.Refused:
        return False
    return True


@given(st.data())
def test_what_the_helper_takes_the_bot_may_send_and_the_other_way_round(data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(STEPS) + sorted(QUERIES)))
    step = name in STEPS
    model = STEP_ARGUMENTS[StepName(name)] if step else QUERY_ARGUMENTS.get(QueryName(name), NoArguments)
    arguments = {field: data.draw(VALUES) for field in model.model_fields}
    # The envelope refuses what is no text, before anybody looks at an argument; null is the same as left out.
    for field, value in list(arguments.items()):
        if value is None or (isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value)):
            del arguments[field]
    helper = accepted_by_helper(STEPS[name].read if step else QUERIES[name].fields.read, arguments)
    bot = accepted_by_bot(model, arguments)
    if name == "maas-init" and bot and not helper:
        # What holds between its fields is the helper's to know.
        assert (arguments.get("name") is None) == (arguments["database"] == "production") or (
            arguments.get("role") is None
        ) == (arguments["database"] == "production")
        return
    assert not helper or bot, arguments
    # The helper is the stricter one in two things: "5" and 5.0 are no numbers, and what is searched for is one line.
    strict = any(isinstance(value, float) or str(value).isdigit() for value in arguments.values())
    assert helper or not bot or strict or "grep" in arguments, arguments


def test_hello_and_an_error_are_what_the_bot_expects(tmp_path: Path):
    door = Door(base.Place(root=str(tmp_path), become=False))
    told = Answer.model_validate(door.answer(Request(verb=Verb.HELLO).wire()))
    hello = Hello.model_validate(told.result)
    assert hello.speaks == (1,)
    assert hello.jobs == "setsid"
    assert set(hello.steps) == set(STEPS)
    assert set(hello.queries) == set(QUERIES)
    refused = Answer.model_validate(door.answer(b'{"protocol": 2, "verb": "hello"}'))
    assert refused.error is not None
    assert (refused.error.code, refused.error.details) == (ErrorCode.VERSION, {"speaks": [1]})


def test_literal_kinds_are_written_alike():
    """The words that both sides know by heart."""
    from bot.host.facts import Leftover

    assert set(get_args(Leftover.model_fields["kind"].annotation)) >= {"snap", "database", "role", "pg_hba", "package"}
