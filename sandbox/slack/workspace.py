"""The workspace: its people, channels and messages, what they can do, and the app's Web API."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.slack import acting, population, saved, speaking
from sandbox.slack.api import WebApi
from sandbox.slack.application import AppConfig
from sandbox.slack.blocks import check_message, check_view
from sandbox.slack.courier import Courier
from sandbox.slack.errors import NothingThereError, SlackError
from sandbox.slack.faults import Faults
from sandbox.slack.feed import Feed, Subscription
from sandbox.slack.ids import Ids
from sandbox.slack.messages import Messages
from sandbox.slack.model import (
    SLACKBOT,
    Channel,
    Container,
    File,
    Message,
    MessageRef,
    User,
    View,
    WorkspaceEvent,
)
from sandbox.slack.outcomes import Ack, ApiAnswer, ApiCall, ClickOutcome, SlashOutcome, SubmitOutcome, Timing
from sandbox.slack.rates import RateLimits
from sandbox.slack.responses import post_response
from sandbox.slack.tickets import ResponseUrl, Tickets
from sandbox.slack.views import Views


class Workspace:
    """A Slack workspace with one app installed. Nothing in here speaks HTTP: `SlackServer` puts it on the
    wire.

    Attributes that tests and the demo's page read or change:
        users, usergroups, channels, files: by id.
        app: ids, tokens, scopes, commands, delivery (`AppConfig`; `load_manifest` takes a manifest).
        timing: Slack's clocks (`Timing`). rates: `RateLimits`, with its switch `generous`.
        faults: what goes wrong on demand (`Faults`).
        calls: the last 5,000 Web API calls, oldest first; call_counts per method, error_counts per method
            and error; posts to response URLs count as `response_url`.
        store: the messages (`Messages`); modals: the views (`Views`).

    Times are seconds since the epoch, durations seconds. Whoever a person can't see or touch raises
    `NothingThereError`; an unknown user or channel id raises `KeyError`.
    """

    def __init__(
        self,
        *,
        team_id: str = "T0MAAS",
        team_domain: str = "metal",
        seed: int = 1,
        state_file: Path | None = None,
        strict_timing: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a new workspace, or the one in `state_file` if that exists.

        With `strict_timing=False` acknowledgements and trigger ids last 30 s instead of 3, for machines
        that stutter.
        """
        self.team_id = team_id
        self.team_domain = team_domain
        self.team_name = team_domain.capitalize()
        self.clock = clock
        self.base_url = "http://stand-in.invalid"
        self.timing = Timing() if strict_timing else Timing(ack=30.0, trigger=30.0)
        self.ids = Ids(seed, clock)
        self.app = AppConfig()
        self.users: dict[str, User] = population.people(team_id, self.app)
        self.usergroups = population.usergroups(team_id)
        self.channels: dict[str, Channel] = population.channels(self.app)
        self.files: dict[str, File] = {}
        self.faults = Faults(clock)
        self.rates = RateLimits(clock)
        self.feed = Feed(self.may_see)
        self.store = Messages(self.ids, clock, self.feed.emit)
        self.modals = Views(self.ids, clock, self.feed.emit)
        self.tickets = Tickets(self.ids, clock, self.timing)
        self.courier = Courier(self.app, self.ids, self.timing, self.faults, clock)
        self.message_values: dict[tuple[str, str, str, int], dict[str, dict[str, Any]]] = {}
        self.calls: deque[ApiCall] = deque(maxlen=5000)
        self.call_counts: Counter[str] = Counter()
        self.error_counts: Counter[tuple[str, str]] = Counter()
        self.api = WebApi(self)
        self.state_file = state_file
        self.faults.when("disconnect", self._disconnect)
        self.app.changed = self._rename_bot
        if state_file is not None and state_file.exists():
            saved.load(self, state_file)

    # As a person

    async def say(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        thread_ts: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """Type a message, perhaps with files (name to content); returns its ts.

        `@maas …` and `@olga` become mentions, `#ops` a channel, addresses links.

        The app hears of it only when it is mentioned and in the channel (`app_mention`), in the background
        with Slack's retries; `settle()` waits for that.
        """
        return await speaking.say(self, user_id, channel_id, text, thread_ts, files or {})

    async def slash(self, user_id: str, channel_id: str, text: str, command: str = "/maas") -> SlashOutcome:
        """Type `command text` in a channel and wait for the acknowledgement (3 s)."""
        return await speaking.slash(self, user_id, channel_id, text, command)

    async def click(
        self,
        user_id: str,
        container: Container,
        action_id: str,
        block_id: str | None = None,
        value: str | None = None,
        selected: Any = None,
        *,
        confirm: bool = True,
    ) -> ClickOutcome:
        """Press a button, or choose in a select.

        `block_id` and (a button's) `value` say which of several. `selected` is an option's value or the
        option itself, a user, channel or conversation id, a date, or a list of them. An element that asks
        for confirmation is confirmed, unless `confirm=False`.
        """
        return await acting.click(
            self,
            user_id,
            container,
            action_id,
            block_id=block_id,
            value=value,
            selected=selected,
            confirm=confirm,
        )

    def fill(self, user_id: str, container: Container, block_id: str, action_id: str, selected: Any) -> None:
        """Type or choose in an input without sending anything, as in a modal before Submit."""
        acting.fill(self, user_id, container, (block_id, action_id), selected)

    async def options(
        self, user_id: str, container: Container, action_id: str, block_id: str | None = None, query: str = ""
    ) -> list[dict[str, Any]]:
        """Type `query` into an external select; returns the options, none below its `min_query_length`."""
        return await acting.options(self, user_id, container, action_id, block_id=block_id, query=query)

    async def submit_view(
        self, user_id: str, view_id: str, values: Mapping[str, Mapping[str, Any]] | None = None
    ) -> SubmitOutcome:
        """Fill in `{block_id: {action_id: value}}`, values as in `click`'s `selected`, and press Submit."""
        return await acting.submit_view(self, user_id, view_id, values or {})

    async def close_view(self, user_id: str, view_id: str) -> Ack:
        """Press Cancel. The app hears of it when the view asked for that."""
        return await acting.close_view(self, user_id, view_id)

    async def open_home(self, user_id: str) -> None:
        """Open the app's home tab: an `app_home_opened` event, in the background."""
        await speaking.open_home(self, user_id)

    async def shortcut(self, user_id: str, callback_id: str, message: MessageRef | None = None) -> Ack:
        """Run a global shortcut, or a message shortcut on `message`."""
        return await speaking.shortcut(self, user_id, callback_id, message)

    # What a person sees

    def messages(self, channel_id: str, viewer_id: str, thread_ts: str | None = None) -> list[Message]:
        """The channel as the viewer sees it, oldest first, ephemerals too; or one thread with its root."""
        if thread_ts is not None:
            return self.store.thread(channel_id, thread_ts, viewer_id)
        return self.store.timeline(channel_id, viewer_id)

    def thread(self, channel_id: str, thread_ts: str, viewer_id: str) -> list[Message]:
        """The root and its replies, oldest first."""
        return self.store.thread(channel_id, thread_ts, viewer_id)

    def replies(self, message: Message) -> list[Message]:
        """The replies under a message that everybody sees: for "3 replies"."""
        return self.store.replies(message)

    def message(self, ref: MessageRef, viewer_id: str) -> Message:
        """One message.

        Raises:
            NothingThereError: there is none, or not for this viewer.
        """
        message = self.store.find(ref.channel_id, ref.ts)
        hidden = message is not None and message.ephemeral_to not in {None, viewer_id}
        if message is None or hidden or not self.may_see(viewer_id, ref.channel_id):
            raise NothingThereError(f"no message {ref.ts} in {ref.channel_id} for {viewer_id}")
        return message

    def home(self, user_id: str) -> View | None:
        """The app's home tab for this person, if it published one."""
        return self.modals.homes.get(user_id)

    def views(self, user_id: str) -> list[View]:
        """The person's open modals, the top one last."""
        return list(self.modals.stacks.get(user_id, []))

    def subscribe(self, user_id: str) -> Subscription:
        """Everything that changes for this person from now on, as an async iterator; close it after use."""
        return self.feed.subscribe(user_id)

    def may_see(self, user_id: str, channel_id: str) -> bool:
        """Members see a channel; everybody of the workspace but guests sees public ones."""
        channel, user = self.channels[channel_id], self.users[user_id]
        if user_id in channel.members:
            return True
        inside = user.team_id == self.team_id and not user.is_restricted
        return inside and not channel.is_private and channel.im_user is None

    def channels_of(self, user_id: str) -> list[Channel]:
        """The channels and the direct message with the app that this person can open."""
        return [channel for channel in self.channels.values() if self.may_see(user_id, channel.id)]

    def direct_message(self, user_id: str) -> Channel:
        """The direct message between the app and this person; made when there is none."""
        for channel in self.channels.values():
            if channel.im_user == user_id:
                return channel
        channel = Channel(self.ids.new("D", 11), self.app.name, [user_id, self.app.bot_user_id], im_user=user_id)
        channel.is_private = True
        self.channels[channel.id] = channel
        self.feed.emit(WorkspaceEvent("channel", self.clock(), channel.id, user_id))
        return channel

    # The app's side

    async def call(self, method: str, args: Mapping[str, Any], token: str | None) -> ApiAnswer:
        """One Web API call. `args` as decoded from a form, a query or JSON."""
        return await self.api.call(method, args, token)

    def respond(self, path: str, body: Mapping[str, Any]) -> None:
        """What the app posts to a response URL.

        Raises:
            SlackError: the URL is used up or expired, or the message is refused.
        """
        self.call_counts["response_url"] += 1
        try:
            post_response(self, self.tickets.respond(path), body)
        except SlackError as refused:
            self.error_counts["response_url", refused.code] += 1
            raise

    def post_response(self, response: ResponseUrl, body: Mapping[str, Any]) -> Message | None:
        """A message in answer to a command or a click, without counting a use."""
        return post_response(self, response, body)

    async def app_connected(self, seconds: float = 10.0) -> None:
        """Wait until the app has a socket.

        Raises:
            TimeoutError: it has none after `seconds`.
        """
        await asyncio.wait_for(self.courier.hub.connected.wait(), seconds)

    async def settle(self) -> None:
        """Wait until every event has been acknowledged or given up."""
        await self.courier.settle()

    # The workspace's own doings

    def notice(self, user_id: str, channel_id: str | None, text: str, thread_ts: str | None = None) -> None:
        """Something that Slack's client shows to one person in passing."""
        self.feed.emit(WorkspaceEvent("notice", self.clock(), channel_id, user_id, thread_ts=thread_ts, text=text))

    def slackbot_says(self, user_id: str, channel_id: str, text: str) -> Message:
        """An ephemeral message by Slack itself."""
        return self.store.post(channel_id, SLACKBOT, text, ephemeral_to=user_id)

    def person_in(self, user_id: str, channel_id: str) -> tuple[User, Channel]:
        user, channel = self.users[user_id], self.channels[channel_id]
        if not self.may_see(user_id, channel_id):
            raise NothingThereError(f"{user.name} can't see {channel_id}")
        return user, channel

    def bot_is_in(self, channel: Channel) -> bool:
        removed = self.faults.on("bot-removed")
        return self.app.bot_user_id in channel.members and not (removed and removed["channel"] == channel.id)

    def is_archived(self, channel: Channel) -> bool:
        archived = self.faults.on("channel-archived")
        return channel.is_archived or bool(archived and archived["channel"] == channel.id)

    def check_message(self, blocks: Any) -> None:
        """Refuse what this workspace does not take in a message: see `blocks.check_message`."""
        check_message(blocks, native=self.faults.on("no-native-blocks") is None, files=self.file_ready)

    def check_view(self, view: Any, kind: str) -> None:
        """Refuse what this workspace does not take in a modal or a home tab: see `blocks.check_view`."""
        check_view(view, kind, native=self.faults.on("no-native-blocks") is None, files=self.file_ready)

    def file_ready(self, file_id: str) -> bool:
        """Whether a file may be used inside a block: uploaded, and processed since."""
        file = self.files.get(file_id)
        return file is not None and file.uploaded and self.clock() >= file.processed_at

    def save(self) -> None:
        """Write the state file, if there is one."""
        if self.state_file is not None:
            saved.save(self, self.state_file)

    async def close(self) -> None:
        """Stop deliveries, end subscriptions, save."""
        await self.courier.close()
        self.feed.close()
        self.save()

    def _disconnect(self, params: Mapping[str, Any]) -> None:
        self.courier.background(self.courier.hub.disconnect(str(params["mode"])))

    def _rename_bot(self) -> None:
        bot = self.users[self.app.bot_user_id]
        bot.name, bot.real_name = self.app.name, self.app.display_name
