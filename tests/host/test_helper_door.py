"""Whatever comes in, an answer goes out: refused with a field's name, or taken as data. Nothing is run for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.host.helper import programs
from bot.host.helper.base import Place
from bot.host.helper.program import Door
from bot.host.protocol import Answer, ErrorCode
from tests.host.test_protocol import HOSTILE, PG_OWN, STEPS

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["protocol", "verb", "step", "arguments", "secrets", "job", "query", "offset", "limit", "wait"])


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door to a place where no program is: whatever gets as far as to run one finds nothing."""
    place = Place(root=str(tmp_path_factory.mktemp("host")), path="/nonexistent", become=False)
    with patch.object(programs.Tools, "start", side_effect=FileNotFoundError):
        yield Door(place)


def told(door: Door, data: bytes) -> Answer:
    answer = door.answer(data)
    json.dumps(answer)
    return Answer.model_validate(answer)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(door: Door, data: bytes):
    answer = told(door, data)
    assert answer.error is not None
    assert answer.error.code in (ErrorCode.BAD_REQUEST, ErrorCode.VERSION)


@given(json_values)
def test_any_json_is_answered(door: Door, value: Any):
    answer = told(door, json.dumps(value).encode())
    assert answer.error is not None
    assert answer.error.code in (ErrorCode.BAD_REQUEST, ErrorCode.VERSION)


@settings(max_examples=300)
@given(st.dictionaries(names, json_values), st.sampled_from(["hello", "check", "log", "status", "query", "secret"]))
def test_any_request_is_answered_and_never_breaks_the_helper(door: Door, request: dict[str, Any], verb: str):
    answer = told(door, json.dumps({**request, "protocol": 1, "verb": verb}).encode())
    assert answer.error is None or answer.error.code is not ErrorCode.INTERNAL, answer.error


@pytest.mark.parametrize("step", sorted(STEPS))
def test_hostile_text_in_any_field_of_any_step_is_refused_by_the_fields_name(door: Door, step: str):
    known = STEPS[step].fields
    for field in [*known.required, *known.optional]:
        for text in HOSTILE:
            if text in PG_OWN and field in {"backup", "username"}:
                continue  # words that are only PostgreSQL's own
            arguments = dict.fromkeys(known.required, "maas") | {field: text}
            request = {"protocol": 1, "verb": "check", "step": step, "arguments": arguments}
            answer = told(door, json.dumps(request).encode())
            assert answer.error is not None, f"{field} took {text!r}"
            assert answer.error.code is ErrorCode.BAD_REQUEST
            if len(text.strip()) > 4 and text.isascii():
                assert text not in answer.error.message


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b'{"protocol": 1, "protocol": 1, "verb": "hello"}', None),
        (b'{"protocol": true, "verb": "hello"}', "protocol"),
        (b'{"protocol": 1.0, "verb": "hello"}', "protocol"),
        (b'{"protocol": 1}', "verb"),
        (b'{"protocol": 1, "verb": "shell"}', "verb"),
        (b'{"protocol": 1, "verb": "hello", "more": 1}', "more"),
        (b'{"protocol": 1, "verb": "run", "step": "snapd"}', "job"),
        (b'{"protocol": 1, "verb": "run", "step": "snapd", "job": "../x"}', "job"),
        (b'{"protocol": 1, "verb": "run", "step": "rm -rf", "job": "abc"}', "step"),
        (b'{"protocol": 1, "verb": "check", "step": "snapd", "arguments": {"x": 1}}', "arguments.x"),
        (b'{"protocol": 1, "verb": "check", "step": "snapd", "secrets": {"x": "12345678"}}', "secrets.x"),
        (b'{"protocol": 1, "verb": "check", "step": "snapd", "secrets": {"admin_password": "a\\nbcdefgh"}}',
         "secrets.admin_password"),
        (b'{"protocol": 1, "verb": "status", "job": "abc", "wait": 1e400}', "wait"),
        (b'{"protocol": 1, "verb": "status", "job": "abc", "wait": 31}', "wait"),
        (b'{"protocol": 1, "verb": "query", "query": "sql"}', "query"),
        (b'{"protocol": 1, "verb": "query", "query": "log", "arguments": {"name": "../etc/shadow"}}',
         "arguments.name"),
        (b"[" * 30_000, None),
        (b'{"protocol": ' + b"9" * 20_000 + b"}", None),
        (b" " * 70_000, None),
        (b'\xff\xfe{"protocol": 1}', None),
        (b"", None),
    ],
    ids=lambda value: ascii(value)[:60],
)  # fmt: skip
def test_what_is_wrong_is_named(door: Door, data: bytes, field: str | None):
    answer = told(door, data)
    assert answer.error is not None
    assert answer.error.code is ErrorCode.BAD_REQUEST
    assert answer.error.field == field


def test_a_refused_secret_is_not_repeated(door: Door):
    for secret in ("hunter2", "hunter2" * 40, "hun\tter22"):
        request = {"protocol": 1, "verb": "check", "step": "role-create", "arguments": {"role": "maas"}}
        answer = door.answer(json.dumps({**request, "secrets": {"database_password": secret}}).encode())
        assert answer["error"]["field"] == "secrets.database_password"
        assert secret not in json.dumps(answer)
    # Nor when it stands in the wrong place.
    answer = door.answer(json.dumps({**request, "arguments": {"role": "hunter2!x"}}).encode())
    assert "hunter2" not in json.dumps(answer)
