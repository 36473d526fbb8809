"""Keeps approval cards true: posted once, edited at every turn, with reminders, and break-glass told to everybody."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from bot.operations import cards
from bot.operations.records import Operation, OperationState
from bot.operations.service import Operations
from bot.slack.outbound import Outbound, SlackError, SlackUnavailable


class CardBoard:
    """Shows the card of an operation that asks for an approval, or that broke the glass."""

    def __init__(self, operations: Operations, outbound: Outbound) -> None:
        self._operations = operations
        self._outbound = outbound
        #: Operations of which everybody has been told that the glass was broken; after a restart they are told of once.
        self._told: set[str] = set()
        self._log = structlog.get_logger("cards")

    async def show(self, operation: Operation, *, urgent: bool) -> None:
        """Bring the card up to date. Nothing to do for operations that never asked.

        Raises:
            SlackError: Slack did not take it.
        """
        if operation.approval_channel is None:
            return
        if operation.broke_glass and operation.id not in self._told:
            await self._tell_everybody(operation)
        key = f"card:{operation.id}"
        ended = operation.state.ended
        if operation.state is OperationState.AWAITING:
            mentions = await self._mentions(operation)
            usual = await self._operations.usual_duration(operation.kind, operation.region)
            message = cards.card(operation, mentions, usual)
            if await self._outbound.ts_of(key) is None:
                await self._outbound.post(operation.approval_channel, message, key=key, urgent=True)
            else:
                self._outbound.show(key, message, urgent=urgent)
            await self._remind(operation, key, mentions)
        elif await self._outbound.ts_of(key) is not None:
            self._outbound.show(key, cards.card(operation), final=ended, urgent=urgent or ended)

    async def tell_out_of_reach(self, operation: Operation, thread: str, reason: str) -> None:
        """Ask the approvers in the operation's own thread, once: the approval channel takes no card.

        Raises:
            SlackError: Slack did not take that either.
        """
        message = cards.out_of_reach(operation, await self._mentions(operation), reason)
        await self._outbound.post(
            operation.channel, message, key=f"card:{operation.id}:out-of-reach", thread_ts=thread, urgent=True
        )

    async def _remind(self, operation: Operation, key: str, mentions: Sequence[str]) -> None:
        if operation.reminders == 0 or operation.approval_channel is None:
            return
        thread = await self._outbound.ts_of(key)
        await self._outbound.post(
            operation.approval_channel,
            cards.reminder(operation, mentions, time.time()),
            key=f"{key}:reminder:{operation.reminders}",
            thread_ts=thread,
        )

    async def _tell_everybody(self, operation: Operation) -> None:
        assert operation.approval_channel is not None
        message = cards.glass_broken(operation)
        await self._outbound.post(operation.approval_channel, message, key=f"glass:{operation.id}", urgent=True)
        approvers = await self._operations.approvals.approvers_of(operation)
        untold = bool(approvers.unknown)
        for person in sorted(approvers.people):
            try:
                await self._outbound.post(person, message, key=f"glass:{operation.id}:{person}", urgent=True)
            except SlackUnavailable as error:
                untold = True
                self._log.warning("approver_not_told_yet", operation=operation.id, person=person, error=str(error))
            except SlackError as error:
                self._log.warning("approver_not_told", operation=operation.id, person=person, error=str(error))
        if not untold or operation.state.ended:
            self._told.add(operation.id)

    async def _mentions(self, operation: Operation) -> tuple[str, ...]:
        return (await self._operations.approvals.approvers_of(operation, fresh=False)).mentions
