"""Reading a file that somebody attached to a message."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound.errors import SlackError, SlackUnavailable

_METHOD = "files download"
_TIME = 15.0
_SLACK = (".slack.com", ".slack-edge.com", ".slack-files.com")


async def read_file(client: AsyncWebClient, url: str, most: int) -> bytes:
    """The content of a file, at most `most` bytes.

    Raises:
        SlackError: Slack does not give it: the scope files:read is missing, or it is longer.
        SlackUnavailable: Slack did not answer.
    """
    host = urlsplit(url).hostname or ""
    own = urlsplit(client.base_url).hostname or ""
    # The token goes with the request, so only to Slack itself, whatever the address in the event says.
    if host != own and not host.endswith(_SLACK):
        raise SlackError(_METHOD, "foreign_address")
    headers = {"Authorization": f"Bearer {client.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIME)) as session,
            session.get(url, headers=headers, allow_redirects=False, proxy=client.proxy) as answer,
        ):
            # Without the scope Slack redirects to its page for signing in.
            if answer.status != 200 or "html" in answer.content_type:
                raise SlackError(_METHOD, "missing_scope" if answer.status in {200, 302} else "file_not_found")
            content = await answer.content.read(most + 1)
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise SlackUnavailable(_METHOD, "no_answer") from None
    if len(content) > most:
        raise SlackError(_METHOD, "file_too_long")
    return content
