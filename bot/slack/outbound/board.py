"""Edits: one pending state a message, the newest; a fair share each; final states are never dropped."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from bot.message import Message
from bot.slack.outbound.budget import pause
from bot.slack.outbound.calls import Calls, closed_pause, pause_after
from bot.slack.outbound.closed import TRIES, ClosedChannels
from bot.slack.outbound.entry import Entry
from bot.slack.outbound.errors import (
    ChannelRefused,
    MessageGone,
    RateLimited,
    SlackError,
    SlackFatal,
    SlackUnavailable,
    Transient,
)
from bot.slack.outbound.ledger import Ledger, Row
from bot.slack.outbound.posting import Posting, Ref, client_id
from bot.slack.outbound.stored import digest, dump
from bot.slack.render import render
from bot.storage import StorageUnavailableError

_METHOD: Final = "chat.update"
_AT_ONCE: Final = 6
_AT_HAND: Final = 2_000
_STORAGE_PAUSE: Final = 5.0
_FATAL_PAUSE: Final = 60.0
_LONG: Final = 3600.0


class Board:
    """Shows the newest state of every keyed message.

    Who is next: a person's own action, then final states, then whoever was edited longest ago.
    """

    def __init__(self, calls: Calls, posting: Posting, ledger: Ledger, *, spacing: float) -> None:
        self._calls = calls
        self._posting = posting
        self._ledger = ledger
        self._spacing = spacing
        self._entries: dict[str, Entry] = {}
        self.closed_channels = ClosedChannels()
        self._being_posted: set[str] = set()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("slack")

    def show(self, key: str, message: Message, *, final: bool, urgent: bool, attach: bool | None = None) -> None:
        """Take the newest state of a message. Returns at once.

        `attach` puts its files into the thread; unsaid, a final state's files are put there and no others.
        """
        entry = self._entry(key)
        attach = (final if attach is None else attach) and bool(render(message).files)
        entry.message, entry.digest = message, digest(message, with_files=attach)
        entry.final, entry.attach = final, attach
        entry.urgent = entry.urgent or urgent
        self._wake()

    def has_final(self, key: str) -> bool:
        """Whether a final state of this message is on its way."""
        entry = self._entries.get(key)
        return entry is not None and entry.unsent_final

    def posting_begins(self, key: str) -> None:
        """A post of this key is under way: edits wait for it."""
        self._being_posted.add(key)

    def posting_ended(self, key: str, row: Row, shown: str) -> None:
        """The post is done or given up."""
        self._being_posted.discard(key)
        entry = self._entries.get(key)
        if entry is not None:
            entry.row, entry.shown = row, shown
        self._wake()

    def resume(self, row: Row, message: Message) -> None:
        """Take a final state that an earlier process wrote down and did not send."""
        entry = self._entry(row.key)
        if entry.message is None and not entry.busy:
            entry.row, entry.shown = row, ""
            self.show(row.key, message, final=True, urgent=False)
            entry.written = entry.digest

    def retry(self, key: str) -> None:
        """Try a message whose channel refused it again now."""
        if key in self.closed_channels.reasons and key in self._entries:
            self._entries[key].not_before = self._calls.clock.now()
            self._wake()

    async def finals_sent(self) -> None:
        """Wait until no final state is unsent."""
        while any(
            entry.unsent_final and entry.key not in self.closed_channels.reasons for entry in self._entries.values()
        ):
            self._settled.clear()
            await self._settled.wait()

    async def close(self) -> None:
        """Stop, whatever is unsent."""
        tasks = [*self._work, *([self._loop] if self._loop is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _entry(self, key: str) -> Entry:
        if len(self._entries) >= _AT_HAND:
            # Those with nothing to send can be had again from their rows.
            self._entries = {one.key: one for one in self._entries.values() if one.message or one.busy}
        return self._entries.setdefault(key, Entry(key))

    def _wake(self) -> None:
        self._changed.set()
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run(), name="slack-edits")

    async def _run(self) -> None:
        gate = self._calls.gates.of(_METHOD)
        clock = self._calls.clock
        while True:
            self._changed.clear()
            best, wait = self._look(clock.now())
            if best is None or len(self._work) >= _AT_ONCE:
                await pause(clock, wait, self._changed)
            elif gate.take(urgent=best.urgent):
                self._start(best, self._deliver(best))
            else:
                await pause(clock, min(wait, gate.delay(urgent=best.urgent)), self._changed)

    def _look(self, now: float) -> tuple[Entry | None, float]:
        """Who is next, and the seconds until somebody else may be. Whoever is not ready is made so."""
        best: Entry | None = None
        wait = _LONG
        for entry in list(self._entries.values()):
            if entry.message is None or entry.busy or entry.key in self._being_posted:
                continue
            ready = entry.ready
            from_when = entry.not_before
            if ready and not entry.urgent and not entry.final:
                from_when = max(from_when, entry.last_sent + self._spacing)
            if from_when > now:
                wait = min(wait, from_when - now)
            elif not ready:
                self._start(entry, self._prepare(entry))
            elif best is None or entry.rank < best.rank:
                best = entry
        return best, wait

    def _start(self, entry: Entry, work: Coroutine[Any, Any, None]) -> None:
        entry.busy = True
        task = asyncio.create_task(work, name=f"slack-edit {entry.key}")
        self._work.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            entry.busy = False
            self._work.discard(finished)
            self._settled.set()
            self._changed.set()

        task.add_done_callback(done)

    async def _prepare(self, entry: Entry) -> None:
        """Find the message's row, and write a final state down before it is sent."""
        wanted, final, message = entry.digest, entry.final, entry.message
        try:
            row = entry.row or await self._ledger.get(entry.key)
            if row is None:
                self._log.error("shown_but_never_posted", key=entry.key)
                self._entries.pop(entry.key, None)
                return
            if entry.row is None:
                entry.row, entry.shown = row, row.digest
            if entry.shown == wanted:
                entry.message = entry.message if entry.digest != wanted else None
                await self._settle(entry, wanted, final)
            elif final and message is not None:
                entry.row = await self._ledger.change(row, pending=dump(message))
                entry.written = wanted
            elif row.ts is None:
                # Nobody posted it yet: a state that is not final waits until somebody does.
                entry.not_before = self._calls.clock.now() + _STORAGE_PAUSE
        except StorageUnavailableError as error:
            self._log.warning("storage_unavailable", key=entry.key, reason=error.reason)
            if entry.row is None:
                entry.not_before = self._calls.clock.now() + _STORAGE_PAUSE
            else:
                entry.written = wanted

    async def _deliver(self, entry: Entry) -> None:
        message, wanted, row = entry.message, entry.digest, entry.row
        final, urgent, attach = entry.final, entry.urgent, entry.attach
        if message is None or row is None:
            return
        entry.message, entry.urgent = None, False
        try:
            if not final and await self._ledger.ended_elsewhere(row):
                # What waited here for its turn is of a time before the end that another bot has told.
                entry.row = self._ledger.at_hand(row.key)
                return
            if not final and row.digest not in {"", wanted}:
                # Written before it is sent: a process killed in between must not leave an old note for the truth.
                row = entry.row = await self._written(row, digest="", final=False)
            is_shown = await self._send(entry, row, message, attach=attach, urgent=urgent)
        except (RateLimited, Transient, SlackUnavailable) as trouble:
            entry.failures += 1
            wait = 0.0 if isinstance(trouble, RateLimited) else pause_after(entry.failures)
            self._again(entry, message, urgent=urgent, wait=wait)
        except MessageGone as gone:
            await self._replace(entry, message, gone, urgent=urgent)
        except SlackFatal as fatal:
            self._log.error("slack_refuses_the_app", code=fatal.code)
            self._again(entry, message, urgent=urgent, wait=_FATAL_PAUSE)
        except ChannelRefused as refusal:
            entry.failures += 1
            if entry.failures < TRIES:  # a final state stays written down: the next start tries it again
                self._again(entry, message, urgent=False, wait=closed_pause(entry.failures))
            self.closed_channels.closed(entry.key, refusal.reason)
        except StorageUnavailableError as error:
            self._log.warning("storage_unavailable", key=entry.key, reason=error.reason)
            self._again(entry, message, urgent=urgent, wait=_STORAGE_PAUSE)
        except SlackError as refusal:
            # A final state stays written down: the next start tries it again.
            self._log.warning("message_not_shown", key=entry.key, final=final, error=str(refusal))
        except Exception:
            self._log.exception("message_not_shown", key=entry.key, final=final)
        else:
            entry.failures = 0
            self.closed_channels.opened(entry.key)
            if is_shown:
                entry.shown = wanted
                await self._settle(entry, wanted, final)
            else:
                self._again(entry, message, urgent=urgent, wait=0.0)
        finally:
            entry.last_sent = self._calls.clock.now()

    async def _send(self, entry: Entry, row: Row, message: Message, *, attach: bool, urgent: bool) -> bool:
        """Edit, or post where nothing stands. False: Slack had it already and shows an older state."""
        if row.ts is None:
            posted = await self._posting.post(
                row.channel,
                message,
                message_id=entry.anew or client_id(row.key),
                thread_ts=row.thread_ts,
                in_doubt=not entry.anew,
                urgent=urgent,
            )
            ref, rendered = posted.ref, posted.rendered
            entry.row = await self._written(row, channel=ref.channel, ts=ref.ts)
            if posted.is_earlier:
                return False
        else:
            ref = Ref(row.channel, row.ts)
            gate = self._calls.gates.of(_METHOD)
            rendered = await self._posting.edit(ref, message, attach=attach, enter=lambda: gate.enter(urgent=urgent))
        if attach:
            await self._posting.upload_all(ref, row.thread_ts, rendered.files)
        return True

    def _again(self, entry: Entry, message: Message, *, urgent: bool, wait: float) -> None:
        """Keep the state for another try, unless a newer one has come."""
        if entry.message is None:
            entry.message = message
        entry.urgent = entry.urgent or urgent
        entry.not_before = self._calls.clock.now() + wait

    async def _replace(self, entry: Entry, message: Message, gone: MessageGone, *, urgent: bool) -> None:
        """Somebody deleted the message: post it anew, once."""
        self._log.warning("message_gone", key=entry.key, code=gone.code, posting_anew=not entry.anew)
        if entry.anew or entry.row is None or entry.row.ts is None:
            return
        entry.anew = str(uuid.uuid4())
        entry.row = await self._written(entry.row, ts=None)
        self._again(entry, message, urgent=urgent, wait=0.0)

    async def _settle(self, entry: Entry, shown: str, final: bool) -> None:
        """Write down what Slack shows now. States on the way to the final one are not worth a write each."""
        row = entry.row
        if row is None:
            return
        values: dict[str, Any] = {}
        if final or row.pending is not None:
            values = {"digest": shown, "pending": None, "final": final}
        elif row.digest not in {"", shown} or row.final:
            values = {"digest": "", "final": False}
        if values:
            entry.row = await self._written(row, **values)
        if final and entry.message is None:
            self._entries.pop(entry.key, None)

    async def _written(self, row: Row, **values: Any) -> Row:
        try:
            return await self._ledger.change(row, **values)
        except StorageUnavailableError as error:
            self._log.warning("storage_unavailable", key=row.key, reason=error.reason)
            return self._ledger.at_hand(row.key) or row
