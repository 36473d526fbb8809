"""Modals, home tabs and external selects."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import HomeRef, NothingThereError, View, Workspace
from tests.sandbox_slack.conftest import Bolt
from tests.sandbox_slack.kit import actions, button, field, modal, plain, section


class Dialogue:
    """An app whose answer to a submission the test chooses."""

    def __init__(self, bolt: Bolt) -> None:
        self.answer: dict = {}
        self.submitted: list[dict] = []
        self.closed: list[dict] = []
        self.triggers: list[str] = []
        app = bolt.app

        @app.command("/maas")
        async def maas(ack, command) -> None:
            self.triggers.append(command["trigger_id"])
            await ack()

        @app.action("deeper")
        async def deeper(ack, body) -> None:
            self.triggers.append(body["trigger_id"])
            await ack()

        @app.view("modal")
        async def submit(ack, body) -> None:
            self.submitted.append(body)
            await ack(**self.answer)

        @app.view_closed("modal")
        async def closed(ack, body) -> None:
            self.closed.append(body)
            await ack()


@pytest.fixture
async def dialogue(bolt: Bolt) -> AsyncIterator[Dialogue]:
    dialogue = Dialogue(bolt)
    await bolt.connect()
    yield dialogue


async def trigger(workspace: Workspace) -> str:
    return (await workspace.slash("U0OLGA", "C0OPS", "x")).trigger_id


async def opened(workspace: Workspace, client: AsyncWebClient, **view) -> View:
    answer = await client.views_open(trigger_id=await trigger(workspace), view=modal(field("name"), **view))
    (shown,) = workspace.views("U0OLGA")
    assert answer["view"]["id"] == shown.id
    return shown


async def refusal(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


async def test_triggers_are_for_one_use(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    once = await trigger(workspace)
    await client.views_open(trigger_id=once, view=modal(field("name")))
    assert await refusal(client.views_open(trigger_id=once, view=modal(field("name")))) == "exchanged_trigger_id"
    assert await refusal(client.views_open(trigger_id="1.2.3", view=modal(field("name")))) == "invalid_trigger_id"


async def test_triggers_expire(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.timing.trigger = 0.05
    late = await trigger(workspace)
    await asyncio.sleep(0.1)
    assert await refusal(client.views_open(trigger_id=late, view=modal(field("name")))) == "expired_trigger_id"


async def test_submission(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    view = await opened(workspace, client, private_metadata="op-1")
    empty = await workspace.submit_view("U0OLGA", view.id, {})
    assert (empty.result, empty.errors) == ("errors", {"name": "Please complete this required field."})
    assert dialogue.submitted == []
    outcome = await workspace.submit_view("U0OLGA", view.id, {"name": {"value": "node-3"}})
    assert outcome.result == "closed"
    assert workspace.views("U0OLGA") == []
    (body,) = dialogue.submitted
    assert body["view"]["state"]["values"] == {"name": {"value": {"type": "plain_text_input", "value": "node-3"}}}
    assert (body["view"]["private_metadata"], body["view"]["root_view_id"]) == ("op-1", view.id)


async def test_answers_to_a_submission(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    view = await opened(workspace, client)
    values = {"name": {"value": "node-3"}}
    dialogue.answer = {"response_action": "errors", "errors": {"name": "no such machine"}}
    assert (await workspace.submit_view("U0OLGA", view.id, values)).errors == {"name": "no such machine"}
    assert view.errors == {"name": "no such machine"}
    dialogue.answer = {"response_action": "errors", "errors": {"nowhere": "x"}}
    assert (await workspace.submit_view("U0OLGA", view.id, values)).result == "failed"
    dialogue.answer = {"response_action": "update", "view": modal(field("name"), section("more"))}
    assert (await workspace.submit_view("U0OLGA", view.id, values)).result == "updated"
    assert view.values["name"]["value"]["value"] == "node-3"
    dialogue.answer = {"response_action": "push", "view": modal(field("other"))}
    pushed = await workspace.submit_view("U0OLGA", view.id)
    assert pushed.result == "pushed"
    assert [shown.previous_view_id for shown in workspace.views("U0OLGA")] == [None, view.id]
    dialogue.answer = {"response_action": "clear"}
    top = workspace.views("U0OLGA")[-1]
    assert (await workspace.submit_view("U0OLGA", top.id, {"other": {"value": "x"}})).result == "cleared"
    assert workspace.views("U0OLGA") == []


async def test_stack_of_three(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    more = actions(button("deeper"))
    await client.views_open(trigger_id=await trigger(workspace), view=modal(more, submit=plain("Go")))
    for _ in range(2):
        top = workspace.views("U0OLGA")[-1]
        click = await workspace.click("U0OLGA", top.ref, "deeper")
        await client.views_push(trigger_id=click.trigger_id, view=modal(more))
    click = await workspace.click("U0OLGA", workspace.views("U0OLGA")[-1].ref, "deeper")
    assert await refusal(client.views_push(trigger_id=click.trigger_id, view=modal(more))) == "push_limit_reached"
    outside = await trigger(workspace)
    assert await refusal(client.views_push(trigger_id=outside, view=modal(more))) == "invalid_trigger_id"


async def test_update_by_hash(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    view = await opened(workspace, client)
    old = view.hash
    await client.views_update(view_id=view.id, hash=old, view=modal(section("done")))
    assert await refusal(client.views_update(view_id=view.id, hash=old, view=modal(section("x")))) == "hash_conflict"
    await workspace.close_view("U0OLGA", view.id)
    assert await refusal(client.views_update(view_id=view.id, view=modal(section("x")))) == "not_found"


async def test_closing_is_told_when_asked(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient) -> None:
    silent = await opened(workspace, client)
    await workspace.close_view("U0OLGA", silent.id)
    assert dialogue.closed == []
    told = await opened(workspace, client, notify_on_close=True)
    assert (await workspace.close_view("U0OLGA", told.id)).ok
    assert [body["view"]["id"] for body in dialogue.closed] == [told.id]


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(field("name"), title=plain("x" * 25)), "/view/title/text"),
        (modal(field("name"), submit=None), "/view"),
        (modal(field("name"), private_metadata="x" * 3001), "/view/private_metadata"),
        (modal(*[{"type": "divider"}] * 101), "/view/blocks"),
        (modal({"type": "plan", "title": "x", "tasks": []}), "/view/blocks/0/type"),
        ({"type": "home", "blocks": []}, "/view"),
    ],
)
async def test_bad_modals(dialogue: Dialogue, workspace: Workspace, client: AsyncWebClient, view, pointer) -> None:
    view = {name: value for name, value in view.items() if value is not None}
    with pytest.raises(SlackApiError) as caught:
        await client.views_open(trigger_id=await trigger(workspace), view=view)
    assert caught.value.response["error"] == "invalid_arguments"
    assert any(f"json-pointer:{pointer}" in text for text in caught.value.response["response_metadata"]["messages"])


async def test_home(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    clicks: list[dict] = []

    @bolt.app.event("app_home_opened")
    async def home(event, client) -> None:
        blocks = [section(f"hello <@{event['user']}>"), actions(button("refresh"))]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @bolt.app.action("refresh")
    async def refresh(ack, body) -> None:
        await ack()
        clicks.append(body)

    await bolt.connect()
    assert workspace.home("U0OLGA") is None
    async with workspace.subscribe("U0OLGA") as feed:
        await workspace.open_home("U0OLGA")
        async with asyncio.timeout(3):
            async for event in feed:
                if event.kind == "home":
                    break
    view = workspace.home("U0OLGA")
    assert view is not None
    assert view.blocks[0]["text"]["text"] == "hello <@U0OLGA>"
    assert workspace.home("U0VICTOR") is None
    assert (await workspace.click("U0OLGA", HomeRef(), "refresh")).ok
    assert clicks[0]["view"]["type"] == "home"
    assert clicks[0]["container"]["type"] == "view"


async def test_external_select(bolt: Bolt, workspace: Workspace, client: AsyncWebClient) -> None:
    many = False

    @bolt.app.command("/maas")
    async def maas(ack) -> None:
        await ack()

    @bolt.app.options("machine")
    async def machines(ack, payload) -> None:
        names = [f"node-{n}" for n in range(101 if many else 12) if payload["value"] in f"node-{n}"]
        await ack(options=[{"text": plain(name), "value": name} for name in names])

    await bolt.connect()
    select = {"type": "external_select", "action_id": "machine", "min_query_length": 0}
    block = {"type": "input", "block_id": "which", "label": plain("Machine"), "element": select}
    await client.views_open(trigger_id=await trigger(workspace), view=modal(block))
    (view,) = workspace.views("U0OLGA")
    found = await workspace.options("U0OLGA", view.ref, "machine", query="node-1")
    assert [option["value"] for option in found] == ["node-1", "node-10", "node-11"]
    many = True
    assert await workspace.options("U0OLGA", view.ref, "machine", query="") == []
    select["min_query_length"] = 3
    await client.views_update(view_id=view.id, view=modal(block))
    assert await workspace.options("U0OLGA", view.ref, "machine", query="no") == []


async def test_nobody_acts_on_what_is_not_there(workspace: Workspace, client: AsyncWebClient) -> None:
    posted = await client.chat_postEphemeral(channel="C0OPS", user="U0OLGA", text="x", blocks=[actions(button("go"))])
    (message,) = workspace.messages("C0OPS", "U0OLGA")
    assert message.ts == posted["message_ts"]
    for user, action in (("U0VICTOR", "go"), ("U0OLGA", "nothing")):
        with pytest.raises(NothingThereError):
            await workspace.click(user, message.ref, action)
    with pytest.raises(NothingThereError):
        await workspace.submit_view("U0OLGA", "V0NOTHING", {})
