"""What watches tell goes out here, and the button below it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.message import Message, say
from bot.policy import Ask, Policy, Risk
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.listeners import Spawn
from bot.slack.outbound import ChannelRefused, Outbound, SlackError, SlackFatal, SlackUnavailable
from bot.slack.places import Place, asker_of
from bot.slack.troubles import storage_trouble
from bot.storage import StorageUnavailableError
from bot.watches.service import Watches
from bot.watches.speaking import NotHeardError, NotNowError
from bot.watches.view import IGNORE


class Announcer:
    """Posts for watches: the speaker that they know."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def say(self, channel: str, thread: str, key: str, message: Message) -> None:
        """Post once for ever under this key.

        Raises:
            NotHeardError: the channel does not take it.
            NotNowError: Slack is in trouble.
            StorageUnavailableError: nothing was posted.
        """
        try:
            await self._outbound.post(channel, message, key=key, thread_ts=thread or None)
        except ChannelRefused as error:
            raise NotHeardError(error.reason) from None
        except (SlackUnavailable, SlackFatal) as error:
            raise NotNowError(str(error)) from None
        except SlackError as error:
            # Slack's word on this message, such as a thread that is gone: it would be the same at the next try.
            raise NotHeardError(str(error)) from None

    def correct(self, key: str, message: Message, *, final: bool) -> None:
        """Let the posted message of this key show another state; `final` is the answer to somebody's click."""
        self._outbound.show(key, message, final=final, urgent=final)


class IgnoreButton:
    """Takes the buttons off what somebody does not want to be asked about."""

    def __init__(self, watches: Watches, policy: Policy, identities: Identities, outbound: Outbound) -> None:
        self._watches = watches
        self._policy = policy
        self._identities = identities
        self._outbound = outbound
        self._log = structlog.get_logger("announcer")

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt."""

        async def on_click(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
            await ack()
            spawn(self._ignore(str(action.get("value") or ""), body))

        app.action(IGNORE)(on_click)

    async def _ignore(self, key: str, body: Mapping[str, Any]) -> None:
        place, asker = Place.of(body), asker_of(body)
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id)
            decision = await self._policy.may_plan(person, Ask("commission", Risk.CHANGE), place.origin)
            if not decision.allowed:
                why = f"That is for those who may act on it: {decision.reason}."
            else:
                why = await self._watches.settle(key, f"Ignored by {person.name}.")
        except IdentityUnknownError as error:
            why = f"Slack did not tell me who you are ({error}); click again."
        except StorageUnavailableError as error:
            await self._refuse(place, storage_trouble(error))
            return
        if why:
            await self._refuse(place, say(why))

    async def _refuse(self, place: Place, message: Message) -> None:
        try:
            await place.reply(self._outbound).refuse(message)
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error))
