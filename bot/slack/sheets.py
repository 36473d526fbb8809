"""Sheets that commands ask for: a button that opens each, Slack's form, and the words run again with what it holds.

What is filled in is kept nowhere: it goes from Slack's form to the command. A sheet lives in memory until it is used.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import SecretStr
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.command.beside import Beside
from bot.command.sheet import Blank, Sheet
from bot.message import Button, Buttons, Code, Message, Note, Paragraph, Style, say
from bot.people import Origin
from bot.slack.fields import field, option, plain
from bot.slack.listeners import Spawn, asker_of, reply_to
from bot.slack.outbound import Outbound, SlackError
from bot.slack.router import Asker, Reply, Router

OPEN = "sheet.open"
_CALLBACK = "sheet.filled"
#: Seconds for which a sheet can be filled in, and how many are kept at most.
_LIFE, _MOST = 1500.0, 500


@dataclass(frozen=True, slots=True)
class _Offered:
    sheet: Sheet
    words: str
    asker: Asker
    origin: Origin
    reply: Reply
    at: float


class SheetDrawer:
    """The sheets that were offered and not filled in yet."""

    def __init__(self) -> None:
        self._offered: OrderedDict[str, _Offered] = OrderedDict()

    def offer(self, sheet: Sheet, words: str, asker: Asker, origin: Origin, reply: Reply) -> Message:
        """Keep a sheet, and say how it is opened. Only who asked for it can."""
        token = secrets.token_urlsafe(12)
        self._offered[token] = _Offered(sheet, words, asker, origin, reply, time.monotonic())
        if len(self._offered) > _MOST:
            self._offered.popitem(last=False)
        button = Button(sheet.title, OPEN, token, Style.PRIMARY)
        note = Note([f"{sheet.note} For: ", Code(f"/maas {words}")])
        return Message(sheet.why, (Paragraph([sheet.why]), Buttons([button]), note))

    def find(self, token: str, asker: Asker) -> _Offered | None:
        """The sheet of that button, if it is this person's and not too old."""
        found = self._offered.get(token)
        if found is None or found.asker != asker or time.monotonic() - found.at > _LIFE:
            return None
        return found

    def done(self, token: str) -> None:
        """It was filled in."""
        self._offered.pop(token, None)


class SheetForms:
    """Opens sheets in Slack and carries on with what was filled in."""

    def __init__(self, drawer: SheetDrawer, router: Router, outbound: Outbound) -> None:
        self._drawer = drawer
        self._router = router
        self._outbound = outbound
        self._log = structlog.get_logger("sheets")

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt."""

        async def on_button(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
            await ack()
            reply = reply_to(body, self._outbound)
            token, trigger = str(action.get("value") or ""), str(body.get("trigger_id") or "")
            spawn(self.open(token, trigger, asker_of(body), reply))

        async def on_filled(ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
            token, asker = str(view.get("private_metadata") or ""), asker_of(body)
            faults = self.check(token, asker, view)
            if faults:
                await ack(response_action="errors", errors=faults)
                return
            await ack()
            spawn(self.filled(token, asker, view))

        app.action(OPEN)(on_button)
        app.view(_CALLBACK)(on_filled)

    async def open(self, token: str, trigger: str, asker: Asker, reply: Reply) -> None:
        """Open the sheet that belongs to a button. Never raises."""
        offered = self._drawer.find(token, asker)
        try:
            if offered is None:
                await reply.refuse(say("This form is no longer open, or not yours. Type the command again."))
                return
            await self._outbound.open_view(trigger, _view(offered.sheet, token))
        except SlackError as error:
            self._log.warning("sheet_not_opened", error=str(error))

    def check(self, token: str, asker: Asker, view: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with what was filled in, by field."""
        offered = self._drawer.find(token, asker)
        if offered is None:
            first = next(iter(view["state"]["values"]), "")
            return {first: "This form has been open for too long. Close it, and type the command again."}
        faults = offered.sheet.check(_values(view))
        return {name: fault[:150] for name, fault in faults.items()}

    async def filled(self, token: str, asker: Asker, view: Mapping[str, Any]) -> None:
        """Run the words again, with what was filled in."""
        offered = self._drawer.find(token, asker)
        if offered is None:
            return
        self._drawer.done(token)
        filled = {name: SecretStr(value) for name, value in _values(view).items()}
        await self._router.words(offered.words, asker, offered.origin, offered.reply, Beside(filled))


def _view(sheet: Sheet, token: str) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": _CALLBACK,
        "title": plain(sheet.title[:24]),
        "submit": plain("Go on"),
        "close": plain("Close"),
        "private_metadata": token,
        "blocks": [_field(blank) for blank in sheet.blanks],
    }


def _field(blank: Blank) -> dict[str, Any]:
    element: dict[str, Any]
    if blank.choices:
        options = [option(choice, choice) for choice in blank.choices]
        element = {"type": "static_select", "options": options}
        initial = next((one for one in options if one["value"] == blank.initial), None)
        if initial is not None:
            element["initial_option"] = initial
    else:
        element = {"type": "plain_text_input", "max_length": blank.most, "multiline": blank.lines}
        if blank.initial:
            element["initial_value"] = blank.initial
    action = f"sheet.{blank.name}"
    return field(action, blank.name, blank.label, element, optional=blank.optional, hint=blank.hint)


def _values(view: Mapping[str, Any]) -> dict[str, str]:
    """What stands in each field, by its name."""
    found = {}
    for name, actions in view["state"]["values"].items():
        state = actions.get(f"sheet.{name}") or {}
        chosen = state.get("selected_option") or {}
        found[name] = str(state.get("value") or chosen.get("value") or "")
    return found
