"""Everything that can go wrong on demand, seen from the real clients."""

import asyncio
import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from tests.sandbox_slack.conftest import Bolt
from tests.sandbox_slack.kit import data_table, plan, section, task


def post(client: AsyncWebClient, **more):
    return client.chat_postMessage(channel="C0OPS", text="x", **more)


async def error_of(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


async def test_rate_limit(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("rate-limit", method="chat.postMessage", times=1, retry_after=7)
    await client.auth_test()
    with pytest.raises(SlackApiError) as caught:
        await post(client)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert caught.value.response["error"] == "ratelimited"
    assert (await post(client))["ok"]
    assert workspace.faults.active() == {}


async def test_the_sdk_waits_as_told(client: AsyncWebClient, workspace: Workspace) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    workspace.faults.set("rate-limit", retry_after=1)
    started = time.monotonic()
    assert (await post(client))["ok"]
    assert time.monotonic() - started >= 1


async def test_server_error(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("server-error", times=2, status=500)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        assert caught.value.response.status_code == 500
    assert (await post(client))["ok"]


async def test_dropped_answer_has_its_effect(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("drop-answer")
    client.retry_handlers.clear()
    with pytest.raises(aiohttp.ClientError):
        await post(client)
    assert len(workspace.messages("C0OPS", "U0OLGA")) == 1


async def test_slow(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("slow", seconds=0.3)
    started = time.monotonic()
    await client.auth_test()
    assert time.monotonic() - started >= 0.3
    workspace.faults.clear("slow")


@pytest.mark.parametrize(
    ("name", "params", "error"),
    [
        ("revoke-token", {}, "token_revoked"),
        ("revoke-token", {"error": "account_inactive"}, "account_inactive"),
        ("missing-scope", {"scope": "chat:write"}, "missing_scope"),
        ("channel-archived", {"channel": "C0OPS"}, "is_archived"),
        ("bot-removed", {"channel": "C0OPS"}, "not_in_channel"),
    ],
)
async def test_lasting_faults(
    client: AsyncWebClient, workspace: Workspace, name: str, params: dict, error: str
) -> None:
    workspace.faults.set(name, **params)
    assert await error_of(post(client)) == error
    assert await error_of(post(client)) == error
    workspace.faults.clear(name)
    assert (await post(client))["ok"]


async def test_without_the_newer_blocks(client: AsyncWebClient, workspace: Workspace) -> None:
    assert (await post(client, blocks=[data_table(), plan(task("1"))]))["ok"]
    workspace.faults.set("no-native-blocks")
    with pytest.raises(SlackApiError) as caught:
        await post(client, blocks=[section("x"), data_table()])
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] unsupported type: data_table [json-pointer:/blocks/1/type]"
    ]
    assert await error_of(post(client, blocks=[plan(task("1"))])) == "invalid_blocks"
    assert (await post(client, blocks=[section("x")]))["ok"]


async def test_free_plan(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("paid-teams-only")
    assert await error_of(client.usergroups_list()) == "paid_teams_only"
    assert await error_of(client.usergroups_users_list(usergroup="S0APPROVE")) == "paid_teams_only"


async def test_no_socket_for_a_while(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.set("refuse-socket", seconds=0.2)
    opening = client.apps_connections_open(app_token=workspace.app.app_token)
    assert await error_of(opening) == "internal_error"
    await asyncio.sleep(0.25)
    assert (await client.apps_connections_open(app_token=workspace.app.app_token))["ok"]


async def test_lost_ack_and_redelivery(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[str] = []

    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        seen.append(command["text"])
        await ack()

    @bolt.app.event("app_mention")
    async def mention(body) -> None:
        seen.append(body["event_id"])

    await bolt.connect()
    workspace.timing.ack = 1.0
    workspace.faults.set("lost-ack")
    assert (await workspace.slash("U0OLGA", "C0OPS", "one")).error == "operation_timeout"
    assert (await workspace.slash("U0OLGA", "C0OPS", "two")).ok
    assert seen == ["one", "two"]
    workspace.faults.set("redeliver")
    await workspace.say("U0OLGA", "C0OPS", "@maas hi")
    await workspace.settle()
    assert len(seen) == 4
    assert seen[2] == seen[3]


async def test_every_fault_is_described_and_can_be_set(workspace: Workspace) -> None:
    for name, description in workspace.faults.catalog():
        assert description
        workspace.faults.set(name)
    assert set(workspace.faults.active()) == {name for name, _ in workspace.faults.catalog()} - {"disconnect"}
    workspace.faults.clear()
    assert workspace.faults.active() == {}
    with pytest.raises(KeyError):
        workspace.faults.set("meteor")
    with pytest.raises(TypeError):
        workspace.faults.set("slow", colour="red")
