"""The one door for words: they come in here, are checked once, and are handed on. Nothing raises out of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.audit import Audit
from bot.command.beside import Beside, UnreadableError
from bot.command.context import Context, RefusalError
from bot.command.declaration import Catalog
from bot.command.parser import Call, Parser
from bot.command.sheet import Sheet, SheetWanted
from bot.command.usage import UsageError
from bot.history import FleetHistory
from bot.maas.errors import MaasError
from bot.maas.service import RegionService
from bot.message import Code, Mark, Message, say
from bot.operations.approvals import ask_of
from bot.operations.plan import Plan
from bot.operations.plan_view import queue_offer
from bot.operations.service import Operations
from bot.people import Identity, Origin
from bot.policy import Ask, Policy, Risk
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import ChannelRefused, SlackError
from bot.slack.threads import Threads
from bot.slack.troubles import our_fault, refused, region_trouble, shut_out, storage_trouble
from bot.storage import StorageUnavailableError
from bot.telemetry import Metrics
from bot.watches.service import Watches


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


#: Keeps a sheet that a command asked for and says how it is opened.
SheetOffer = Callable[[Sheet, Call, Asker, Origin, Reply], Awaitable[Message]]


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
        audit: Audit,
        sheets: SheetOffer,
        watches: Watches,
        history: FleetHistory,
    ) -> None:
        self._watches = watches
        self._history = history
        self._catalog = catalog
        self._parser = parser
        self._policy = policy
        self._identities = identities
        self._regions = regions
        self._operations = operations
        self._threads = threads
        self._metrics = metrics
        self._audit = audit
        self._sheets = sheets
        self._log = structlog.get_logger("router")

    async def words(self, text: str, asker: Asker, origin: Origin, reply: Reply, given: Beside | None = None) -> None:
        """Run what a person typed, and answer. Never raises. `given` is what came beside the words."""
        reference = secrets.token_hex(4)
        started = time.monotonic()
        name, outcome = "unknown", "failed"
        with structlog.contextvars.bound_contextvars(request=reference, user=asker.user_id, channel=origin.channel):
            try:
                call, outcome = await self._serve(text, asker, origin, reply, given or Beside())
                name = call.command.name if call is not None else "unknown"
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._log.exception("request_failed", error=type(error).__name__)
                await self._refuse(reply, our_fault(reference))
            seconds = time.monotonic() - started
            self._metrics.commands.labels(name, outcome).inc()
            self._metrics.command_seconds.labels(name).observe(seconds)
            self._log.info("request", command=name, outcome=outcome, seconds=round(seconds, 3))

    async def _serve(
        self, text: str, asker: Asker, origin: Origin, reply: Reply, given: Beside
    ) -> tuple[Call | None, str]:
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id)
        except IdentityUnknownError as error:
            await self._refuse(reply, _unidentified(error))
            return None, "unidentified"
        refusal = self._policy.turn_away(person) or self._policy.wrong_place(Risk.READ, origin)
        if refusal is not None:
            await self._refuse(reply, refused(refusal))
            return None, "refused"
        call: Call | None = None
        try:
            call = self._parser.parse(text.strip() or "help")
            if call.command.decides:
                # As at a button: a decision rests on who somebody is now.
                person = await self._identities.identify(asker.team_id, asker.user_id, fresh=True)
            ask = Ask(call.command.name, call.command.risk, self._region(call.region).name)
            decision = await self._policy.may_plan(person, ask, origin)
            if not decision.allowed:
                await self._refuse(reply, refused(decision, call.command.name))
                return call, "refused"
            context = self._context(person, origin, call, given)
            answer = await call.run(context)
            if isinstance(answer, Plan):
                await self._propose(answer, context)
            else:
                await reply.answer(answer)
            return call, "answered"
        except SheetWanted as wanted:
            assert call is not None, "only commands ask for sheets"
            try:
                await self._refuse(reply, await self._sheets(wanted.sheet, call, asker, origin, reply))
            except StorageUnavailableError as error:
                await self._refuse(reply, storage_trouble(error))
            return call, "sheet"
        except UnreadableError as error:
            await self._refuse(reply, say(f"{error} Nothing was done."))
            return call, "refused"
        except UsageError as error:
            await self._refuse(reply, error.message)
            return call, "usage"
        except IdentityUnknownError as error:
            await self._refuse(reply, _unidentified(error))
            return call, "unidentified"
        except RefusalError as error:
            await self._refuse(reply, error.message)
            return call, "refused"
        except MaasError as error:
            await self._refuse(reply, region_trouble(error))
            return call, "maas"
        except StorageUnavailableError as error:
            await self._refuse(reply, storage_trouble(error))
            return call, "storage"
        except ChannelRefused as error:
            await self._refuse(reply, shut_out(error))
            return call, "channel"
        except SlackError as error:
            self._log.warning("answer_not_delivered", error=str(error))
            await self._refuse(
                reply,
                say(Mark.FAIL, f" Slack did not take my answer: {error}. Nothing was started; ask again."),
            )
            return call, "slack"

    def _context(self, person: Identity, origin: Origin, call: Call, given: Beside) -> Context:
        region = self._region(call.region)
        return Context(
            person=person,
            origin=origin,
            words=call.words,
            reason=call.reason,
            queue=call.queue,
            region=region,
            regions=tuple(self._regions.values()),
            operations=self._operations,
            policy=self._policy,
            catalog=self._catalog,
            parser=self._parser,
            audit=self._audit,
            watches=self._watches,
            history=self._history,
            pacing=call.pacing,
            given=given,
            region_named=call.region is not None,
        )

    def _region(self, name: str | None) -> RegionService:
        if name is None:
            return self._regions.get("default") or next(iter(self._regions.values()))
        known = ", ".join(self._regions)
        if not name:
            raise RefusalError(say(Code("--region"), f" needs the name of a region. The regions are: {known}."))
        region = self._regions.get(name)
        if region is None:
            raise RefusalError(say("There is no region ", Code(name), f". The regions are: {known}."))
        return region

    async def _propose(self, plan: Plan, context: Context) -> None:
        behind = None
        if context.queue:
            plan, behind = await self._operations.line.behind(plan)
        if behind is None:
            plan = await self._operations.line.without_held(plan)
        if not plan.targets:
            one = plan.left_out[-1]
            not_now = say("Not now: ", Code(one.name), f": {one.reason}.")
            raise RefusalError(Message(not_now.summary, (*not_now.parts, *queue_offer(context.words))))
        decision = await self._policy.may(context.person, ask_of(plan), context.origin)
        if not decision.allowed:
            raise RefusalError(refused(decision, plan.title))
        if plan.risk is not Risk.CHANGE:
            await self._somebody_can_approve(plan, context)
        operation = await self._operations.propose(
            plan, context.person, context.origin, context.words, context.reason, behind
        )
        try:
            await self._threads.present(operation.id)
        except SlackError:
            await self._operations.withdraw(operation.id, operation.nonce, context.person)
            raise

    async def _somebody_can_approve(self, plan: Plan, context: Context) -> None:
        """A request that nobody could approve is refused at once, instead of waiting for its expiry."""
        approvers = await self._policy.approvers(ask_of(plan), context.person.user_id)
        if len(approvers.people) < approvers.needed:
            glass = await self._policy.may_break_glass(context.person, ask_of(plan), context.origin)
            if glass.allowed:
                return  # for that it is there
            raise RefusalError(say(f"{plan.title} needs an approval, and nobody could give it: {approvers.missing}."))

    async def _refuse(self, reply: Reply, message: Message) -> None:
        try:
            await reply.refuse(message)
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=message.summary)


def _unidentified(error: IdentityUnknownError) -> Message:
    return say(f"Slack did not tell me who you are ({error}). Nothing was done; try again.")
