"""The form behind a button that lacks one word: `rename id:4gmh7n` and then the new name."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

from bot.command.offers import ASK_MORE
from bot.command.parser import Parser
from bot.command.usage import UsageError
from bot.message import say
from bot.slack.fields import field, plain
from bot.slack.outbound import Outbound, SlackError
from bot.slack.places import Place
from bot.slack.router import Asker, Router

_FIELD = "word"
#: Slack's limits: a form's title, and its hidden data.
_TITLE, _METADATA = 24, 3000


class MoreWords:
    """Asks for the last word of a command, and runs it as if it had been typed where the button stood."""

    def __init__(self, router: Router, parser: Parser, outbound: Outbound) -> None:
        self._router = router
        self._parser = parser
        self._outbound = outbound
        self._log = structlog.get_logger("more_words")

    async def open(self, trigger: str, words: str, body: Mapping[str, Any]) -> None:
        """Open the form. Never raises."""
        place = Place.of(body)
        metadata = json.dumps({"words": words, "place": asdict(place)})
        if len(metadata) > _METADATA:
            metadata = json.dumps({"words": words, "place": asdict(Place(place.channel, user=place.user))})
        try:
            await self._outbound.open_view(trigger, _view(words, metadata))
        except SlackError as error:
            self._log.warning("form_not_opened", error=str(error))
            try:
                await place.reply(self._outbound).refuse(say(f"The form could not be opened. Type /maas {words} …"))
            except SlackError:
                self._log.warning("refusal_not_delivered")

    def check(self, view: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the word, by field; empty when the command can be run."""
        if not _typed(view):
            return {_FIELD: "It is empty."}
        try:
            self._parser.parse(_words(view))
        except UsageError as error:
            return {_FIELD: error.message.summary[:150]}
        return {}

    async def submitted(self, view: Mapping[str, Any], asker: Asker) -> None:
        """Run the words. Never raises."""
        place = Place(**_metadata(view)["place"])
        await self._router.words(_words(view), asker, place.origin, place.reply(self._outbound))


def _view(words: str, metadata: str) -> dict[str, Any]:
    command = words.split(" ", 1)[0]
    return {
        "type": "modal",
        "callback_id": ASK_MORE,
        "title": plain(command.capitalize()[:_TITLE]),
        "submit": plain("Go on"),
        "close": plain("Close"),
        "private_metadata": metadata,
        "blocks": [
            field(
                ASK_MORE,
                _FIELD,
                "New name" if command == "rename" else "Value",
                {"type": "plain_text_input", "max_length": 200},
                hint="The plan is shown before anything is done.",
            )
        ],
    }


def _words(view: Mapping[str, Any]) -> str:
    words = str(_metadata(view)["words"])
    # The region stands at the end of the words; what was asked for goes before it.
    head, marker, region = words.partition(" --region ")
    return f"{head} {shlex.quote(_typed(view))}{marker}{region}"


def _typed(view: Mapping[str, Any]) -> str:
    return str(view["state"]["values"][_FIELD][ASK_MORE].get("value") or "").strip()


def _metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(str(view.get("private_metadata") or "{}"))
    return loaded
