"""Bolt's listeners: acknowledge, read the ids, hand over. They never raise.

Bolt answers Slack when the listener returns, and with an error when it raises instead. So nothing that takes long, and
nothing that can fail, happens here after the acknowledgement.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.command.beside import Beside
from bot.people import Door, Origin
from bot.slack.approval_forms import ApprovalForms
from bot.slack.attached import beside, split_off
from bot.slack.clicks import Clicks
from bot.slack.deliveries import Deliveries
from bot.slack.forms import Forms
from bot.slack.home import Home
from bot.slack.inbox import Inbox
from bot.slack.once import Once, delivery_of
from bot.slack.outbound import Outbound
from bot.slack.places import Place
from bot.slack.render import action_name
from bot.slack.replies import CommandReply, ThreadReply
from bot.slack.router import Asker, Reply, Router
from bot.slack.rush import Rush

#: Runs work beside the acknowledgement, and keeps it from vanishing half-way.
Spawn = Callable[[Coroutine[Any, Any, None]], None]

_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
#: Seconds that an acknowledgement waits for the check of a form.
_CHECK_PATIENCE = 1.5
#: Commands that are worked on at a time. The others wait, and not half-done in front of the outbound writer.
_AT_A_TIME = 40


class Handlers(Protocol):
    """A family of buttons and forms that listens for itself: it acknowledges, hands over, and never raises."""

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt; work that takes time goes to `spawn`."""


class Listeners:
    """Everything that Slack can send to the bot."""

    def __init__(
        self,
        *,
        router: Router,
        clicks: Clicks,
        forms: Forms,
        decisions: ApprovalForms,
        home: Home,
        inbox: Inbox,
        outbound: Outbound,
        deliveries: Deliveries,
        bot_user_id: str,
        more: Sequence[Handlers] = (),
    ) -> None:
        self._more = more
        self._router = router
        self._clicks = clicks
        self._decisions = decisions
        self._forms = forms
        self._home = home
        self._inbox = inbox
        self._outbound = outbound
        self._deliveries = deliveries
        self._me = bot_user_id
        self._tasks: set[asyncio.Task[None]] = set()
        self._rush = Rush(_AT_A_TIME, self._spawn)
        self._log = structlog.get_logger("listeners")

    def register(self, app: AsyncApp) -> None:
        """Attach to Bolt; the same for Socket Mode and HTTP mode."""
        app.use(Once())
        app.command(re.compile(r"/.+"))(self._on_command)
        app.event("app_mention")(self._on_mention)
        app.event("app_home_opened")(self._on_home)
        app.action(re.compile(r"approval\.deny.*|ask\..+"))(self._on_form_button)
        app.action(re.compile(r"(operation|approval)\..+"))(self._on_click)
        app.view(re.compile(r"decide\..+"))(self._on_decision)
        app.action(re.compile(r"(form|home|page)\..+"))(self._on_form_click)
        for one in self._more:
            one.register(app, self._spawn)
        app.options(re.compile(r"form\..+"))(self._on_options)
        app.view(re.compile(r"form\..+"))(self._on_form)
        app.action(re.compile(r".*"))(self._on_anything)
        app.event(re.compile(r".*"))(self._on_anything)
        app.error(self._on_error)

    @property
    def idle(self) -> bool:
        """Nobody waits for an answer."""
        return not self._tasks

    async def close(self) -> None:
        """Give what was taken a moment to be answered; who gets no answer is told at the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3.0)
        self._rush.drop()
        for task in self._tasks:
            task.cancel()

    # -- words -------------------------------------------------------------------------------------------------

    async def _on_command(self, ack: AsyncAck, command: Mapping[str, Any]) -> None:
        # What stands in a block of code may be secret: it is not written down with the words.
        text, block = split_off(str(command.get("text") or ""))
        ticket = await self._inbox.take(str(command.get("response_url") or ""), text) if text.strip() else ""
        await ack()
        asker = Asker(str(command.get("team_id") or ""), str(command.get("user_id") or ""))
        origin = Origin(Door.COMMAND, str(command.get("channel_id") or ""))
        reply = CommandReply(self._outbound, str(command.get("response_url") or ""))
        if text.strip():
            work = partial(self._router.words, text, asker, origin, reply, Beside(block=block))
            self._rush.add(asker.user_id, partial(self._answer, delivery_of(command), ticket, work))
        else:
            self._spawn(self._forms.open(str(command.get("trigger_id") or ""), asker, origin, reply))

    async def _answer(self, delivery: Sequence[str] | None, ticket: str, work: Callable[[], Awaitable[None]]) -> None:
        if await self._deliveries.first(delivery):
            await work()
        if ticket:
            self._inbox.answered(ticket)

    async def _on_mention(self, ack: AsyncAck, body: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        await ack()
        if event.get("bot_id") or event.get("user") in {None, self._me}:
            return
        channel, ts = str(event.get("channel") or ""), str(event.get("ts") or "")
        thread = str(event.get("thread_ts") or ts)
        asker = Asker(str(event.get("team") or body.get("team_id") or ""), str(event["user"]))
        reply = ThreadReply(self._outbound, channel, thread, asker.user_id)
        text, block = split_off(_without_mention(str(event.get("text") or ""), self._me))
        given = beside(block, event, self._outbound)
        work = partial(self._router.words, text, asker, Origin(Door.MENTION, channel, thread), reply, given)
        self._spawn(self._answer(delivery_of(body), "", work))

    # -- clicks and forms --------------------------------------------------------------------------------------

    async def _on_click(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        await ack()
        asker, origin = asker_of(body), _origin(body)
        reply = self._reply(body)
        value = str(action.get("value") or "")
        self._spawn(self._clicks.click(action_name(str(action.get("action_id"))), value, asker, origin, reply))
        self._spawn(self._clicks.tidy(value, Place.of(body)))

    async def _on_form_button(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        await ack()
        reply = self._reply(body)
        name, value = action_name(str(action.get("action_id"))), str(action.get("value") or "")
        trigger = str(body.get("trigger_id") or "")
        self._spawn(self._decisions.open(name, value, trigger, _origin(body), reply))
        self._spawn(self._clicks.tidy(value, Place.of(body)))

    async def _on_decision(self, ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        try:
            errors = await asyncio.wait_for(self._decisions.check(view), _CHECK_PATIENCE)
        except TimeoutError:
            errors = {}  # it is checked again before anything is done
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        self._spawn(self._decisions.submitted(view, asker_of(body)))

    async def _on_form_click(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        await ack()
        asker, origin = asker_of(body), _origin(body)
        name, value = action_name(str(action.get("action_id"))), str(action.get("value") or "")
        if name.startswith("page."):
            reply = self._reply(body)
            self._spawn(self._router.words(value, asker, origin, reply))
        elif name == "home.form":
            self._spawn(self._forms.open(str(body.get("trigger_id") or ""), asker, origin, None))
        elif name.startswith("home."):
            self._spawn(self._home.publish(asker))

    async def _on_options(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack(options=self._forms.options(asker_of(body), str(body.get("value") or "")))

    async def _on_form(self, ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        errors = self._forms.check(view)
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        self._spawn(self._forms.submitted(view, asker_of(body)))

    async def _on_home(self, ack: AsyncAck, body: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        await ack()
        if event.get("tab") == "home":
            asker = Asker(str(body.get("team_id") or ""), str(event.get("user") or ""))
            self._spawn(self._home.publish(asker))

    async def _on_anything(self, ack: AsyncAck) -> None:
        await ack()  # unacknowledged, a link button or an unknown event would show as a failure

    async def _on_error(self, error: Exception) -> None:
        self._log.error("listener_failed", error=type(error).__name__)

    # -- small ones --------------------------------------------------------------------------------------------

    def _reply(self, body: Mapping[str, Any]) -> Reply:
        return reply_to(body, self._outbound)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        # Bolt keeps no reference to what a listener starts; without one the task can vanish half-way.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("task_failed", exc_info=task.exception())


def reply_to(body: Mapping[str, Any], outbound: Outbound) -> Reply:
    """Where answers to a click go: a click on App Home has no address of its own, so they go to the person."""
    response_url = str(body.get("response_url") or "")
    if response_url:
        return CommandReply(outbound, response_url)
    user = str((body.get("user") or {}).get("id") or "")
    return ThreadReply(outbound, user, None, user)


def asker_of(body: Mapping[str, Any]) -> Asker:
    """Whose action it is, by the ids of the signed payload."""
    user = body.get("user") or {}
    team = body.get("team") or {}
    return Asker(str(user.get("team_id") or team.get("id") or ""), str(user.get("id") or ""))


def _origin(body: Mapping[str, Any]) -> Origin:
    channel = str((body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or "")
    # In a direct message with the bot its buttons stand for App Home's: what was asked there is decided there.
    is_private_talk = not channel or channel.startswith("D")
    return Origin(Door.HOME if is_private_talk else Door.BUTTON, channel)


def _without_mention(text: str, me: str) -> str:
    """The words after the bot's own mention; other mentions stay, they may be arguments."""
    head, found, tail = text.partition(f"<@{me}")
    if not found:
        return _MENTION.sub("", text, count=1).strip()
    return f"{head} {tail.partition('>')[2]}".strip()
