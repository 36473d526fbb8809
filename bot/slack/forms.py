"""`/maas` alone: a form to pick a command and a machine, for thumbs and for people who do not know the words yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog

from bot.command.declaration import Catalog
from bot.command.parser import Parser
from bot.command.runnable import runnable
from bot.command.usage import UsageError
from bot.maas.service import RegionService
from bot.message import say
from bot.people import Door, Identity, Origin
from bot.policy import Policy
from bot.slack.fields import field, option, plain
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import Outbound, SlackError
from bot.slack.replies import CommandReply, ThreadReply
from bot.slack.router import Asker, Reply, Router

_CALLBACK = "form.command"
_COMMAND, _MACHINE, _MORE = "command", "machine", "more"
#: Slack's own limit of options in a select.
_OPTIONS = 100


class Forms:
    """The command form: opened at once as a skeleton (a trigger lives 3 s), filled once it is known who asks."""

    def __init__(
        self,
        router: Router,
        outbound: Outbound,
        identities: Identities,
        policy: Policy,
        catalog: Catalog,
        parser: Parser,
        regions: Mapping[str, RegionService],
    ) -> None:
        self._router = router
        self._outbound = outbound
        self._identities = identities
        self._policy = policy
        self._catalog = catalog
        self._parser = parser
        self._regions = regions
        self._log = structlog.get_logger("forms")

    async def open(self, trigger: str, asker: Asker, origin: Origin, reply: Reply | None) -> None:
        """Open the form. Never raises."""
        try:
            view_id = await self._outbound.open_view(trigger, _waiting())
            try:
                person = await self._identities.identify(asker.team_id, asker.user_id)
                await self._outbound.update_view(view_id, await self._view(person, origin, reply))
            except IdentityUnknownError as error:
                await self._outbound.update_view(view_id, _waiting(f"Slack did not tell me who you are ({error})."))
        except SlackError as error:
            self._log.warning("form_not_opened", error=str(error))
            if reply is not None:
                try:
                    await reply.refuse(say("The form could not be opened. Type /maas help for the commands."))
                except SlackError:
                    self._log.warning("refusal_not_delivered")

    async def _view(self, person: Identity, origin: Origin, reply: Reply | None) -> dict[str, Any]:
        refusal = self._policy.turn_away(person)
        if refusal is not None:
            return _waiting(f"{refusal.reason.capitalize()}.")
        told = await runnable(self._catalog, self._policy, person, origin)
        commands = [one for one, decision in told.items() if decision.allowed]
        if not commands:
            return _waiting("There is nothing that you may run here.")
        where = {"channel": origin.channel, "door": origin.door.value}
        if isinstance(reply, CommandReply):
            where["response_url"] = reply.response_url
        options = [option(f"{one.name}: {one.summary}", one.name) for one in commands[:_OPTIONS]]
        return {
            "type": "modal",
            "callback_id": _CALLBACK,
            "title": plain("MAAS"),
            "submit": plain("Run"),
            "close": plain("Close"),
            "private_metadata": json.dumps(where),
            "blocks": [
                field(f"form.{_COMMAND}", _COMMAND, "Command", {"type": "static_select", "options": options}),
                field(
                    f"form.{_MACHINE}",
                    _MACHINE,
                    "Machines",
                    {
                        "type": "multi_external_select",
                        "min_query_length": 0,
                        "placeholder": plain("Type a part of the name"),
                    },
                    optional=True,
                    hint="For commands that take machines.",
                ),
                field(
                    f"form.{_MORE}",
                    _MORE,
                    "More words",
                    {"type": "plain_text_input", "max_length": 500},
                    optional=True,
                    hint="Anything else that the command takes, like --enable-ssh.",
                ),
            ],
        }

    def options(self, asker: Asker, query: str) -> list[dict[str, Any]]:
        """Machines whose name contains `query`; at most 100, as Slack allows. Needs no call to MAAS."""
        # Names only, and only to members of the team: whoever may not read at all never gets a form with this field.
        if asker.team_id != self._policy.team_id:
            return []
        wanted = query.strip().lower()
        found = [
            machine
            for region in self._regions.values()
            for machine in region.fleet.machines().values()
            if wanted in machine.hostname.lower() or wanted in machine.system_id.lower()
        ]
        found.sort(
            key=lambda machine: (
                not machine.hostname.lower().startswith(wanted),
                len(machine.hostname),
                machine.hostname,
            )
        )
        return [option(f"{one.name}  {one.status_name}", one.system_id) for one in found[:_OPTIONS]]

    def check(self, view: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the filled-in form, by field; empty when it can run."""
        words = _words(view)
        try:
            call = self._parser.parse(words)
        except UsageError as error:
            command = self._catalog.get(_command(view))
            takes_machines = command is not None and command.machine is not None
            missing = takes_machines and not _chosen(view) and " needs a" in error.message.summary
            field = _MACHINE if missing else _MORE
            return {field: error.message.summary[:150]}
        machines = _chosen(view)
        if machines and call.command.machine is None:
            return {_MACHINE: f"{call.command.name} takes no machines."}
        return {}

    async def submitted(self, view: Mapping[str, Any], asker: Asker) -> None:
        """Run the form as if its words had been typed where it was opened."""
        where = json.loads(str(view.get("private_metadata") or "{}"))
        door = Door(where.get("door", Door.HOME))
        asked_in = str(where.get("channel") or "")
        reply: Reply
        if where.get("response_url"):
            reply = CommandReply(self._outbound, where["response_url"])
        else:
            channel = await self._direct_channel(asker)
            if channel is None:
                return
            reply = ThreadReply(self._outbound, channel, None, asker.user_id)
            # App Home is no channel: what was asked there goes on in the talk with the person alone.
            asked_in = asked_in or channel
        await self._router.words(_words(view), asker, Origin(door, asked_in), reply)

    async def _direct_channel(self, asker: Asker) -> str | None:
        try:
            return await self._outbound.open_direct(asker.user_id)
        except SlackError as error:
            self._log.warning("no_direct_channel", error=str(error))
            return None


def _command(view: Mapping[str, Any]) -> str:
    option = view["state"]["values"][_COMMAND][f"form.{_COMMAND}"].get("selected_option") or {}
    return str(option.get("value") or "")


def _words(view: Mapping[str, Any]) -> str:
    values = view["state"]["values"]
    more = values[_MORE][f"form.{_MORE}"].get("value") or ""
    return " ".join([_command(view), *_chosen(view), more]).strip()


def _chosen(view: Mapping[str, Any]) -> list[str]:
    options = view["state"]["values"][_MACHINE][f"form.{_MACHINE}"].get("selected_options") or []
    return [str(option["value"]) for option in options]


def _waiting(text: str = "One moment…") -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": _CALLBACK,
        "title": plain("MAAS"),
        "close": plain("Close"),
        "blocks": [{"type": "section", "text": plain(text[:2900])}],
    }
