"""The one window through which the bot speaks to Slack."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.message import File, Message
from bot.slack.outbound.board import Board
from bot.slack.outbound.budget import Budget, Clock, Gates, SystemClock
from bot.slack.outbound.calls import Calls, OnCall, OnFatal
from bot.slack.outbound.forms import Forms
from bot.slack.outbound.keyed import KeyedPosts, Uploads
from bot.slack.outbound.ledger import Ledger
from bot.slack.outbound.lookups import Lookups
from bot.slack.outbound.posting import Posting, Ref
from bot.slack.outbound.reading import file_info, newest_file, opened_file, read_file
from bot.slack.outbound.stored import load
from bot.slack.render import Rendered, Surface
from bot.storage import Database

#: Seconds for which a person's answer is worth repeating while Slack is in trouble.
_ANSWER: Final = 60.0
#: A trigger lives three seconds; a second try after that can't work.
_TRIGGER: Final = 1.0


class Outbound:
    """Every call to Slack's Web API, and every post to a response URL, is made here.

    Budgets are spent below Slack's limits, a person's own action goes first, a Retry-After holds everybody,
    what Slack does not take in the newest form is sent in a plainer one. Messages with a key are edited,
    never posted twice, and their final states are written down before they are sent (`resume` sends what a
    killed process left).

    Errors are `SlackError`s; see `bot.slack.outbound.errors`. Where the database does not take the note
    that a keyed message is about to be posted, nothing is posted and StorageUnavailableError is raised.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        database: Database,
        *,
        budgets: Mapping[str, Budget] | None = None,
        on_call: OnCall | None = None,
        on_fatal: OnFatal | None = None,
        clock: Clock | None = None,
        spacing: float = 1.5,
    ) -> None:
        """Build a writer; nothing is opened before the first call.

        Args:
            client: gives the token, the address and the proxy; its own retry handlers are not used.
            database: where keyed messages are remembered.
            budgets: instead of the usual ones, by method.
            on_call: told of every call, for metrics: method, outcome, seconds.
            on_fatal: told when Slack no longer accepts the token.
            clock: for tests.
            spacing: seconds between two edits of one message, unless urgent or final.
        """
        self._clock = clock or SystemClock()
        self._calls = Calls(client, Gates(self._clock, budgets), self._clock, on_call, on_fatal)
        self._forms = Forms(self._clock)
        self._posting = Posting(self._calls, self._forms)
        self._ledger = Ledger(database)
        self._board = Board(self._calls, self._posting, self._ledger, spacing=spacing)
        self._lookups = Lookups(self._calls)
        self._uploads = Uploads(self._posting)
        self._keyed = KeyedPosts(self._posting, self._board, self._ledger, self._uploads, self._clock)
        self._permalinks: dict[Ref, str] = {}
        self._log = structlog.get_logger("slack")

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        key: str | None = None,
        thread_ts: str | None = None,
        urgent: bool = False,
        broadcast: bool = False,
    ) -> Ref:
        """Post a message; its files follow into its thread.

        With a key, the message is posted once for ever: a later post with the same key, in this process or
        another, edits the one that stands there (unless that one is final) and returns it.

        Args:
            channel: a channel's id, or a person's for a direct message.
            message: what to say.
            key: names the message for `show`, at most 120 characters.
            thread_ts: the thread to post into.
            urgent: a person waits for it.
            broadcast: show a thread's reply in the channel too.

        Raises:
            SlackError: Slack refused, or was in trouble for two minutes.
            StorageUnavailableError: the intent could not be written down; nothing was posted.
        """
        if key is None:
            posted = await self._posting.post(
                channel,
                message,
                message_id=str(uuid.uuid4()),
                thread_ts=thread_ts,
                urgent=urgent,
                broadcast=broadcast,
            )
            self._uploads.start(posted.ref, thread_ts, posted.rendered.files)
            return posted.ref
        return await self._keyed.post(key, channel, message, thread_ts=thread_ts, urgent=urgent, broadcast=broadcast)

    async def read_file(self, url: str, most: int) -> bytes:
        """The content of a file that came with a message, at most `most` bytes.

        Raises:
            SlackError: Slack does not give it, or it is longer.
        """
        return await read_file(self._calls.client, url, most)

    def opened_file(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content of a file that may be long, as it arrives. Raises SlackError, in the middle too."""
        return opened_file(self._calls.client, url)

    async def file_info(self, file_id: str) -> dict[str, Any]:
        """A file as Slack knows it now.

        Raises:
            SlackError: it was deleted, or Slack refused or was in trouble.
        """
        return await file_info(self._calls, file_id)

    async def newest_file(self, channel: str, thread_ts: str, ending: str | tuple[str, ...]) -> dict[str, Any] | None:
        """The newest file of a thread whose name ends so; None when there is none among the channel's latest files.

        Raises:
            SlackError: Slack refused, or was in trouble.
        """
        return await newest_file(self._calls, channel, thread_ts, ending)

    def show(self, key: str, message: Message, *, final: bool = False, urgent: bool = False) -> None:
        """Let the posted message of this key show a new state, soon. Never waits.

        Only the newest state is sent, and not if Slack shows it already. A final state is written down,
        sent until Slack has taken it, and its files go into the thread.
        """
        self._board.show(key, message, final=final, urgent=urgent)

    def on_refusal(self, told: Callable[[str], None]) -> None:
        """Call `told` with a key when the channel of its message begins to refuse edits, and when it takes them again.

        Such a message is tried again ever more rarely, always in its newest state.
        """
        self._board.closed_channels.on_change = told

    def refusal(self, key: str) -> str:
        """Why the channel of this message takes no edits, "" when it does as far as is known."""
        return self._board.closed_channels.reasons.get(key, "")

    def retry(self, key: str) -> None:
        """Try a message that was refused again now."""
        self._board.retry(key)

    async def resume(self, idle: float = 0.0) -> int:
        """Send the final states that an earlier process wrote down and did not send. Returns how many.

        `idle` leaves out what was written down in the last so many seconds: a living bot may be about to send it.

        Raises:
            StorageUnavailableError: they can't be read.
        """
        rows = await self._ledger.pending(idle)
        for row in rows:
            try:
                self._board.resume(row, load(row.pending or ""))
            except ValueError:
                self._log.error("stored_message_unreadable", key=row.key)
                await self._ledger.change(row, pending=None)
        return len(rows)

    async def ts_of(self, key: str) -> str | None:
        """The timestamp of the posted message of this key, which is also its thread's.

        Raises:
            StorageUnavailableError: it can't be read.
        """
        row = await self._ledger.get(key)
        return None if row is None else row.ts

    async def adopt(self, key: str, ref: Ref) -> None:
        """Keep up a message that stands there already, and of which nobody wrote down where, under this key.

        Raises:
            StorageUnavailableError: it can't be written down.
        """
        row = await self._ledger.get(key) or await self._ledger.intend(key, ref.channel, None)
        if row.ts is None:
            await self._ledger.change(row, channel=ref.channel, ts=ref.ts)

    async def ephemeral(self, channel: str, user: str, message: Message, thread_ts: str | None = None) -> None:
        """Say something to one person only. In a direct message it is an ordinary post.

        Raises:
            SlackError: Slack refused, or was in trouble for a minute.
        """
        if channel[:1] in {"U", "W"}:
            await self.post(channel, message, urgent=True)
            return
        await self._posting.ephemeral(channel, user, message, thread_ts, patience=_ANSWER)

    async def respond(
        self, response_url: str, message: Message, *, replace: bool = False, ephemeral: bool = True
    ) -> None:
        """Answer a command or a click at its response URL: five times, within 30 minutes.

        Raises:
            ResponseUrlSpent: that was over before.
            SlackError: Slack refused, or was in trouble for a minute.
        """
        await self._posting.respond(response_url, message, replace=replace, ephemeral=ephemeral, patience=_ANSWER)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> str:
        """Open a modal; returns its id. A trigger lives three seconds and opens one view.

        Raises:
            ViewRefused: the trigger is spent or too old.
            SlackError: Slack refused or did not answer in time.
        """
        answer = await self._view("views.open", {"trigger_id": trigger_id, "view": view}, patience=_TRIGGER)
        return str(answer["view"]["id"])

    async def update_view(self, view_id: str, view: dict[str, Any], *, view_hash: str | None = None) -> None:
        """Change an open modal, only if nobody else did since where a hash is given.

        Raises:
            ViewRefused: it was closed, or the hash is an old one.
            SlackError: Slack refused, or was in trouble.
        """
        guard = {"hash": view_hash} if view_hash else {}
        await self._view("views.update", {"view_id": view_id, "view": view, **guard}, patience=10.0)

    async def publish_home(self, user_id: str, home: Message | dict[str, Any]) -> None:
        """Show a person's App Home, from a message or from a whole view.

        Raises:
            SlackError: Slack refused, or was in trouble.
        """
        if not isinstance(home, Message):
            await self._view("views.publish", {"user_id": user_id, "view": home}, patience=_ANSWER)
            return

        async def attempt(rendered: Rendered) -> None:
            view = {"type": "home", "blocks": rendered.blocks}
            await self._view("views.publish", {"user_id": user_id, "view": view}, patience=_ANSWER)

        await self._forms.send(home, Surface.HOME, False, attempt)

    async def upload(self, channel: str, thread_ts: str | None, file: File) -> None:
        """Put a file into a thread or a channel.

        Raises:
            SlackError: Slack refused, or was in trouble for two minutes.
        """
        await self._posting.upload(channel, thread_ts, file)

    async def permalink(self, ref: Ref) -> str:
        """The address of a message.

        Raises:
            SlackError: Slack refused, or was in trouble.
        """
        known = self._permalinks.get(ref)
        if known is not None:
            return known

        async def ask(_doubt: bool) -> str:
            answer = await self._calls.client.chat_getPermalink(channel=ref.channel, message_ts=ref.ts)
            return str(answer["permalink"])

        link: str = await self._calls.call("chat.getPermalink", ask, patience=10.0)
        if len(self._permalinks) >= 1_000:
            self._permalinks.clear()
        self._permalinks[ref] = link
        return link

    async def open_direct(self, user_id: str) -> str:
        """The channel for a direct message to a person.

        chat.postMessage takes a person's id and opens the conversation itself, which spares a scope.
        """
        return user_id

    async def user_info(self, user_id: str, *, fresh: bool = False) -> dict[str, Any]:
        """Slack's record of a person, at most 60 s old.

        Raises:
            SlackError: there is no such person, or Slack did not say. An old answer is never given instead.
        """
        return await self._lookups.user(user_id, fresh=fresh)

    async def usergroup_members(self, group_id: str, *, fresh: bool = False) -> frozenset[str]:
        """The people of a user group, at most 60 s old.

        Raises:
            PaidPlanOnly: the workspace's plan has no user groups.
            SlackError: there is no such group, or Slack did not say. An old answer is never given instead.
        """
        return await self._lookups.members(group_id, fresh=fresh)

    async def close(self, timeout: float = 5.0) -> None:
        """Send the final states and files that are waiting, for so many seconds; then stop."""
        try:
            async with asyncio.timeout(timeout):
                await self._board.finals_sent()
                await self._uploads.done()
        except TimeoutError:
            self._log.warning("closed_with_unsent_states")
        await self._board.close()
        await self._uploads.close()
        await self._calls.close()

    async def _view(self, method: str, payload: dict[str, Any], *, patience: float) -> Any:
        async def send(_doubt: bool) -> Any:
            return await self._calls.client.api_call(method, json=payload)

        return await self._calls.call(method, send, urgent=True, patience=patience)
