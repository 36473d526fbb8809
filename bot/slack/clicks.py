"""Clicks on buttons of operations and approvals. A value is looked up, never trusted; nothing raises out of here."""

from __future__ import annotations

import asyncio
import secrets

import structlog

from bot.maas.errors import MaasError
from bot.message import Buttons, Message, say
from bot.operations import cards, replies, view
from bot.operations.approvals import ask_of
from bot.operations.service import Operations
from bot.operations.verdict import Verdict
from bot.people import Identity, Origin
from bot.policy import Policy, Risk
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import Ref, SlackError
from bot.slack.places import Place
from bot.slack.router import Asker, Reply
from bot.slack.threads import Threads
from bot.slack.troubles import our_fault, region_trouble, storage_trouble
from bot.storage import StorageUnavailableError


class Clicks:
    """Carries out what a button stands for, for the person who pressed it, by what is stored now."""

    def __init__(self, policy: Policy, identities: Identities, operations: Operations, threads: Threads) -> None:
        self._policy = policy
        self._identities = identities
        self._operations = operations
        self._threads = threads
        self._log = structlog.get_logger("clicks")

    async def tidy(self, value: str, place: Place) -> None:
        """Have the message on which a button was pressed say so if it is a second copy. Never raises."""
        if place.message:
            await self._threads.tidy(value.partition(":")[0], Ref(place.channel, place.message))

    async def click(self, action: str, value: str, asker: Asker, origin: Origin, reply: Reply) -> None:
        """Do what the button stands for, or say why not."""
        reference = secrets.token_hex(4)
        with structlog.contextvars.bound_contextvars(request=reference, user=asker.user_id, channel=origin.channel):
            try:
                if action in {cards.DETAILS, view.LOG}:
                    await self._details(value, asker, origin, reply, log=action == view.LOG)
                    return
                verdict = await self._decide(action, value, asker, origin)
                if not verdict.done:
                    await self._refuse(reply, say(verdict.reason))
                self._log.info("click", action=action, done=verdict.done)
            except asyncio.CancelledError:
                raise
            except StorageUnavailableError as error:
                await self._refuse(reply, storage_trouble(error))
            except MaasError as error:
                await self._refuse(reply, region_trouble(error))
            except Exception as error:
                self._log.exception("click_failed", error=type(error).__name__)
                await self._refuse(reply, our_fault(reference))

    async def _decide(self, action: str, value: str, asker: Asker, origin: Origin) -> Verdict:
        try:
            # What a click decides rests on who somebody is now, not on who they were a minute ago.
            fresh = action in {view.CONFIRM, cards.APPROVE}
            person = await self._identities.identify(asker.team_id, asker.user_id, fresh=fresh)
        except IdentityUnknownError as error:
            return Verdict(False, f"Slack did not tell me who you are ({error}). Nothing was done; click again.")
        operation_id, _, nonce = value.partition(":")
        verdict = await self._carry_out(action, operation_id, nonce, person, origin)
        self._threads.urge(operation_id)
        return verdict

    async def _carry_out(self, action: str, operation_id: str, nonce: str, person: Identity, origin: Origin) -> Verdict:
        if action == cards.APPROVE:
            return await self._operations.approvals.decide(operation_id, nonce, person, origin, approve=True)
        if action == view.WITHDRAW:
            return await self._operations.withdraw(operation_id, nonce, person)
        try:
            operation = await self._operations.get(operation_id)
        except KeyError:
            return Verdict(False, "This button belongs to no plan that I know. Ask again.")
        decision = await self._policy.may(person, ask_of(operation.plan), origin, fresh=action == view.CONFIRM)
        if not decision.allowed:
            return Verdict(False, f"You can't do this: {decision.reason}.")
        if action == view.CONFIRM:
            return await self._operations.confirm(operation_id, nonce, person)
        if action == view.CANCEL:
            return await self._operations.cancel(operation_id, person, origin)
        return Verdict(False, "This button is from another version of the bot. Ask again.")

    async def _details(self, value: str, asker: Asker, origin: Origin, reply: Reply, *, log: bool) -> None:
        person = await self._identities.identify(asker.team_id, asker.user_id)
        decision = await self._policy.may(person, Risk.READ, origin)
        if not decision.allowed:
            await self._refuse(reply, say(f"Not here: {decision.reason}."))
            return
        try:
            operation = await self._operations.get(value.partition(":")[0])
        except KeyError:
            await self._refuse(reply, say("This button belongs to no operation that I know."))
            return
        if log:
            await reply.answer(replies.log(operation, await self._operations.output_of(operation)))
            return
        whole = view.root(operation, self._operations.kind(operation))
        # A copy must not offer a second place to decide.
        parts = tuple(part for part in whole.parts if not isinstance(part, Buttons))
        await reply.answer(Message(whole.summary, parts))

    async def _refuse(self, reply: Reply, message: Message) -> None:
        try:
            await reply.refuse(message)
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=message.summary)
