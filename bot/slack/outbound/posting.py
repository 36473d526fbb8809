"""Posts: new messages, private ones, answers to commands, and files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.message import File, Message
from bot.slack.outbound.calls import Calls
from bot.slack.outbound.errors import RateLimited, ResponseUrlSpent, SlackError, from_code
from bot.slack.outbound.forms import Forms
from bot.slack.render import Rendered, Surface, limits

_NAMESPACE: Final = uuid.UUID("2f1f4c0e-6f0b-4d0c-9a75-5a1f6a1c0b77")
_DOUBT: Final = (
    "The answer of Slack to an earlier try was lost, so an older copy of this message may stand above. "
    "This one is kept up to date."
)
#: A response URL takes five posts within 30 minutes of the command or click.
_URL_USES: Final = 5
_URL_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a message stands."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A post that Slack took. `is_earlier`: it had the message already, and shows what it had."""

    ref: Ref
    rendered: Rendered
    is_earlier: bool


def client_id(key: str, replaced_ts: str = "") -> str:
    """The id under which the message of this key is posted, the same in every process."""
    return str(uuid.uuid5(_NAMESPACE, f"{key}/{replaced_ts}"))


class Posting:
    """Posts once, as far as that can be known.

    chat.postMessage has no documented way to repeat a call safely, and without a history scope the bot
    can't look. What is done instead: every post carries a `client_msg_id`, the same one whenever it is
    repeated, which Slack answers with the message that it already has (undocumented for apps, hence not
    relied on); a post that certainly did not arrive is repeated as it is; one whose answer was lost is
    repeated with a line that says that an older copy may stand above. Two messages that say so do less harm
    than an operation without a thread. Both copies' buttons work, because handlers look at the state and
    not at the message; the first click on the copy that nobody keeps true turns it into a word on where the
    other one stands.
    """

    def __init__(self, calls: Calls, forms: Forms) -> None:
        self._calls = calls
        self._forms = forms
        self._used_urls: dict[str, tuple[float, int]] = {}
        self._log = structlog.get_logger("slack")

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        message_id: str,
        thread_ts: str | None = None,
        in_doubt: bool = False,
        urgent: bool = False,
        broadcast: bool = False,
    ) -> Posted:
        """chat.postMessage.

        Raises:
            SlackError: as `Calls.call` says.
        """

        async def attempt(rendered: Rendered) -> Posted:
            payload: dict[str, Any] = {
                "channel": channel,
                "text": rendered.text,
                "unfurl_links": False,
                "unfurl_media": False,
                "client_msg_id": message_id,
            }
            if thread_ts is not None:
                payload |= {"thread_ts": thread_ts, "reply_broadcast": broadcast}

            async def send(doubt: bool) -> Posted:
                doubt = doubt and 0 < len(rendered.blocks) < limits.MESSAGE_BLOCKS
                blocks = [*rendered.blocks, _doubt_block()] if doubt else rendered.blocks
                answer = await self._api("chat.postMessage", {**payload, **_blocks(blocks)})
                ref = Ref(str(answer["channel"]), str(answer["ts"]))
                return Posted(ref, rendered, doubt and not _shows_doubt(answer.get("message")))

            sent: Posted = await self._calls.call(
                "chat.postMessage", send, urgent=urgent, channel=channel, in_doubt=in_doubt
            )
            return sent

        posted, _ = await self._forms.send(message, Surface.MESSAGE, True, attempt)
        return posted

    async def edit(self, ref: Ref, message: Message, *, attach: bool, enter: Callable[[], Awaitable[None]]) -> Rendered:
        """chat.update, once. The budget is taken already; for further forms `enter` is awaited.

        Raises:
            RateLimited: not now.
            Transient: not now.
            SlackError: Slack refused.
        """
        first = True

        async def attempt(rendered: Rendered) -> None:
            nonlocal first
            if not first:
                await enter()
            first = False
            # Without `blocks` Slack would drop those that are there, which is what bare text is meant to do.
            payload = {
                "channel": ref.channel,
                "ts": ref.ts,
                "text": rendered.text,
                **_blocks(rendered.blocks),
            }
            await self._calls.once("chat.update", lambda: self._api("chat.update", payload))

        _, rendered = await self._forms.send(message, Surface.MESSAGE, attach, attempt)
        return rendered

    async def ephemeral(
        self, channel: str, user: str, message: Message, thread_ts: str | None = None, *, patience: float
    ) -> None:
        """chat.postEphemeral. Files can't be private in a channel: the text says what was cut.

        Raises:
            SlackError: as `Calls.call` says.
        """

        async def attempt(rendered: Rendered) -> None:
            payload = {"channel": channel, "user": user, "text": rendered.text, **_blocks(rendered.blocks)}
            if thread_ts is not None:
                payload["thread_ts"] = thread_ts

            async def send(_doubt: bool) -> object:
                return await self._api("chat.postEphemeral", payload)

            await self._calls.call("chat.postEphemeral", send, urgent=True, patience=patience)

        await self._forms.send(message, Surface.EPHEMERAL, False, attempt)

    async def respond(self, url: str, message: Message, *, replace: bool, ephemeral: bool, patience: float) -> None:
        """Post to a response URL, which is a secret and stays out of errors and logs.

        Raises:
            ResponseUrlSpent: five posts or 30 minutes are over.
            SlackError: as `Calls.call` says.
        """

        async def attempt(rendered: Rendered) -> None:
            body = {
                "response_type": "ephemeral" if ephemeral else "in_channel",
                "replace_original": replace,
                "text": rendered.text,
                **_blocks(rendered.blocks),
            }

            async def send(_doubt: bool) -> None:
                if not url.startswith(("https://", "http://")):
                    raise ResponseUrlSpent("response_url", "invalid_url")
                self._spend(url)
                await self._post_to(url, body)

            await self._calls.call("response_url", send, urgent=True, patience=patience)

        await self._forms.send(message, Surface.EPHEMERAL, False, attempt)

    async def upload(self, channel: str, thread_ts: str | None, file: File) -> None:
        """Put a file into a thread.

        Raises:
            SlackError: as `Calls.call` says.
        """

        async def send(_doubt: bool) -> object:
            client: AsyncWebClient = self._calls.client
            return await client.files_upload_v2(
                channel=channel,
                thread_ts=thread_ts,
                filename=file.name,
                title=file.title,
                content=file.data or file.text or " ",
            )

        await self._calls.call("files.upload", send)

    async def upload_all(self, ref: Ref, thread_ts: str | None, files: Sequence[File]) -> None:
        """Put a message's files into its thread; what can't be put there is logged."""
        for file in files:
            try:
                await self.upload(ref.channel, thread_ts or ref.ts, file)
            except SlackError as error:
                self._log.warning("file_not_uploaded", file=file.name, channel=ref.channel, error=str(error))

    async def _api(self, method: str, payload: dict[str, Any]) -> Any:
        return await self._calls.client.api_call(method, json=payload)

    def _spend(self, url: str) -> None:
        now = self._calls.clock.now()
        self._used_urls = {one: used for one, used in self._used_urls.items() if now - used[0] < _URL_SECONDS}
        since, uses = self._used_urls.get(url, (now, 0))
        if uses >= _URL_USES:
            raise ResponseUrlSpent("response_url", "response_url_spent")
        self._used_urls[url] = (since, uses + 1)

    async def _post_to(self, url: str, body: dict[str, Any]) -> None:
        async with self._calls.session().post(url, json=body, proxy=self._calls.client.proxy) as answer:
            text = (await answer.text())[:300]
            if answer.status == 429:
                raise RateLimited(max(1.0, float(answer.headers.get("Retry-After", "5"))))
            code = _url_code(text)
            if answer.status >= 500 and code != "invalid_blocks":
                raise from_code("response_url", f"http_{answer.status}")
            if answer.status == 200 and code in {"", "ok"}:
                return
            if code in {"expired_url", "used_url", "invalid_url"} or (answer.status in {404, 410} and not code):
                raise ResponseUrlSpent("response_url", code or f"http_{answer.status}")
            raise from_code("response_url", code or f"http_{answer.status}")


def _blocks(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"blocks": blocks} if blocks else {}


def _doubt_block() -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "plain_text", "text": _DOUBT, "emoji": False}]}


def _shows_doubt(message: Any) -> bool:
    """Whether the message in Slack's answer has the doubting line, and so is the one that was just posted."""
    if not isinstance(message, dict) or "blocks" not in message:
        return True
    return any(_DOUBT in json.dumps(block) for block in message["blocks"])


def _url_code(text: str) -> str:
    """Slack's code in a response URL's answer: bare text, or JSON with `ok` and `error`."""
    text = text.strip()
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except ValueError:
            return ""
        return "ok" if body.get("ok") else str(body.get("error") or "")
    return text if text.replace("_", "").isalpha() else ""
