"""Power settings by a form. What is typed there goes on beside the words of a command: to no channel, log or audit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from pydantic import SecretStr
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.command.beside import Beside
from bot.command.offers import POWER_FORM, words_for
from bot.maas.errors import MaasError, NotFound
from bot.maas.models import Machine
from bot.maas.power_calls import PowerType
from bot.maas.service import RegionService
from bot.message import Message, say
from bot.operations.line import held_by
from bot.operations.power_settings import PARAMETERS, POWER_TYPE, written
from bot.operations.service import Operations
from bot.policy import Ask, AskTarget, Policy, Risk
from bot.slack import power_fields as fields
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.listeners import Spawn
from bot.slack.outbound import Outbound, SlackError
from bot.slack.places import Place, asker_of
from bot.slack.router import Router
from bot.storage import StorageUnavailableError

COMMAND = "power set"


class _RefusedError(Exception):
    """Not for this person, or not now. Its text is for them."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One machine whose settings are being entered."""

    region: RegionService
    machine: Machine
    place: Place
    #: What follows the words that stand for the form: `--reason`, `--queue`.
    more: str

    @property
    def metadata(self) -> str:
        about = {"region": self.region.name, "machine": self.machine.system_id, "more": self.more}
        return json.dumps({**about, "place": asdict(self.place)})


class PowerForm:
    """Opens the form, changes its fields with the kind of BMC, and runs the command with what was entered."""

    def __init__(
        self,
        router: Router,
        regions: Mapping[str, RegionService],
        operations: Operations,
        policy: Policy,
        identities: Identities,
        outbound: Outbound,
    ) -> None:
        self._router = router
        self._regions = regions
        self._operations = operations
        self._policy = policy
        self._identities = identities
        self._outbound = outbound
        self._kinds: dict[str, list[PowerType]] = {}
        self._log = structlog.get_logger("power_form")

    def register(self, app: AsyncApp, spawn: Spawn) -> None:
        """Attach to Bolt."""

        async def on_button(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
            await ack()
            spawn(self._open(str(body.get("trigger_id") or ""), str(action.get("value") or ""), body))

        async def on_kind(ack: AsyncAck, body: Mapping[str, Any]) -> None:
            await ack()
            spawn(self._change_kind(body))

        async def on_form(ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
            await ack()
            spawn(self._submitted(body, view))

        app.action(POWER_FORM)(on_button)
        app.action(fields.KIND_ACTION)(on_kind)
        app.view(POWER_FORM)(on_form)

    # -- opening -----------------------------------------------------------------------------------------------

    async def _open(self, trigger: str, value: str, body: Mapping[str, Any]) -> None:
        place = Place.of(body)
        try:
            view_id = await self._outbound.open_view(trigger, fields.waiting())
        except SlackError as error:
            self._log.warning("form_not_opened", error=str(error))
            await self._tell(place, say("The form could not be opened; click again."))
            return
        about, _, more = value.partition(" ")
        name, _, system_id = about.partition(":")
        try:
            case = await self._case(body, name, system_id, place, f" {more}" if more else "")
            kinds = await self._known_kinds(case.region)
            view = fields.form(case.machine, kinds, _first_choice(kinds, case.machine.power_type), case.metadata)
        except _RefusedError as refusal:
            view = fields.waiting(str(refusal))
        except MaasError as error:
            view = fields.waiting(f"MAAS: {error.problem} {error.remedy}")
        except StorageUnavailableError as error:
            view = fields.waiting(f"My own storage does not work: {error.reason}.")
        await self._update(view_id, view)

    async def _change_kind(self, body: Mapping[str, Any]) -> None:
        shown = body.get("view") or {}
        about = json.loads(str(shown.get("private_metadata") or "{}"))
        try:
            place = Place(**about["place"])
            case = await self._case(body, about["region"], about["machine"], place, about.get("more", ""))
            kinds = await self._known_kinds(case.region)
            kind = next((one for one in kinds if one.name == fields.kind_in(shown)), None)
            if kind is not None:
                await self._update(str(shown.get("id")), fields.form(case.machine, kinds, kind, case.metadata))
        except _RefusedError as refusal:
            await self._update(str(shown.get("id")), fields.waiting(str(refusal)))
        except (MaasError, StorageUnavailableError) as error:
            self._log.warning("kind_not_changed", error=type(error).__name__)

    async def _update(self, view_id: str, view: dict[str, Any]) -> None:
        try:
            await self._outbound.update_view(view_id, view)
        except SlackError as error:
            self._log.warning("form_not_filled", error=str(error))

    # -- going on ------------------------------------------------------------------------------------------------

    async def _submitted(self, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        if not view.get("private_metadata"):
            return  # the form that only said why there is none
        about = json.loads(str(view["private_metadata"]))
        place = Place(**about["place"])
        kind = fields.kind_in(view)
        filled = {POWER_TYPE: SecretStr(kind), PARAMETERS: written(fields.given(view, kind))}
        words = words_for(COMMAND, about["machine"], about["region"]) + about.get("more", "")
        await self._router.words(words, asker_of(body), place.origin, place.reply(self._outbound), Beside(filled))

    # -- who, and on what --------------------------------------------------------------------------------------

    async def _case(self, body: Mapping[str, Any], region_name: str, system_id: str, place: Place, more: str) -> _Case:
        """For which machine, if they may: looked up at every turn, and again when the command runs.

        Raises:
            _RefusedError: they may not, or not now.
            MaasError, StorageUnavailableError: it can't be found out.
        """
        asker = asker_of(body)
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id)
        except IdentityUnknownError as error:
            raise _RefusedError(f"Slack did not tell me who you are ({error}). Nothing was changed.") from None
        region = self._regions.get(region_name)
        if region is None:
            raise _RefusedError(f"There is no region {region_name} any more.")
        try:
            machine = await region.api.machine(system_id)
        except NotFound:
            raise _RefusedError("That machine is no longer in MAAS.") from None
        target = AskTarget(machine.pool, frozenset(machine.tags))
        ask = Ask.of(COMMAND, Risk.CHANGE, region.name, [target])
        decision = await self._policy.may(person, ask, place.origin)
        if not decision.allowed:
            raise _RefusedError(f"{COMMAND} is not for you here: {decision.reason}. Nothing was changed.")
        if machine.locked:
            raise _RefusedError(f"{machine.name} is locked; unlock it first. Nothing was changed.")
        holder = await self._operations.line.holder(region.name, system_id)
        if holder is not None and "--queue" not in more:
            wait = f"/maas {COMMAND} {machine.name} --queue waits for it."
            raise _RefusedError(f"Not now: {held_by(holder)}. Nothing was changed. {wait}")
        return _Case(region, machine, place, more)

    async def _known_kinds(self, region: RegionService) -> list[PowerType]:
        """The kinds of BMC, asked for once: they change with MAAS's version."""
        if region.name not in self._kinds:
            found = await region.api.power_types()
            self._kinds[region.name] = sorted(found, key=lambda one: (one.name != "ipmi", one.description.casefold()))
        return self._kinds[region.name]

    async def _tell(self, place: Place, message: Message) -> None:
        try:
            await place.reply(self._outbound).refuse(message)
        except SlackError as error:
            self._log.warning("answer_not_delivered", error=str(error))


def _first_choice(kinds: list[PowerType], now: str) -> PowerType:
    """What the machine has; IPMI for one that has none, since whoever asks wants to give it one."""
    known = {one.name: one for one in kinds if one.fields}
    return known.get(now) or known.get("ipmi") or kinds[0]
