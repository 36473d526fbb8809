"""Rate tiers."""

import pytest

from sandbox.slack import Workspace
from tests.sandbox_slack.conftest import Clock


@pytest.fixture
def still(clock: Clock) -> Workspace:
    return Workspace(clock=clock)


async def post(workspace: Workspace, channel: str = "C0OPS"):
    return await workspace.call("chat.postMessage", {"channel": channel, "text": "x"}, workspace.app.bot_token)


async def test_a_channel_takes_one_message_a_second_after_a_small_burst(still: Workspace, clock: Clock) -> None:
    assert [(await post(still)).status for _ in range(5)] == [200, 200, 200, 200, 429]
    assert (await post(still)).headers["Retry-After"] == "1"
    assert (await post(still, "C0APPROVE")).status == 200
    clock.forward(1)
    assert [(await post(still)).status for _ in range(2)] == [200, 429]


async def test_updates_are_fifty_a_minute_for_the_whole_workspace(still: Workspace, clock: Clock) -> None:
    posted = await post(still)
    arguments = {"channel": "C0OPS", "ts": posted.body["ts"], "text": "y"}
    token = still.app.bot_token
    statuses = []
    for _ in range(51):
        statuses.append((await still.call("chat.update", arguments, token)).status)
        clock.forward(0.5)
    assert statuses == [200] * 50 + [429]
    refused = await still.call("chat.update", arguments, token)
    assert refused.body == {"ok": False, "error": "ratelimited"}
    clock.forward(float(refused.headers["Retry-After"]))
    assert (await still.call("chat.update", arguments, token)).status == 200


async def test_generous(still: Workspace) -> None:
    still.rates.generous = True
    assert {(await post(still)).status for _ in range(100)} == {200}


@pytest.mark.parametrize(
    ("method", "limit"),
    [
        ("usergroups.list", 20),
        ("users.list", 20),
        ("users.info", 100),
        ("chat.delete", 50),
        ("views.publish", 100),
    ],
)
async def test_tiers(still: Workspace, method: str, limit: int) -> None:
    statuses = [(await still.call(method, {}, still.app.bot_token)).status for _ in range(limit + 1)]
    assert statuses.index(429) == limit


async def test_response_urls_live_half_an_hour(still: Workspace, clock: Clock) -> None:
    url = still.tickets.response("U0OLGA", "C0OPS", kind="commands").path
    clock.forward(29 * 60)
    still.respond(url, {"text": "in time"})
    clock.forward(2 * 60)
    with pytest.raises(Exception, match="expired_url"):
        still.respond(url, {"text": "late"})
    assert [message.text for message in still.messages("C0OPS", "U0OLGA")] == ["in time"]
