"""Uploads through the real client's three steps."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackServer, Workspace


async def test_upload_into_a_thread(client: AsyncWebClient, workspace: Workspace, server: SlackServer) -> None:
    root = await client.chat_postMessage(channel="C0OPS", text="commissioning")
    answer = await client.files_upload_v2(
        channel="C0OPS",
        thread_ts=root["ts"],
        filename="node-3.log",
        title="node-3",
        content="first line\nsecond line\n",
        initial_comment="the log",
    )
    file = workspace.files[answer["file"]["id"]]
    assert (file.content, file.mimetype, file.title) == (b"first line\nsecond line\n", "text/plain", "node-3")
    assert file.is_text
    message = workspace.thread("C0OPS", root["ts"], "U0VICTOR")[-1]
    assert (message.text, message.files) == ("the log", [file.id])
    assert workspace.messages("C0OPS", "U0VICTOR")[-1].ts == root["ts"]
    async with aiohttp.ClientSession() as session:
        url = answer["file"]["url_private"]
        headers = {"Authorization": f"Bearer {workspace.app.bot_token}"}
        async with session.get(url, headers=headers) as download:
            assert await download.read() == file.content
        async with session.get(url, allow_redirects=False) as download:
            assert download.status == 302


async def test_several_files_in_one_message(client: AsyncWebClient, workspace: Workspace) -> None:
    uploads = [{"filename": f"{n}.txt", "content": f"file {n}"} for n in range(3)]
    await client.files_upload_v2(channel="C0OPS", file_uploads=uploads)
    assert len(workspace.messages("C0OPS", "U0OLGA")[-1].files) == 3


@pytest.mark.parametrize(
    ("channel", "thread_ts", "error"),
    [
        ("C0RANDOM", None, "not_in_channel"),
        ("C0NOWHERE", None, "channel_not_found"),
        ("C0OPS", "1.0", "invalid_thread_ts"),
    ],
)
async def test_refused_shares(client: AsyncWebClient, channel: str, thread_ts: str | None, error: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.files_upload_v2(channel=channel, thread_ts=thread_ts, filename="a.txt", content="a")
    assert caught.value.response["error"] == error


async def test_length_must_be_true(client: AsyncWebClient, server: SlackServer) -> None:
    answer = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    async with aiohttp.ClientSession() as session, session.post(answer["upload_url"], data=b"123") as upload:
        assert upload.status == 400
    with pytest.raises(SlackApiError) as caught:
        await client.files_completeUploadExternal(files=[{"id": answer["file_id"], "title": "a"}])
    assert caught.value.response["error"] == "file_not_found"


async def test_empty_files_are_refused(client: AsyncWebClient) -> None:
    with pytest.raises((SlackApiError, SlackRequestError)):
        await client.files_upload_v2(channel="C0OPS", filename="a.txt", content="")


async def test_a_block_shows_a_file_only_once_it_is_processed(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.timing.file_processing = 3600
    file_id = (await client.files_upload_v2(filename="a.png", content=b"png", channel="C0OPS"))["file"]["id"]
    block = {"type": "image", "alt_text": "a", "slack_file": {"id": file_id}}
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0OPS", text="x", blocks=[block])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "invalid slack file" in caught.value.response["response_metadata"]["messages"][0]
    workspace.files[file_id].processed_at = 0
    assert (await client.chat_postMessage(channel="C0OPS", text="x", blocks=[block]))["ok"]
