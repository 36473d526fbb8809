"""Socket Mode with the real Bolt app: commands, mentions, clicks, acknowledgements, disconnects."""

import asyncio

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SLACKBOT, MessageRef, SlackServer, Workspace
from tests.sandbox_slack.conftest import Bolt
from tests.sandbox_slack.kit import actions, button


async def until(condition, seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_command_reaches_the_app_as_slack_sends_it(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[dict] = []

    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        seen.append(command)
        await ack()

    await bolt.connect()
    outcome = await workspace.slash("U0OLGA", "C0OPS", "  rename node-3 <b> @andrea #ops http://node-3.example.com ")
    assert outcome.ok
    assert outcome.message is None
    (command,) = seen
    assert command["text"] == ("rename node-3 &lt;b&gt; <@U0ANDREA|andrea> <#C0OPS|ops> <http://node-3.example.com>")
    assert (command["team_id"], command["channel_id"], command["user_id"]) == ("T0MAAS", "C0OPS", "U0OLGA")
    assert (command["channel_name"], command["user_name"]) == ("ops", "olga")
    assert command["api_app_id"] == "A0MAASBOT"
    assert command["response_url"] == outcome.response_url


async def test_words_in_the_acknowledgement_are_shown_to_the_person(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        in_channel = command["text"] == "loud"
        await ack("heard you", response_type="in_channel" if in_channel else "ephemeral")

    await bolt.connect()
    quiet = await workspace.slash("U0OLGA", "C0OPS", "quiet")
    assert quiet.message is not None
    assert (quiet.message.text, quiet.message.ephemeral_to) == ("heard you", "U0OLGA")
    loud = await workspace.slash("U0OLGA", "C0OPS", "loud")
    assert loud.message is not None
    assert loud.message.ephemeral_to is None


async def test_a_command_without_acknowledgement_fails_before_the_person(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await asyncio.sleep(0.8)
        await ack("too late")

    await bolt.connect()
    workspace.timing.ack = 0.4
    outcome = await workspace.slash("U0OLGA", "C0OPS", "status")
    assert outcome.error == "operation_timeout"
    (message,) = workspace.messages("C0OPS", "U0OLGA")
    assert (message.user, message.text) == (SLACKBOT, '/maas failed with the error "operation_timeout"')
    assert workspace.messages("C0OPS", "U0VICTOR") == []
    await asyncio.sleep(0.6)
    assert len(workspace.messages("C0OPS", "U0OLGA")) == 1


async def test_an_app_that_raises_after_ack_loses_its_ack(bolt: Bolt, workspace: Workspace) -> None:
    """Bolt's own trap: the runner polls for the acknowledgement, and an exception takes it back."""

    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await ack()
        raise RuntimeError("after ack")

    await bolt.connect()
    workspace.timing.ack = 0.4
    assert (await workspace.slash("U0OLGA", "C0OPS", "status")).error == "operation_timeout"


async def test_nobody_connected(server: SlackServer) -> None:
    outcome = await server.workspace.slash("U0OLGA", "C0OPS", "status")
    assert outcome.error == "dispatch_failed"


async def test_unknown_and_foreign_commands_do_not_reach_the_app(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[str] = []

    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        seen.append(command["text"])
        await ack()

    await bolt.connect()
    assert (await workspace.slash("U0OLGA", "C0OPS", "x", command="/nope")).error == "invalid_command"
    assert (await workspace.slash("U0FIONA", "C0OPS", "status")).error == "invalid_command"
    assert seen == []


async def test_response_url_takes_five_posts(bolt: Bolt, workspace: Workspace) -> None:
    statuses: list[int] = []

    @bolt.app.command("/maas")
    async def maas(ack, respond) -> None:
        await ack()
        statuses.extend([(await respond(f"part {number}")).status_code for number in range(6)])

    await bolt.connect()
    await workspace.slash("U0OLGA", "C0OPS", "status")
    await until(lambda: len(statuses) == 6)
    assert statuses == [200] * 5 + [404]
    assert len(workspace.messages("C0OPS", "U0OLGA")) == 5


async def test_mention_in_a_thread(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[dict] = []

    @bolt.app.event("app_mention")
    async def mention(body, say) -> None:
        seen.append(body)
        await say("here", thread_ts=body["event"].get("thread_ts") or body["event"]["ts"])

    await bolt.connect()
    root = await workspace.say("U0OLGA", "C0OPS", "what is with node-3?")
    await workspace.say("U0VICTOR", "C0OPS", "@maas status & <x>", thread_ts=root)
    await workspace.settle()
    await until(lambda: len(workspace.thread("C0OPS", root, "U0OLGA")) == 3)
    (body,) = seen
    event = body["event"]
    assert event["text"] == "<@U0MAASBOT> status &amp; &lt;x&gt;"
    assert (event["thread_ts"], event["parent_user_id"], event["team"]) == (root, "U0OLGA", "T0MAAS")
    assert event["blocks"][0]["elements"][0]["elements"][0] == {"type": "user", "user_id": "U0MAASBOT"}
    assert body["authorizations"][0]["user_id"] == "U0MAASBOT"
    assert [m.text for m in workspace.thread("C0OPS", root, "U0OLGA")][-1] == "here"


async def test_what_the_app_may_not_hear(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[dict] = []

    @bolt.app.event("app_mention")
    async def mention(event) -> None:
        seen.append(event)

    await bolt.connect()
    feed = workspace.subscribe("U0OLGA")
    await workspace.say("U0OLGA", "C0OPS", "no mention")
    await workspace.say("U0OLGA", "C0RANDOM", "@maas are you here?")
    await workspace.say("U0OLGA", workspace.direct_message("U0OLGA").id, "@maas hello")
    workspace.faults.set("bot-removed", channel="C0APPROVE")
    await workspace.say("U0OLGA", "C0APPROVE", "@maas hello")
    await workspace.settle()
    feed.close()
    assert seen == []
    notices = [event.text async for event in feed if event.kind == "notice"]
    assert notices == ["You mentioned <@U0MAASBOT>, but they're not in this channel."] * 2


async def test_foreign_people_are_marked(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[dict] = []

    @bolt.app.event("app_mention")
    async def mention(body) -> None:
        seen.append(body)

    await bolt.connect()
    await workspace.say("U0FIONA", "C0OPS", "@maas status")
    await workspace.settle()
    assert seen[0]["event"]["user_team"] == "T0FOREIGN"
    assert seen[0]["is_ext_shared_channel"] is True


async def test_events_are_tried_again_until_acknowledged(bolt: Bolt, workspace: Workspace) -> None:
    attempts: list[tuple[str, list[str]]] = []

    @bolt.app.middleware
    async def count(req, next_) -> None:
        attempts.append((req.body.get("event_id"), req.headers.get("x-slack-retry-num", [])))
        await next_()

    @bolt.app.event("app_mention")
    async def mention() -> None:
        return None

    await bolt.connect()
    workspace.timing.ack = 1.0
    workspace.faults.set("lost-ack", times=2)
    await workspace.say("U0OLGA", "C0OPS", "@maas hello")
    await workspace.settle()
    assert [retry for _event, retry in attempts] == [["0"], ["1"], ["2"]]
    assert len({event for event, _retry in attempts}) == 1


async def test_click_carries_message_values_and_state(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    seen: list[dict] = []

    @bolt.app.action("approve")
    async def approve(ack, body, respond) -> None:
        await ack()
        seen.append(body)
        await respond("approved", replace_original=True)

    @bolt.app.action("pool")
    async def pool(ack) -> None:
        await ack()

    await bolt.connect()
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("default", "lab")]
    select = {"type": "static_select", "action_id": "pool", "options": options}
    blocks = [actions(button("approve", "op-1"), select, block_id="decide")]
    posted = await client.chat_postMessage(channel="C0OPS", text="plan", blocks=blocks)
    ref = MessageRef("C0OPS", posted["ts"])
    assert (await workspace.click("U0ANDREA", ref, "pool", selected="lab")).ok
    assert (await workspace.click("U0ANDREA", ref, "approve")).ok
    await until(lambda: workspace.message(ref, "U0OLGA").text == "approved")
    (body,) = seen
    assert body["container"] == {
        "type": "message",
        "message_ts": ref.ts,
        "channel_id": "C0OPS",
        "is_ephemeral": False,
    }
    assert body["message"]["text"] == "plan"
    assert body["user"] == {"id": "U0ANDREA", "username": "andrea", "name": "andrea", "team_id": "T0MAAS"}
    assert body["state"]["values"]["decide"]["pool"]["selected_option"]["value"] == "lab"
    action = body["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decide", "op-1")


async def test_click_in_an_ephemeral_message_comes_without_the_message(
    bolt: Bolt, workspace: Workspace, client: AsyncWebClient
) -> None:
    seen: list[dict] = []

    @bolt.app.action("go")
    async def go(ack, body, respond) -> None:
        await ack()
        seen.append(body)
        await respond(delete_original=True)

    await bolt.connect()
    await client.chat_postEphemeral(channel="C0OPS", user="U0OLGA", text="sure?", blocks=[actions(button("go"))])
    (message,) = workspace.messages("C0OPS", "U0OLGA")
    assert (await workspace.click("U0OLGA", message.ref, "go")).ok
    await until(lambda: workspace.messages("C0OPS", "U0OLGA") == [])
    assert "message" not in seen[0]
    assert seen[0]["container"]["is_ephemeral"] is True


async def test_unacknowledged_click_leaves_a_warning(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    await bolt.connect()
    posted = await client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button("nobody"))])
    ref = MessageRef("C0OPS", posted["ts"])
    workspace.timing.ack = 0.4
    outcome = await workspace.click("U0OLGA", ref, "nobody")
    assert outcome.error == "operation_timeout"
    assert workspace.message(ref, "U0OLGA").warning


async def test_declined_confirmation_sends_nothing(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    confirm = {name: {"type": "plain_text", "text": name} for name in ("title", "text", "confirm", "deny")}
    blocks = [actions(button("erase", confirm=confirm))]
    await bolt.connect()
    posted = await client.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)
    outcome = await workspace.click("U0OLGA", MessageRef("C0OPS", posted["ts"]), "erase", confirm=False)
    assert outcome.error == "cancelled"


async def test_several_sockets_share_the_work(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await ack()

    await bolt.connect(sockets=3)
    await until(lambda: len(workspace.courier.hub.sockets) == 3)
    outcomes = await asyncio.gather(*(workspace.slash("U0OLGA", "C0OPS", str(n)) for n in range(20)))
    assert all(outcome.ok for outcome in outcomes)


async def test_at_most_ten_sockets(server: SlackServer, client: AsyncWebClient, workspace: Workspace) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            url = (await client.apps_connections_open(app_token=workspace.app.app_token))["url"]
            sockets.append(await session.ws_connect(url))
        hellos = [await socket.receive_json() for socket in sockets]
        assert [hello["type"] for hello in hellos] == ["hello"] * 10 + ["disconnect"]
        assert hellos[0]["connection_info"] == {"app_id": "A0MAASBOT"}
        assert hellos[9]["num_connections"] == 10
        assert hellos[10]["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_a_socket_needs_its_ticket(server: SlackServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.base_url + "/link/?ticket=guess") as answer,
    ):
        assert answer.status == 401


async def test_app_reconnects_after_a_refresh_and_after_a_cut(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await ack()

    await bolt.connect()
    for mode in ("refresh", "abrupt"):
        before = workspace.call_counts["apps.connections.open"]
        old = list(workspace.courier.hub.sockets)
        workspace.faults.set("disconnect", mode=mode)
        await until(lambda before=before: workspace.call_counts["apps.connections.open"] > before, 8)
        sockets = workspace.courier.hub.sockets
        await until(lambda old=old, sockets=sockets: len(sockets) == 1 and sockets != old, 8)
        assert (await workspace.slash("U0OLGA", "C0OPS", mode)).ok


async def test_shortcuts(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.app.shortcuts = [
        {"name": "Status", "type": "global", "callback_id": "status"},
        {"name": "About this", "type": "message", "callback_id": "about"},
    ]
    seen: list[str] = []

    @bolt.app.shortcut("status")
    async def status(ack) -> None:
        await ack()
        seen.append("status")

    @bolt.app.shortcut("about")
    async def about(ack, body) -> None:
        await ack()
        seen.append(body["message"]["text"])

    await bolt.connect()
    ts = await workspace.say("U0OLGA", "C0OPS", "node-3 failed")
    assert (await workspace.shortcut("U0OLGA", "status")).ok
    assert (await workspace.shortcut("U0OLGA", "about", MessageRef("C0OPS", ts))).ok
    assert seen == ["status", "node-3 failed"]
