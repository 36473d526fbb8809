"""Buttons that stand for words: they go the way of all words, as those of whoever pressed them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.command.offers import ASK_MORE
from bot.slack.listeners import Spawn
from bot.slack.more_words import MoreWords
from bot.slack.outbound import Outbound
from bot.slack.places import Place, asker_of
from bot.slack.render import action_name
from bot.slack.router import Router


class WordButtons:
    """Listens for next steps, on any message."""

    def __init__(self, router: Router, more_words: MoreWords, outbound: Outbound) -> None:
        self._router = router
        self._more_words = more_words
        self._outbound = outbound

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt."""

        async def on_click(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
            await ack()
            name, words = action_name(str(action.get("action_id"))), str(action.get("value") or "")
            if name == ASK_MORE:
                spawn(self._more_words.open(str(body.get("trigger_id") or ""), words, body))
                return
            place = Place.of(body)
            spawn(self._router.words(words, asker_of(body), place.origin, place.reply(self._outbound)))

        async def on_form(ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
            errors = self._more_words.check(view)
            if errors:
                await ack(response_action="errors", errors=errors)
                return
            await ack()
            spawn(self._more_words.submitted(view, asker_of(body)))

        app.action(re.compile(r"words\..+"))(on_click)
        app.view(re.compile(r"words\..+"))(on_form)
