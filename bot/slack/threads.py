"""Keeps each operation's one thread true: the root message edited in place, replies for failures and the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from bot.message import Button, Message
from bot.operations import replies, view
from bot.operations.kinds import Kind
from bot.operations.records import Operation, OperationState, TargetRow, TargetState
from bot.operations.service import Operations
from bot.slack.card_board import CardBoard
from bot.slack.hidden import HiddenThreads
from bot.slack.outbound import ChannelRefused, Outbound, Ref, SlackError, closed_pause
from bot.storage import StorageUnavailableError

#: Longest pause before a card that an approval waits for is tried again, in seconds.
_CARD_PAUSE = 60.0
#: Failures that get a reply of their own; the rest stand in the root message and in its file.
_REPLIES = 10
#: How far back a restart makes sure that the ends of operations were shown, in seconds.
_LOOK_BACK = 86400.0
#: Seconds after which it is written down where a message stands that somebody could press a button on.
_SETTLES = 1.0

_SILENT = frozenset(
    {
        OperationState.PLANNED,
        OperationState.AWAITING,
        OperationState.WITHDRAWN,
        OperationState.DENIED,
        OperationState.EXPIRED,
        OperationState.VOID,
    }
)


#: The buttons below one target's failure.
NextSteps = Callable[[Operation, TargetRow], Awaitable[Sequence[Button]]]


class Threads:
    """Shows operations in Slack, all rendered from stored state: a restart goes on with the same thread."""

    def __init__(
        self,
        operations: Operations,
        kinds: Mapping[str, Kind],
        outbound: Outbound,
        next_steps: NextSteps | None = None,
        *,
        pace: float = 0.5,
    ) -> None:
        """Make it.

        Args:
            operations: what is shown.
            kinds: the kinds by name.
            outbound: where to.
            next_steps: says which buttons go below a failure.
            pace: how long changes are gathered before they are shown, in seconds.
        """
        self._next_steps = next_steps
        self._operations = operations
        self._kinds = kinds
        self._outbound = outbound
        self._cards = CardBoard(operations, outbound)
        self._hidden = HiddenThreads(operations, outbound, self.changed)
        self._pace = pace
        self._card_tries: dict[str, int] = {}
        #: Operations whose message's address was asked for.
        self._linked: set[str] = set()
        self._dirty: dict[str, bool] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("threads")

    async def start(self) -> None:
        """Follow all operations, and show again what may have been missed while no bot ran."""
        self._operations.subscribe(self.changed)
        self._outbound.on_refusal(self._refusal)
        await self.catch_up()
        self._task = asyncio.create_task(self._follow(), name="threads")

    async def catch_up(self) -> None:
        """Show again what may have been missed while nobody showed it."""
        for operation in await self._operations.recent(200):
            if not operation.state.ended or (operation.ended_at or 0) > time.time() - _LOOK_BACK:
                self.changed(operation.id)

    async def close(self) -> None:
        """Show what is still unshown, then stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for operation_id in list(self._dirty):
            with suppress(SlackError, StorageUnavailableError, KeyError):
                await self._show(operation_id, urgent=False)

    async def present(self, operation_id: str) -> None:
        """Post the plan where it was asked for.

        Raises:
            SlackError: Slack did not take it.
        """
        operation = await self._operations.get(operation_id)
        message = await self._root(operation)
        await self._outbound.post(
            operation.channel, message, key=_key(operation_id), thread_ts=operation.thread_ts, urgent=True
        )
        await self._link(operation)

    async def _link(self, operation: Operation) -> None:
        """Have the message's address in the audit. Asked for once by each process, which may be killed in between."""
        ts = await self._outbound.ts_of(_key(operation.id))
        if operation.link or ts is None or operation.id in self._linked:
            return
        self._linked.add(operation.id)
        try:
            await self._operations.posted(operation.id, await self._outbound.permalink(Ref(operation.channel, ts)))
        except SlackError as error:
            self._log.info("no_permalink", operation=operation.id, error=str(error))

    def changed(self, operation_id: str) -> None:
        """Something of this operation changed; it will be shown soon."""
        self._dirty.setdefault(operation_id, False)
        self._wake.set()

    def urge(self, operation_id: str) -> None:
        """A person waits for this one: show it before the others."""
        self._dirty[operation_id] = True
        self._wake.set()

    async def tidy(self, operation_id: str, ref: Ref) -> None:
        """A button of this operation was pressed on that message; if it is a copy, let it say where the right one is.

        Slack may have taken a message whose answer never came, and it was posted once more. Nobody knows where that
        first copy stands until somebody presses a button on it.
        """
        await asyncio.sleep(_SETTLES)
        try:
            operation = await self._operations.get(operation_id)
            keys = [_key(operation_id), *([f"card:{operation_id}"] if operation.approval_channel is not None else [])]
            known = [await self._outbound.ts_of(key) for key in keys]
            if None in known or ref.ts in known:
                return
            key = f"{_key(operation_id)}:copy:{ref.ts}"
            await self._outbound.adopt(key, ref)
            self._outbound.show(key, view.copy(operation), final=True, urgent=True)
        except (KeyError, StorageUnavailableError) as error:
            self._log.warning("copy_not_tidied", operation=operation_id, error=str(error))

    def _refusal(self, key: str) -> None:
        kind, _, operation_id = key.partition(":")
        if kind == "operation" and ":" not in operation_id:
            self._hidden.look_now(operation_id)
            self.changed(operation_id)

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            dirty, self._dirty = self._dirty, {}
            for operation_id, urgent in sorted(dirty.items(), key=lambda item: not item[1]):
                try:
                    await self._show(operation_id, urgent=urgent)
                except KeyError:
                    continue
                except ChannelRefused as refusal:
                    await self._hidden.refused(await self._operations.get(operation_id), refusal.reason)
                except (SlackError, StorageUnavailableError) as error:
                    self._log.warning("thread_not_shown", operation=operation_id, error=str(error))
                    asyncio.get_running_loop().call_later(5.0, self.changed, operation_id)
                except Exception:
                    self._log.exception("thread_failed", operation=operation_id)
            await asyncio.sleep(self._pace)

    async def _show(self, operation_id: str, *, urgent: bool) -> None:
        operation = await self._operations.get(operation_id)
        if not self._operations.shown_here(operation):
            return
        kind, key = self._kinds[operation.kind], _key(operation_id)
        ended = operation.state.ended
        if operation.state is OperationState.PLANNED and await self._outbound.ts_of(_key(operation_id)) is None:
            # A crash came between storing the plan and showing it; who asked for it still waits.
            await self.present(operation_id)
            return
        if operation.state in _SILENT and await self._outbound.ts_of(_key(operation_id)) is None:
            return  # its plan was never shown, so there is nothing to bring up to date
        root = await self._root(operation)
        self._outbound.show(key, root, final=ended, urgent=urgent or ended)
        await self._show_card(operation, urgent=urgent)
        await self._link(operation)
        if not self._hidden.due(operation_id):
            return  # its channel took nothing lately; the newest state of the root waits with it
        self._outbound.retry(key)
        thread = operation.thread_ts or await self._outbound.ts_of(key)
        if thread is not None:
            await self._reply(operation, kind, thread)
        if reason := self._outbound.refusal(key):
            await self._hidden.refused(operation, reason)
        else:
            self._hidden.shown(operation_id)

    async def _show_card(self, operation: Operation, *, urgent: bool) -> None:
        try:
            await self._cards.show(operation, urgent=urgent)
        except SlackError as error:
            # The approval channel may be archived or closed to the bot; who asked, and who approves, are told here.
            await self._tell_out_of_reach(operation, error)
            tries = self._card_tries[operation.id] = self._card_tries.get(operation.id, 0) + 1
            pause = min(closed_pause(tries), _CARD_PAUSE)
            self._log.warning("card_not_shown", operation=operation.id, error=str(error), again_in=round(pause))
            if not operation.state.ended:
                asyncio.get_running_loop().call_later(pause, self.changed, operation.id)
        else:
            self._card_tries.pop(operation.id, None)

    async def _tell_out_of_reach(self, operation: Operation, error: SlackError) -> None:
        elsewhere = operation.approval_channel not in {None, operation.channel}
        if not isinstance(error, ChannelRefused) or operation.state is not OperationState.AWAITING or not elsewhere:
            return
        thread = operation.thread_ts or await self._outbound.ts_of(_key(operation.id))
        if thread is not None:
            with suppress(SlackError):
                await self._cards.tell_out_of_reach(operation, thread, error.reason)

    async def _reply(self, operation: Operation, kind: Kind, thread: str) -> None:
        if operation.state in _SILENT:
            told = replies.told(operation)
            if told is not None:
                # Planned anew, it is told anew: each plan has a moment of its own.
                key = f"{_key(operation.id)}:{operation.state.name.lower()}:{int(operation.created_at)}"
                await self._outbound.post(operation.channel, told, key=key, thread_ts=thread)
            return
        failed = [row for row in operation.targets if row.state is TargetState.FAILED]
        for row in failed[:_REPLIES]:
            await self._tell_failure(operation, row, thread)
        if operation.state.ended:
            await self._outbound.post(
                operation.channel,
                replies.farewell(operation, kind),
                key=f"{_key(operation.id)}:end",
                thread_ts=thread,
            )

    async def _tell_failure(self, operation: Operation, row: TargetRow, thread: str) -> None:
        key = f"{_key(operation.id)}:{row.key}"
        if await self._outbound.ts_of(key) is not None:
            return
        buttons = await self._next_steps(operation, row) if self._next_steps is not None else []
        log = await self._operations.failure_log(operation.id, row.key)
        message = replies.failure(operation, row, buttons, log)
        await self._outbound.post(operation.channel, message, key=key, thread_ts=thread)

    async def _root(self, operation: Operation) -> Message:
        usual = None
        if operation.state.open:
            usual = await self._operations.usual_duration(operation.kind, operation.region)
        return view.root(operation, self._kinds[operation.kind], usual, glass=self._operations.has_glass)


def _key(operation_id: str) -> str:
    return f"operation:{operation_id}"
