"""Reading a file that somebody attached to a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound.calls import Calls
from bot.slack.outbound.errors import SlackError, SlackUnavailable

_METHOD = "files download"
_TIME = 15.0
#: Seconds in which a long file has to go on arriving, however long it takes as a whole.
_SILENCE = 60.0
#: Files of a channel that are listed, and of those with the right name that are looked at.
_LATEST, _LOOKED_AT = 50, 5
_SLACK = (".slack.com", ".slack-edge.com", ".slack-files.com")


async def newest_file(
    calls: Calls, channel: str, thread_ts: str, ending: str | tuple[str, ...]
) -> dict[str, Any] | None:
    """The newest file with this ending that was shared in a thread, among the latest of its channel.

    Reading the thread itself would take the right to read everything that is said in the channel.

    Raises:
        SlackError: Slack refused, or was in trouble.
    """

    async def latest(_doubt: bool) -> Any:
        return await calls.client.files_list(channel=channel, count=_LATEST)

    listed = (await calls.call("files.list", latest, urgent=True, patience=_TIME))["files"]
    fitting = [one for one in listed if str(one.get("name") or "").lower().endswith(ending)]
    newest: tuple[str, dict[str, Any] | None] = ("", None)
    for one in sorted(fitting, key=lambda one: -int(one.get("created") or 0))[:_LOOKED_AT]:

        async def look(_doubt: bool, file_id: str = str(one["id"])) -> Any:
            return await calls.client.files_info(file=file_id)

        file: dict[str, Any] = (await calls.call("files.info", look, urgent=True, patience=_TIME))["file"]
        shares = [share for kind in (file.get("shares") or {}).values() for share in kind.get(channel) or []]
        here = [str(share["ts"]) for share in shares if thread_ts in {share.get("ts"), share.get("thread_ts")}]
        if here and max(here) > newest[0]:
            newest = (max(here), file)
    return newest[1]


async def file_info(calls: Calls, file_id: str) -> dict[str, Any]:
    """A file as Slack knows it now. Raises SlackError: it was deleted, or Slack is in trouble."""

    async def look(_doubt: bool) -> Any:
        return await calls.client.files_info(file=file_id)

    found: dict[str, Any] = (await calls.call("files.info", look, urgent=True, patience=_TIME))["file"]
    return found


async def read_file(client: AsyncWebClient, url: str, most: int) -> bytes:
    """The content of a file, at most `most` bytes.

    Raises:
        SlackError: Slack does not give it: the scope files:read is missing, or it is longer.
        SlackUnavailable: Slack did not answer.
    """
    async with _download(client, url, aiohttp.ClientTimeout(total=_TIME)) as stream:
        content = bytearray()
        async for some in stream.iter_any():
            content += some
            if len(content) > most:
                raise SlackError(_METHOD, "file_too_long")
    return bytes(content)


@asynccontextmanager
async def opened_file(client: AsyncWebClient, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """The content of a file that may be long, as it arrives. Raises as `read_file`, at the start or in the middle."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TIME, sock_read=_SILENCE)
    async with _download(client, url, timeout) as stream:
        yield stream.iter_any()


@asynccontextmanager
async def _download(
    client: AsyncWebClient, url: str, timeout: aiohttp.ClientTimeout
) -> AsyncIterator[aiohttp.StreamReader]:
    host = urlsplit(url).hostname or ""
    own = urlsplit(client.base_url).hostname or ""
    # The token goes with the request, so only to Slack itself, whatever the address in the event says.
    if host != own and not host.endswith(_SLACK):
        raise SlackError(_METHOD, "foreign_address")
    headers = {"Authorization": f"Bearer {client.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False, proxy=client.proxy) as answer,
        ):
            if answer.status == 429 or answer.status >= 500:
                raise SlackUnavailable(_METHOD, f"http_{answer.status}")
            # Without the scope Slack redirects to its page for signing in.
            if answer.status != 200 or "html" in answer.content_type:
                raise SlackError(_METHOD, "missing_scope" if answer.status in {200, 302} else "file_not_found")
            yield answer.content
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise SlackUnavailable(_METHOD, "no_answer") from None
