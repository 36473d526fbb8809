"""Deliveries over HTTP to the real Bolt server, signatures included."""

import asyncio

from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import MessageRef, Workspace
from tests.sandbox_slack.conftest import Bolt
from tests.sandbox_slack.kit import actions, button, field, modal


async def test_url_verification(bolt: Bolt, workspace: Workspace) -> None:
    await bolt.listen()
    assert await workspace.courier.http.verify_url()


async def test_command_click_and_event(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    seen: list[str] = []

    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        seen.append(command["text"])
        await ack("on it")

    @bolt.app.action("go")
    async def go(ack, action) -> None:
        seen.append(action["value"])
        await ack()

    @bolt.app.event("app_mention")
    async def mention(event) -> None:
        seen.append(event["text"])

    await bolt.listen()
    outcome = await workspace.slash("U0OLGA", "C0OPS", "status")
    assert outcome.ok
    assert outcome.message is not None
    assert outcome.message.text == "on it"
    posted = await client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button("go", "42"))])
    assert (await workspace.click("U0OLGA", MessageRef("C0OPS", posted["ts"]), "go")).ok
    await workspace.say("U0OLGA", "C0OPS", "@maas hello")
    await workspace.settle()
    assert seen == ["status", "42", "<@U0MAASBOT> hello"]


async def test_modal_errors_come_in_the_answer(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack, command, client) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=modal(field("name")))

    @bolt.app.view("modal")
    async def submit(ack) -> None:
        await ack(response_action="errors", errors={"name": "taken"})

    await bolt.listen()
    await workspace.slash("U0OLGA", "C0OPS", "add")
    async with asyncio.timeout(3):
        while not workspace.views("U0OLGA"):
            await asyncio.sleep(0.01)
    (view,) = workspace.views("U0OLGA")
    outcome = await workspace.submit_view("U0OLGA", view.id, {"name": {"value": "node-3"}})
    assert (outcome.result, outcome.errors) == ("errors", {"name": "taken"})


async def test_wrong_signatures_are_refused(bolt: Bolt, workspace: Workspace) -> None:
    seen: list[str] = []

    @bolt.app.command("/maas")
    async def maas(ack, command) -> None:
        seen.append(command["text"])
        await ack()

    await bolt.listen()
    workspace.faults.set("bad-signature")
    outcome = await workspace.slash("U0OLGA", "C0OPS", "status")
    assert (outcome.error, outcome.ack.status) == ("dispatch_failed", 401)
    workspace.faults.clear()
    assert (await workspace.slash("U0OLGA", "C0OPS", "again")).ok
    assert seen == ["again"]


async def test_event_retries_carry_their_number(bolt: Bolt, workspace: Workspace) -> None:
    attempts: list[tuple[list[str], list[str]]] = []

    @bolt.app.middleware
    async def count(req, next_) -> None:
        attempts.append((req.headers.get("x-slack-retry-num", []), req.headers.get("x-slack-retry-reason", [])))
        await next_()

    @bolt.app.event("app_mention")
    async def mention() -> None:
        return None

    await bolt.listen()
    workspace.timing.ack = 1.0
    workspace.faults.set("lost-ack", times=1)
    await workspace.say("U0OLGA", "C0OPS", "@maas hello")
    await workspace.settle()
    assert attempts == [([], []), (["1"], ["http_timeout"])]


async def test_slow_and_absent_apps(bolt: Bolt, workspace: Workspace) -> None:
    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await asyncio.sleep(1)
        await ack()

    await bolt.listen()
    workspace.timing.ack = 0.4
    assert (await workspace.slash("U0OLGA", "C0OPS", "status")).error == "operation_timeout"
    workspace.app.request_url = "http://127.0.0.1:9/slack/events"
    assert (await workspace.slash("U0OLGA", "C0OPS", "status")).error == "dispatch_failed"
