"""What survives a restart, what people are shown live, and the manifest."""

import asyncio
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackServer, Workspace
from tests.sandbox_slack.conftest import Clock
from tests.sandbox_slack.kit import actions, button, section


async def test_state_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "slack.json"
    first = Workspace(state_file=path)
    async with SlackServer(first) as server:
        client = AsyncWebClient(token=first.app.bot_token, base_url=server.api_url)
        ts = await first.say("U0OLGA", "C0OPS", "hello")
        posted = await client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button("go"))], thread_ts=ts)
        await client.chat_postMessage(channel="U0OLGA", text="direct")
        await client.chat_update(channel="C0OPS", ts=posted["ts"], text="y", blocks=[section("y")])
        await client.views_publish(user_id="U0OLGA", view={"type": "home", "blocks": [section("home")]})
        file_id = (await client.files_upload_v2(channel="C0OPS", filename="a.log", content="log"))["file"]["id"]
    second = Workspace(state_file=path)
    assert [m.text for m in second.thread("C0OPS", ts, "U0OLGA")] == ["hello", "y"]
    assert second.thread("C0OPS", ts, "U0OLGA")[1].edits == 1
    assert second.files[file_id].content == b"log"
    assert second.direct_message("U0OLGA").id == first.direct_message("U0OLGA").id
    home = second.home("U0OLGA")
    assert home is not None
    assert home.blocks[0]["text"]["text"] == "home"
    later = await second.say("U0OLGA", "C0OPS", "again")
    assert later > max(m.ts for m in first.messages("C0OPS", "U0OLGA"))


async def test_changes_are_saved_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "slack.json"
    workspace = Workspace(state_file=path)
    async with SlackServer(workspace):
        await workspace.say("U0OLGA", "C0OPS", "kept")
        async with asyncio.timeout(4):
            while not (path.exists() and "kept" in path.read_text()):
                await asyncio.sleep(0.05)


def test_unreadable_state_is_said(tmp_path: Path) -> None:
    path = tmp_path / "slack.json"
    path.write_text('{"format": 99}')
    with pytest.raises(ValueError, match="format 99"):
        Workspace(state_file=path)


async def test_everybody_sees_their_own_changes(workspace: Workspace, client: AsyncWebClient) -> None:
    olga, gus = workspace.subscribe("U0OLGA"), workspace.subscribe("U0GUEST")
    posted = await client.chat_postMessage(channel="C0OPS", text="x")
    await client.chat_update(channel="C0OPS", ts=posted["ts"], text="y")
    await client.chat_postEphemeral(channel="C0OPS", user="U0OLGA", text="psst")
    await client.chat_postMessage(channel="C0APPROVE", text="not for guests")
    await client.chat_delete(channel="C0OPS", ts=posted["ts"])
    olga.close()
    gus.close()
    assert [event.kind async for event in olga] == [
        "message",
        "message_changed",
        "ephemeral",
        "message",
        "message_deleted",
    ]
    assert [event.kind async for event in gus] == ["message", "message_changed", "message_deleted"]


def test_guests_and_strangers_see_only_their_channels() -> None:
    workspace = Workspace()
    assert [channel.name for channel in workspace.channels_of("U0GUEST")] == ["ops"]
    assert [channel.name for channel in workspace.channels_of("U0FIONA")] == ["ops"]
    assert [channel.name for channel in workspace.channels_of("U0VICTOR")] == ["ops", "approvals", "random"]


async def test_manifest() -> None:
    workspace = Workspace()
    workspace.app.load_manifest(
        {
            "display_information": {"name": "Metal"},
            "features": {
                "bot_user": {"display_name": "Metal Bot"},
                "app_home": {"home_tab_enabled": True, "messages_tab_enabled": False},
                "slash_commands": [{"command": "/metal", "description": "d", "should_escape": True}],
            },
            "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
            "settings": {
                "event_subscriptions": {
                    "bot_events": ["app_mention"],
                    "request_url": "https://bot.example/slack",
                },
                "interactivity": {"is_enabled": True},
                "socket_mode_enabled": False,
            },
        }
    )
    assert list(workspace.app.commands) == ["/metal"]
    assert workspace.app.scopes == {"commands", "chat:write"}
    assert (workspace.app.delivery, workspace.app.request_url) == ("http", "https://bot.example/slack")
    assert workspace.app.home_tab
    assert not workspace.app.messages_tab
    ts = await workspace.say("U0OLGA", "C0RANDOM", "@metalbot hello")
    assert workspace.thread("C0RANDOM", ts, "U0OLGA")[0].text == "<@U0MAASBOT> hello"


async def test_same_seed_same_ids() -> None:
    ids = [[Workspace(seed=seed).ids.new("F") for _ in range(2)] for seed in (7, 7, 8)]
    assert ids[0] == ids[1] != ids[2]


async def test_timestamps_grow_even_when_the_clock_goes_back(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "slack.json"
    first = Workspace(state_file=path, clock=clock)
    before = await first.say("U0OLGA", "C0OPS", "before")
    first.save()
    clock.forward(-3600)
    second = Workspace(state_file=path, clock=clock)
    assert await second.say("U0OLGA", "C0OPS", "after") > before
