"""Whatever comes in, the workspace answers in Slack's words and never breaks."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.slack import SlackError, Workspace
from sandbox.slack.blocks import check_message, check_options, check_view
from tests.sandbox_slack.test_blocks import BAD, GOOD

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "x", "C0OPS", "U0OLGA", "section", "plain_text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "rows", "blocks", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KNOWN = list(GOOD) + [block for block, _pointer, _words in BAD]
NAMES = [
    "channel",
    "user",
    "ts",
    "text",
    "blocks",
    "view",
    "message",
    "view_id",
    "user_id",
    "trigger_id",
    "files",
    "filename",
    "length",
    "users",
    "usergroup",
    "limit",
    "cursor",
    "thread_ts",
    "metadata",
    "attachments",
    "timestamp",
    "name",
    "types",
]


def broken(block: dict[str, Any], path: list[int], value: Any) -> dict[str, Any]:
    """A copy of a block with one thing in it replaced."""
    if not block:
        return {"type": value}
    key = list(block)[path[0] % len(block)]
    inner = block[key]
    if isinstance(inner, dict) and len(path) > 1:
        return {**block, key: broken(inner, path[1:], value)}
    if isinstance(inner, list) and inner and isinstance(inner[0], dict) and len(path) > 1:
        return {**block, key: [broken(inner[0], path[1:], value), *inner[1:]]}
    return {**block, key: value}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KNOWN), st.lists(st.integers(0, 9), min_size=1, max_size=5), JSON)
def test_damaged_blocks_are_refused_or_taken(block: dict[str, Any], path: list[int], value: Any) -> None:
    damaged = broken(block, path, value)
    for check in (
        lambda: check_message([damaged]),
        lambda: check_view({"type": "home", "blocks": [damaged]}, "home"),
        lambda: check_options(damaged),
    ):
        try:
            check()
        except SlackError as refused:
            assert refused.code


@pytest.mark.parametrize("missing", ["accessory", "elements", "element", "actions", "child_blocks"])
def test_null_stands_for_nothing(missing: str) -> None:
    for block in KNOWN:
        try:
            check_message([{**block, missing: None}])
        except SlackError as refused:
            assert refused.code


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    workspace = Workspace()
    workspace.rates.generous = True
    workspace.app.scopes |= {
        "channels:read",
        "im:write",
        "reactions:write",
        "files:read",
        "team:read",
        "users:read.email",
    }
    return workspace


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5))
def test_any_arguments_get_an_answer(workspace: Workspace, data: st.DataObject, arguments: dict[str, Any]) -> None:
    method = data.draw(st.sampled_from(sorted(workspace.api.methods)))
    token = workspace.app.app_token if method.startswith("apps.") else workspace.app.bot_token
    answer = asyncio.run(workspace.call(method, arguments, token))
    assert answer.status == 200
    assert isinstance(answer.body, dict)
    assert answer.body["ok"] or answer.body["error"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["text", "blocks", "response_type", "replace_original", "thread_ts"]), JSON))
def test_any_body_at_a_response_url(workspace: Workspace, body: dict[str, Any]) -> None:
    url = workspace.tickets.response("U0OLGA", "C0OPS", kind="commands").path
    try:
        workspace.respond(url, body)
    except SlackError as refused:
        assert refused.status in {400, 404}
