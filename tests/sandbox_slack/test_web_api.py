"""The Web API as the real client sees it."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import MessageRef, SlackServer, Workspace
from tests.sandbox_slack.kit import actions, button, section


async def refusal(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


async def test_auth_test_says_who_the_bot_is(client: AsyncWebClient, workspace: Workspace) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0MAAS", "U0MAASBOT", "B0MAASBOT")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == workspace.app.scopes
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("xoxb-wrong", "invalid_auth"),
        ("", "not_authed"),
        ("xapp-1-A0MAASBOT-stand-in-app", "not_allowed_token_type"),
    ],
)
async def test_wrong_tokens_are_refused(server: SlackServer, token: str, error: str) -> None:
    client = AsyncWebClient(token=token, base_url=server.api_url)
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="hi")) == error


async def test_app_token_is_for_sockets_only(client: AsyncWebClient, workspace: Workspace) -> None:
    assert await refusal(client.apps_connections_open(app_token=workspace.app.bot_token)) == "not_allowed_token_type"
    answer = await client.apps_connections_open(app_token=workspace.app.app_token)
    assert answer["url"].startswith("ws://127.0.0.1:")


async def test_missing_scope_says_what_is_needed(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_info(channel="C0OPS")
    answer = caught.value.response
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == "channels:read"
    assert "chat:write" in answer["provided"]


async def test_unknown_method(client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.shout", json={})) == "unknown_method"


async def test_post_comes_back_with_ids_filled_in(client: AsyncWebClient, workspace: Workspace) -> None:
    blocks = [section("*hello*"), actions(button("go"))]
    answer = await client.chat_postMessage(channel="C0OPS", text="fish & chips", blocks=blocks)
    message = answer["message"]
    assert message["text"] == "fish &amp; chips"
    assert all(block["block_id"] for block in message["blocks"])
    assert message["bot_id"] == "B0MAASBOT"
    assert workspace.message(MessageRef("C0OPS", answer["ts"]), "U0OLGA").text == "fish &amp; chips"


async def test_timestamps_only_grow(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0OPS", text=str(n)))["ts"] for n in range(4)]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
        ({"channel": "C0OPS", "text": ""}, "no_text"),
        ({"channel": "C0OPS", "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel": "C0OPS", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C0OPS", "text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"channel": "C0OPS", "text": "x", "blocks": "{not json"}, "invalid_blocks_format"),
        ({"channel": "C0OPS", "text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_format"),
    ],
)
async def test_bad_posts(client: AsyncWebClient, arguments: dict, error: str) -> None:
    assert await refusal(client.api_call("chat.postMessage", json=arguments)) == error


async def test_invalid_blocks_name_the_place(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0OPS", text="x", blocks=[section("ok"), section("y" * 3001)])
    messages = caught.value.response["response_metadata"]["messages"]
    assert messages == ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]


async def test_update_with_text_alone_removes_the_blocks(client: AsyncWebClient, workspace: Workspace) -> None:
    posted = await client.chat_postMessage(channel="C0OPS", text="a", blocks=[section("a")])
    await client.chat_update(channel="C0OPS", ts=posted["ts"], text="b", blocks=[section("b")])
    message = workspace.message(MessageRef("C0OPS", posted["ts"]), "U0OLGA")
    assert len(message.blocks) == 1
    await client.chat_update(channel="C0OPS", ts=posted["ts"], text="c")
    assert (message.text, message.blocks, message.edits) == ("c", [], 2)
    assert [version.text for version in message.versions] == ["a", "b", "c"]
    assert workspace.store.edited["C0OPS", posted["ts"]] == 2


async def test_only_own_messages_can_be_changed(client: AsyncWebClient, workspace: Workspace) -> None:
    ts = await workspace.say("U0OLGA", "C0OPS", "mine")
    assert await refusal(client.chat_update(channel="C0OPS", ts=ts, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel="C0OPS", ts=ts)) == "cant_delete_message"
    assert await refusal(client.chat_update(channel="C0OPS", ts="1.000000", text="x")) == "message_not_found"


async def test_update_refuses_long_text(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0OPS", text="a")
    assert await refusal(client.chat_update(channel="C0OPS", ts=posted["ts"], text="x" * 4001)) == "msg_too_long"


async def test_delete(client: AsyncWebClient, workspace: Workspace) -> None:
    posted = await client.chat_postMessage(channel="C0OPS", text="a")
    await client.chat_delete(channel="C0OPS", ts=posted["ts"])
    assert workspace.messages("C0OPS", "U0OLGA") == []


async def test_ephemeral_is_seen_by_one(client: AsyncWebClient, workspace: Workspace) -> None:
    answer = await client.chat_postEphemeral(channel="C0OPS", user="U0OLGA", text="psst")
    assert [m.text for m in workspace.messages("C0OPS", "U0OLGA")] == ["psst"]
    assert workspace.messages("C0OPS", "U0VICTOR") == []
    update = client.chat_update(channel="C0OPS", ts=answer["message_ts"], text="x")
    assert await refusal(update) == "message_not_found"
    stranger = client.chat_postEphemeral(channel="C0APPROVE", user="U0GUEST", text="x")
    assert await refusal(stranger) == "user_not_in_channel"


async def test_threads_hold_replies(client: AsyncWebClient, workspace: Workspace) -> None:
    root = await client.chat_postMessage(channel="C0OPS", text="root")
    reply = await client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=root["ts"])
    both = await client.chat_postMessage(channel="C0OPS", text="both", thread_ts=reply["ts"], reply_broadcast=True)
    assert [m.text for m in workspace.messages("C0OPS", "U0OLGA")] == ["root", "both"]
    assert [m.text for m in workspace.thread("C0OPS", root["ts"], "U0OLGA")] == ["root", "reply", "both"]
    assert both["message"]["thread_ts"] == root["ts"]


async def test_permalink(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0OPS", text="root")
    link = (await client.chat_getPermalink(channel="C0OPS", message_ts=posted["ts"]))["permalink"]
    assert link == f"https://metal.slack.com/archives/C0OPS/p{posted['ts'].replace('.', '')}"


async def test_same_client_message_id_posts_once(client: AsyncWebClient, workspace: Workspace) -> None:
    key = "2b1f1b8e-6d0a-4c53-9c53-0d1f2f7a6f10"
    first = await client.chat_postMessage(channel="C0OPS", text="once", client_msg_id=key)
    second = await client.chat_postMessage(channel="C0OPS", text="once", client_msg_id=key)
    assert first["ts"] == second["ts"]
    assert len(workspace.messages("C0OPS", "U0OLGA")) == 1


async def test_people_and_groups(client: AsyncWebClient) -> None:
    gus = (await client.users_info(user="U0GUEST", include_locale=True))["user"]
    assert gus["is_ultra_restricted"] is True
    assert gus["locale"] == "en-GB"
    assert (await client.users_info(user="U0FIONA"))["user"]["team_id"] == "T0FOREIGN"
    assert "U0FIONA" not in {user["id"] for user in (await client.users_list())["members"]}
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(group["handle"], group["users"]) for group in groups] == [("metal-approvers", ["U0ANDREA", "U0ADAM"])]
    assert (await client.usergroups_users_list(usergroup="S0APPROVE"))["users"] == ["U0ANDREA", "U0ADAM"]
    assert await refusal(client.users_info(user="U0NOBODY")) == "user_not_found"
    assert await refusal(client.usergroups_users_list(usergroup="S0NOBODY")) == "no_such_subteam"


async def test_channels(client: AsyncWebClient, granted) -> None:
    granted("channels:read")
    assert (await client.conversations_info(channel="C0RANDOM"))["channel"]["is_member"] is False
    assert "U0OLGA" in (await client.conversations_members(channel="C0OPS"))["members"]
    page = await client.conversations_list(limit=2)
    assert [channel["name"] for channel in page["channels"]] == ["ops", "approvals"]
    rest = await client.conversations_list(limit=2, cursor=page["response_metadata"]["next_cursor"])
    assert [channel["name"] for channel in rest["channels"]] == ["random"]
    assert await refusal(client.conversations_open(users=["U0OLGA"])) == "missing_scope"


async def test_a_private_channel_without_the_bot_does_not_exist(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.channels["C0RANDOM"].is_private = True
    assert await refusal(client.chat_postMessage(channel="C0RANDOM", text="x")) == "channel_not_found"


async def test_direct_message_by_user_id(client: AsyncWebClient, workspace: Workspace, granted) -> None:
    granted("im:write")
    opened = await client.conversations_open(users=["U0OLGA"])
    posted = await client.chat_postMessage(channel="U0OLGA", text="just you")
    assert posted["channel"] == opened["channel"]["id"]
    assert [m.text for m in workspace.messages(posted["channel"], "U0OLGA")] == ["just you"]
    assert workspace.may_see("U0VICTOR", posted["channel"]) is False


async def test_reactions(client: AsyncWebClient, workspace: Workspace, granted) -> None:
    granted("reactions:write")
    posted = await client.chat_postMessage(channel="C0OPS", text="a")
    await client.reactions_add(channel="C0OPS", timestamp=posted["ts"], name="eyes")
    assert (
        await refusal(client.reactions_add(channel="C0OPS", timestamp=posted["ts"], name="eyes")) == "already_reacted"
    )
    assert workspace.message(MessageRef("C0OPS", posted["ts"]), "U0OLGA").reactions == {"eyes": ["U0MAASBOT"]}
    await client.reactions_remove(channel="C0OPS", timestamp=posted["ts"], name="eyes")
    assert await refusal(client.reactions_remove(channel="C0OPS", timestamp=posted["ts"], name="eyes")) == "no_reaction"


async def test_forms_and_json_are_the_same(server: SlackServer, workspace: Workspace) -> None:
    headers = {"Authorization": f"Bearer {workspace.app.bot_token}"}
    url = server.api_url + "chat.postMessage"
    form = {"channel": "C0OPS", "text": "form", "blocks": '[{"type": "divider"}]'}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, data=form) as answer:
            assert (await answer.json())["message"]["blocks"][0]["type"] == "divider"
        async with session.post(
            url, data=b'{"channel": "C0OPS"', headers={"Content-Type": "application/json"}
        ) as answer:
            assert (await answer.json())["error"] == "invalid_json"
        async with session.post(url, data=b"[]", headers={"Content-Type": "application/json"}) as answer:
            assert (await answer.json())["error"] == "json_not_object"
        body = b'{"channel": "C0OPS", "text": "x"}'
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            assert (await answer.json())["warning"] == "missing_charset"


async def test_calls_are_recorded_without_the_token(client: AsyncWebClient, workspace: Workspace) -> None:
    await client.chat_postMessage(channel="C0OPS", text="x")
    await refusal(client.chat_postMessage(channel="C0NOWHERE", text="x"))
    assert workspace.call_counts["chat.postMessage"] == 2
    assert workspace.error_counts["chat.postMessage", "channel_not_found"] == 1
    assert [call.error for call in workspace.calls] == [None, "channel_not_found"]
    assert workspace.app.bot_token not in str(workspace.calls)


async def test_blocks_validate(client: AsyncWebClient) -> None:
    assert (await client.blocks_validate(blocks=[section("x")]))["ok"]
    with pytest.raises(SlackApiError) as caught:
        await client.blocks_validate(blocks=[{"type": "section"}])
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["errors"][0]["pointer"] == "/blocks/0"
