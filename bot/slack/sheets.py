"""Sheets that commands ask for: a button that opens each, Slack's form, and the words run again with what it holds.

What is filled in is kept nowhere: it goes from Slack's form to the command. Which words wait for it, and whose they
are, is sealed in the database until then, so that any of several bots can open the form and take what it holds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from pydantic import SecretStr
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.command.beside import Beside
from bot.command.declaration import Catalog
from bot.command.parser import Call
from bot.command.sheet import Blank, Sheet
from bot.message import Button, Buttons, Code, Message, Note, Paragraph, Style, say
from bot.operations.sealed import Sealed
from bot.people import Door, Origin
from bot.slack.fields import field, option, plain
from bot.slack.listeners import Spawn, asker_of, reply_to
from bot.slack.outbound import Outbound, SlackError
from bot.slack.replies import CommandReply, ThreadReply
from bot.slack.router import Asker, Reply, Router
from bot.slack.troubles import storage_trouble
from bot.storage import StorageUnavailableError

OPEN = "sheet.open"
_CALLBACK = "sheet.filled"
#: Seconds for which a sheet can be filled in: its answers go to an address that Slack keeps for 30 minutes.
_LIFE = 1500.0
#: Seconds that the acknowledgement of a form waits for the database; Slack waits for 3.
_PATIENCE = 1.5


@dataclass(frozen=True, slots=True)
class _Offered:
    sheet: Sheet
    command: str
    words: str
    asker: Asker
    origin: Origin
    reply: Reply


class SheetDrawer:
    """The sheets that were offered and not filled in yet. Raises StorageUnavailableError."""

    def __init__(self, sealed: Sealed, outbound: Outbound) -> None:
        self._sealed = sealed
        self._outbound = outbound

    async def offer(self, sheet: Sheet, call: Call, asker: Asker, origin: Origin, reply: Reply) -> Message:
        """Keep a sheet, and say how it is opened. Only who asked for it can."""
        offered = _Offered(sheet, call.command.name, call.words, asker, origin, reply)
        token = await self._sealed.seal(SecretStr(_written(offered)))
        button = Button(sheet.title, OPEN, token, Style.PRIMARY)
        note = Note([f"{sheet.note} For: ", Code(f"/maas {call.words}")])
        return Message(sheet.why, (Paragraph([sheet.why]), Buttons([button]), note))

    async def find(self, token: str, asker: Asker) -> _Offered | None:
        """The sheet of that button, if it is this person's, not too old and not filled in yet."""
        kept = await self._sealed.read(token, _LIFE)
        if kept is None:
            return None
        try:
            found = _read(kept.get_secret_value(), self._outbound)
        except (KeyError, TypeError, ValueError):
            return None  # of a bot of another version
        return found if found.asker == asker else None

    async def take(self, token: str) -> bool:
        """It was filled in. False when it was already, perhaps at another bot."""
        return await self._sealed.drop(token)


def _written(offered: _Offered) -> str:
    reply = offered.reply
    if isinstance(reply, CommandReply):
        back = {"response_url": reply.response_url}
    else:
        assert isinstance(reply, ThreadReply)
        back = {"channel": reply.channel, "thread": reply.thread or "", "user": reply.user}
    kept = {name: asdict(getattr(offered, name)) for name in ("sheet", "asker", "origin")}
    return json.dumps({"command": offered.command, "words": offered.words, "reply": back, **kept})


def _read(text: str, outbound: Outbound) -> _Offered:
    kept = json.loads(text)
    back, sheet, origin = kept["reply"], kept["sheet"], kept["origin"]
    reply: Reply
    if "response_url" in back:
        reply = CommandReply(outbound, back["response_url"])
    else:
        reply = ThreadReply(outbound, back["channel"], back["thread"] or None, back["user"])
    return _Offered(
        sheet=Sheet(**{**sheet, "blanks": [Blank(**blank) for blank in sheet["blanks"]]}),
        command=kept["command"],
        words=kept["words"],
        asker=Asker(**kept["asker"]),
        origin=Origin(**{**origin, "door": Door(origin["door"])}),
        reply=reply,
    )


class SheetForms:
    """Opens sheets in Slack and carries on with what was filled in."""

    def __init__(self, drawer: SheetDrawer, catalog: Catalog, router: Router, outbound: Outbound) -> None:
        self._drawer = drawer
        self._catalog = catalog
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
            token = str(view.get("private_metadata") or "")
            offered = await self.check(token, asker_of(body), view)
            if not isinstance(offered, _Offered):
                await ack(response_action="errors", errors=offered)
                return
            await ack()
            spawn(self.filled(token, offered, view))

        app.action(OPEN)(on_button)
        app.view(_CALLBACK)(on_filled)

    async def open(self, token: str, trigger: str, asker: Asker, reply: Reply) -> None:
        """Open the sheet that belongs to a button. Never raises."""
        try:
            offered = await self._drawer.find(token, asker)
            if offered is None:
                await reply.refuse(say("This form is no longer open, or not yours. Type the command again."))
                return
            await self._outbound.open_view(trigger, _view(offered.sheet, token))
        except (SlackError, StorageUnavailableError) as error:
            self._log.warning("sheet_not_opened", error=str(error))
            await self._refuse(reply, say("The form could not be opened; click again."))

    async def check(self, token: str, asker: Asker, view: Mapping[str, Any]) -> _Offered | dict[str, str]:
        """The sheet that was filled in, or what is wrong with it, by field. Never raises, and takes no long time."""
        first = next(iter(view["state"]["values"]), "")
        try:
            offered = await asyncio.wait_for(self._drawer.find(token, asker), _PATIENCE)
        except (TimeoutError, StorageUnavailableError) as error:
            self._log.warning("sheet_not_read", error=type(error).__name__)
            return {first: "My own storage does not answer. Nothing was done; send the form again in a moment."}
        if offered is None:
            return {first: "This form was sent already, or has been open for too long. Close it, and ask again."}
        command = self._catalog.get(offered.command)
        look = command.faults if command is not None else None
        faults = look(_values(view)) if look is not None else {}
        return {name: fault[:150] for name, fault in faults.items()} or offered

    async def filled(self, token: str, offered: _Offered, view: Mapping[str, Any]) -> None:
        """Run the words again, with what was filled in: once, also where Slack or a person sent it twice."""
        try:
            if not await self._drawer.take(token):
                return
        except StorageUnavailableError as error:
            await self._refuse(offered.reply, storage_trouble(error))
            return
        filled = {name: SecretStr(value) for name, value in _values(view).items()}
        await self._router.words(offered.words, offered.asker, offered.origin, offered.reply, Beside(filled))

    async def _refuse(self, reply: Reply, message: Message) -> None:
        try:
            await reply.refuse(message)
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error))


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
