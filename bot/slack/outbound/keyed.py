"""Posts with a key: written down before they are made, so that no restart makes them twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

import structlog

from bot.message import File, Message
from bot.slack.outbound.board import Board
from bot.slack.outbound.budget import Clock
from bot.slack.outbound.errors import SlackError, SlackUnavailable
from bot.slack.outbound.ledger import Ledger, Row
from bot.slack.outbound.posting import Posted, Posting, Ref, client_id
from bot.slack.outbound.stored import digest
from bot.storage import StorageUnavailableError


class Uploads:
    """Files on their way into threads, beside whoever posted the message."""

    def __init__(self, posting: Posting) -> None:
        self._posting = posting
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, ref: Ref, thread_ts: str | None, files: Sequence[File]) -> None:
        """Put the files of a message into its thread."""
        if files:
            task = asyncio.create_task(self._posting.upload_all(ref, thread_ts, files), name="slack-files")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def done(self) -> None:
        """Wait for those under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop those under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class KeyedPosts:
    """Posts each key once."""

    def __init__(self, posting: Posting, board: Board, ledger: Ledger, uploads: Uploads, clock: Clock) -> None:
        self._posting = posting
        self._board = board
        self._ledger = ledger
        self._uploads = uploads
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        #: Keys with a row in the database, of which it is certain that Slack did not get the message.
        self._certainly_unsent: set[str] = set()
        self._log = structlog.get_logger("slack")

    async def post(
        self,
        key: str,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None,
        urgent: bool,
        broadcast: bool,
    ) -> Ref:
        """Post, or edit the message that stands there already; see `Outbound.post`."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            row = await self._ledger.get(key)
            if row is not None and row.ts is not None:
                self._edit(row, message, urgent=urgent)
                return Ref(row.channel, row.ts)
            in_doubt = row is not None and key not in self._certainly_unsent
            row = row or await self._ledger.intend(key, channel, thread_ts)
            self._board.posting_begins(key)
            shown = ""
            try:
                posted = await self._send(row, message, in_doubt=in_doubt, urgent=urgent, broadcast=broadcast)
                if not posted.is_earlier:
                    shown = digest(message, with_files=bool(posted.rendered.files))
                row = await self._write_down(row, posted.ref, shown)
            finally:
                self._board.posting_ended(key, row, shown)
            if posted.is_earlier:
                self._edit(row, message, urgent=urgent)
            else:
                self._uploads.start(posted.ref, row.thread_ts, posted.rendered.files)
            return posted.ref

    async def _send(self, row: Row, message: Message, *, in_doubt: bool, urgent: bool, broadcast: bool) -> Posted:
        self._certainly_unsent.discard(row.key)
        try:
            return await self._posting.post(
                row.channel,
                message,
                message_id=client_id(row.key),
                thread_ts=row.thread_ts,
                in_doubt=in_doubt,
                urgent=urgent,
                broadcast=broadcast,
            )
        except SlackUnavailable as trouble:
            if not trouble.outcome_unknown and not in_doubt:
                self._certainly_unsent.add(row.key)
            raise
        except SlackError:
            if not in_doubt:
                await self._ledger.forget(row.key)
            raise

    def _edit(self, row: Row, message: Message, *, urgent: bool) -> None:
        same = row.digest in {digest(message), digest(message, with_files=True)}
        if not (same or row.final or row.pending is not None or self._board.has_final(row.key)):
            self._board.show(row.key, message, final=False, urgent=urgent, attach=True)

    async def _write_down(self, row: Row, ref: Ref, shown: str) -> Row:
        """Remember where the message stands; it stands there even if the database does not take it."""
        for wait in (0.0, 1.0, 5.0):
            await self._clock.sleep(wait)
            try:
                return await self._ledger.change(row, channel=ref.channel, ts=ref.ts, digest=shown)
            except StorageUnavailableError as error:
                self._log.warning("storage_unavailable", key=row.key, reason=error.reason)
        return self._ledger.at_hand(row.key) or row
