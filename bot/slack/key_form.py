"""Handing over a new SSH key: its private half is shown once, to one person, in a window that sends nothing back.

It exists in this process from its making until Slack has taken the window, and is written down nowhere: the window has
no button but Close, so that Slack never returns it to us, and only the public half goes on, as a command of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.maas.public_keys import KeyPair, new_key_pair
from bot.message import say
from bot.people import Identity, Origin
from bot.policy import Ask, Policy, Risk
from bot.slack.fields import plain
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.listeners import Spawn
from bot.slack.outbound import Outbound, SlackError
from bot.slack.places import Place, asker_of
from bot.slack.router import Asker, Reply, Router

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class KeyForm:
    """Opens the window for whoever pressed the button, if they may add keys."""

    def __init__(self, router: Router, outbound: Outbound, identities: Identities, policy: Policy) -> None:
        self._router = router
        self._outbound = outbound
        self._identities = identities
        self._policy = policy
        self._log = structlog.get_logger("key_form")

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt."""

        async def on_button(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
            await ack()
            trigger, region = str(body.get("trigger_id") or ""), str(action.get("value") or "")
            place = Place.of(body)
            spawn(self.open(trigger, region, asker_of(body), place.origin, place.reply(self._outbound)))

        app.action(re.compile(r"key\..+"))(on_button)

    async def open(self, trigger: str, region: str, asker: Asker, origin: Origin, reply: Reply) -> None:
        """Show a new private key to the person, then ask for its public half to be added. Never raises."""
        try:
            view_id = await self._outbound.open_view(trigger, _view([_section("One moment…")]))
        except SlackError as error:
            self._log.warning("form_not_opened", error=str(error))
            await self._refuse(reply, "The window could not be opened, and no key was made. Click again.")
            return
        try:
            refusal = await self._refusal(region, asker, origin)
            if isinstance(refusal, str):
                await self._outbound.update_view(view_id, _view([_section(f"{refusal} No key was made.")]))
                return
            pair = new_key_pair(f"{_UNFIT.sub('-', refusal.name)[:40].strip('-') or refusal.user_id}@slack")
            await self._outbound.update_view(view_id, _view(_blocks(pair)))
        except SlackError as error:
            self._log.warning("key_not_shown", error=str(error))
            await self._refuse(reply, "The key could not be shown, so it was thrown away. Nothing was added.")
            return
        words = f"sshkeys add {pair.public.line} --region {region}"
        del pair
        await self._router.words(words, asker, origin, reply)

    async def _refusal(self, region: str, asker: Asker, origin: Origin) -> Identity | str:
        """The person, or why they may not."""
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id, fresh=True)
        except IdentityUnknownError as error:
            return f"Slack did not tell me who you are ({error})."
        decision = await self._policy.may_plan(person, Ask("sshkeys add", Risk.CHANGE, region), origin)
        return person if decision.allowed else f"You may not add SSH keys: {decision.reason}."

    async def _refuse(self, reply: Reply, text: str) -> None:
        try:
            await reply.refuse(say(text))
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=text)


def _blocks(pair: KeyPair) -> list[dict[str, Any]]:
    preformatted = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": pair.private}]}
    return [
        _section("This is the private key. It is shown this once, to you alone, and kept nowhere."),
        {"type": "rich_text", "elements": [preformatted]},
        _section(
            "Save it in a file that only you can read (chmod 600), with the line breaks, before you close this window. "
            "The plan for its public half waits for your yes where you asked. "
            "If you lose the private key, withdraw the plan and make another."
        ),
    ]


def _view(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    # No submit, and no inputs: whatever is submitted or clicked in a window comes back to us with all its blocks.
    return {"type": "modal", "title": plain("New SSH key"), "close": plain("Close"), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": plain(text)}
