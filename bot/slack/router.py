"""The one door: words and clicks come in here, are checked once, and are handed on. Nothing raises out of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.command.context import Context, RefusalError
from bot.command.declaration import Catalog
from bot.command.parser import Call, Parser, UsageError
from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.message import Code, Mark, Message, Note, Paragraph, Span, say
from bot.operations import view
from bot.operations.plan import Plan
from bot.operations.service import Operations, Verdict
from bot.people import Identity, Origin
from bot.policy import Decision, Policy, Risk
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import ChannelRefused, SlackError
from bot.slack.threads import Threads
from bot.storage import StorageUnavailableError
from bot.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Asker:
    """The ids of a signed payload: whose they are is asked of Slack before anything is done."""

    team_id: str
    user_id: str


class Reply(Protocol):
    """Where answers to one question go."""

    async def answer(self, message: Message) -> None:
        """Give what was asked for."""

    async def refuse(self, message: Message) -> None:
        """Say why not; seen by the asker alone where that is possible."""


class Router:
    """Parse, identify, decide, run, answer."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        parser: Parser,
        policy: Policy,
        identities: Identities,
        regions: Mapping[str, RegionService],
        operations: Operations,
        threads: Threads,
        metrics: Metrics,
    ) -> None:
        self._catalog = catalog
        self._parser = parser
        self._policy = policy
        self._identities = identities
        self._regions = regions
        self._operations = operations
        self._threads = threads
        self._metrics = metrics
        self._log = structlog.get_logger("router")

    async def words(self, text: str, asker: Asker, origin: Origin, reply: Reply) -> None:
        """Run what a person typed, and answer. Never raises."""
        reference = secrets.token_hex(4)
        started = time.monotonic()
        name, outcome = "unknown", "failed"
        with structlog.contextvars.bound_contextvars(
            request=reference, user=asker.user_id, channel=origin.channel
        ):
            try:
                call, outcome = await self._serve(text, asker, origin, reply)
                name = call.command.name if call is not None else "unknown"
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._log.exception("request_failed", error=type(error).__name__)
                await self._refuse(reply, _our_fault(reference))
            seconds = time.monotonic() - started
            self._metrics.commands.labels(name, outcome).inc()
            self._metrics.command_seconds.labels(name).observe(seconds)
            self._log.info("request", command=name, outcome=outcome, seconds=round(seconds, 3))

    async def _serve(self, text: str, asker: Asker, origin: Origin, reply: Reply) -> tuple[Call | None, str]:
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id)
        except IdentityUnknownError as error:
            await self._refuse(
                reply, say(f"Slack did not tell me who you are ({error}). Nothing was done; try again.")
            )
            return None, "unidentified"
        refusal = self._policy.turn_away(person) or self._policy.wrong_place(Risk.READ, origin)
        if refusal is not None:
            await self._refuse(reply, _no(refusal))
            return None, "refused"
        call: Call | None = None
        try:
            call = self._parser.parse(text.strip() or "help")
            decision = await self._policy.may(person, call.command.risk, origin)
            if not decision.allowed:
                await self._refuse(reply, _no(decision, call.command.name))
                return call, "refused"
            context = self._context(person, origin, call)
            answer = await call.run(context)
            if isinstance(answer, Plan):
                await self._propose(answer, context)
            else:
                await reply.answer(answer)
            return call, "answered"
        except UsageError as error:
            await self._refuse(reply, error.message)
            return call, "usage"
        except RefusalError as error:
            await self._refuse(reply, error.message)
            return call, "refused"
        except MaasError as error:
            await self._refuse(reply, _region_trouble(error))
            return call, "maas"
        except StorageUnavailableError as error:
            await self._refuse(reply, _storage_trouble(error))
            return call, "storage"
        except ChannelRefused as error:
            await self._refuse(
                reply,
                say(
                    f"I can't post in this channel: {error.reason} ({error.code}). Nothing was started. Invite me with ",
                    Code("/invite @maas"),
                    " if I am not in it, and ask again.",
                ),
            )
            return call, "channel"
        except SlackError as error:
            self._log.warning("answer_not_delivered", error=str(error))
            await self._refuse(
                reply,
                say(Mark.FAIL, f" Slack did not take my answer: {error}. Nothing was started; ask again."),
            )
            return call, "slack"

    def _context(self, person: Identity, origin: Origin, call: Call) -> Context:
        region = self._region(call.region)
        return Context(
            person=person,
            origin=origin,
            words=call.words,
            region=region,
            regions=tuple(self._regions.values()),
            operations=self._operations,
            policy=self._policy,
            catalog=self._catalog,
            parser=self._parser,
            region_named=call.region is not None,
        )

    def _region(self, name: str | None) -> RegionService:
        if name is None:
            return self._regions.get("default") or next(iter(self._regions.values()))
        region = self._regions.get(name)
        if region is None:
            known = ", ".join(self._regions)
            raise RefusalError(say("There is no region ", Code(name), f". The regions are: {known}."))
        return region

    async def _propose(self, plan: Plan, context: Context) -> None:
        plan = await self._operations.without_held(plan)
        if not plan.targets:
            one = plan.left_out[-1]
            raise RefusalError(say("Not now: ", Code(one.name), f": {one.reason}."))
        operation = await self._operations.propose(plan, context.person, context.origin, context.words)
        try:
            await self._threads.present(operation.id)
        except SlackError:
            await self._operations.withdraw(operation.id, operation.nonce, context.person)
            raise

    # -- clicks ------------------------------------------------------------------------------------------------

    async def click(self, action: str, value: str, asker: Asker, origin: Origin, reply: Reply) -> None:
        """Do what a button of an operation stands for. `value` is looked up, never trusted. Never raises."""
        reference = secrets.token_hex(4)
        with structlog.contextvars.bound_contextvars(
            request=reference, user=asker.user_id, channel=origin.channel
        ):
            try:
                verdict = await self._decide(action, value, asker, origin)
                if not verdict.done:
                    await self._refuse(reply, say(verdict.reason))
                self._log.info("click", action=action, done=verdict.done)
            except asyncio.CancelledError:
                raise
            except StorageUnavailableError as error:
                await self._refuse(reply, _storage_trouble(error))
            except Exception as error:
                self._log.exception("click_failed", error=type(error).__name__)
                await self._refuse(reply, _our_fault(reference))

    async def _decide(self, action: str, value: str, asker: Asker, origin: Origin) -> Verdict:
        try:
            # What a click decides rests on who somebody is now, not on who they were a minute ago.
            fresh = action == view.CONFIRM
            person = await self._identities.identify(asker.team_id, asker.user_id, fresh=fresh)
        except IdentityUnknownError as error:
            return Verdict(
                False, f"Slack did not tell me who you are ({error}). Nothing was done; click again."
            )
        decision = await self._policy.may(person, Risk.CHANGE, origin, fresh=fresh)
        if not decision.allowed:
            return Verdict(False, f"You can't do this: {decision.reason}.")
        operation_id, _, nonce = value.partition(":")
        match action:
            case view.CONFIRM:
                verdict = await self._operations.confirm(operation_id, nonce, person)
            case view.WITHDRAW:
                verdict = await self._operations.withdraw(operation_id, nonce, person)
            case view.CANCEL:
                verdict = await self._operations.cancel(operation_id, person)
            case _:
                return Verdict(False, "This button is from another version of the bot. Ask again.")
        self._threads.urge(operation_id)
        return verdict

    async def _refuse(self, reply: Reply, message: Message) -> None:
        try:
            await reply.refuse(message)
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=message.summary)


def _no(decision: Decision, command: str = "") -> Message:
    if not command:
        # Nothing at all is answered to this person, or here: no other command would help.
        return say(f"Not here: {decision.reason}.")
    spans: list[Span] = [Code(command), " is not for you here: ", f"{decision.reason}."]
    return Message(
        f"{command}: {decision.reason}.",
        (Paragraph(spans), Note([Code("/maas whoami"), " tells what you may do and why."])),
    )


def _region_trouble(error: MaasError) -> Message:
    unknown = error.outcome_unknown
    left = (
        "It is not known whether MAAS carried it out; look before asking again."
        if unknown
        else "Nothing was changed."
    )
    text = f"MAAS: {error.problem} {left} {error.remedy}"
    return Message(
        text, (Paragraph([Mark.FAIL, f" MAAS: {error.problem} {left}"]), Paragraph([error.remedy]))
    )


def _storage_trouble(error: StorageUnavailableError) -> Message:
    return say(
        Mark.FAIL,
        f" My own storage does not work: {error.reason}. Nothing was started. Tell whoever runs this bot.",
    )


def _our_fault(reference: str) -> Message:
    return say(
        Mark.FAIL,
        " The bot itself failed on this. Look with ",
        Code("/maas ops"),
        " whether anything was started; its log has the details under ",
        Code(reference),
        ".",
    )
