"""Commands that were acknowledged and not answered yet, so that a crash in between is at least told to who asked."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
import structlog

from bot.message import Code, say
from bot.quick_writes import QuickWrites
from bot.slack.outbound import Outbound, SlackError
from bot.storage import Database, StorageUnavailableError
from bot.tables import inbox as table

#: How long a response URL lives, in seconds, less a margin.
_URL_LIFE = 28 * 60.0
#: Longest wait for the database before a command is acknowledged without being written down, in seconds.
_PATIENCE = 0.25
_SWEEP = 1.0


class Inbox:
    """Writes each command down before its acknowledgement, and strikes it out once it is answered."""

    def __init__(self, database: Database, outbound: Outbound, replica: str) -> None:
        """`replica` is the name of this bot among those that share the database."""
        self._database = database
        self._replica = replica
        self._outbound = outbound
        path = database.url.database if database.is_sqlite else None
        self._quick = QuickWrites(path, table) if path else None
        self._answered: list[str] = []
        self._unwritten: list[tuple[dict[str, Any], asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("inbox")

    async def start(self, living: Collection[str]) -> None:
        """Tell the people whose commands an earlier process left open, and begin to strike out."""
        await self.answer_for(living)
        self._task = asyncio.create_task(self._strike_out(), name="inbox")

    async def answer_for(self, living: Collection[str]) -> None:
        """Tell the people whose commands were left open by bots that are not alive any more."""
        try:
            left = await self._database.run(lambda connection: _take(connection, living))
        except StorageUnavailableError as error:
            self._log.warning("inbox_not_read", reason=error.reason)
            left = []
        for response_url, words in left:
            with suppress(SlackError):
                await self._outbound.respond(
                    response_url,
                    say(
                        "I was restarted while I worked on ",
                        Code(words),
                        ". If you saw no answer to it, ask again.",
                    ),
                )

    async def close(self) -> None:
        """Strike out what was answered."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._writing is not None:
            await self._writing
        await self._sweep()
        if self._quick is not None:
            self._quick.close()

    async def take(self, response_url: str, words: str) -> str:
        """Write a command down and return its ticket. Never raises, and never takes long: the acknowledgement waits."""
        ticket = secrets.token_hex(8)
        row = {
            "id": ticket,
            "response_url": response_url,
            "words": words[:500],
            "taken_at": time.time(),
            "replica": self._replica,
        }
        if self._quick is not None and self._quick.insert(row):
            return ticket
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._unwritten.append((row, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="inbox-write")
        try:
            async with asyncio.timeout(_PATIENCE):
                is_written = await written
        except TimeoutError:
            is_written = False
        if not is_written:
            self._log.warning("command_not_written_down")
        return ticket

    async def _write(self) -> None:
        """Write what waits, all of it in one transaction: what comes meanwhile is the next one's."""
        while self._unwritten:
            batch, self._unwritten = self._unwritten, []
            is_written = False
            try:
                await self._database.run(_insertion([row for row, _ in batch]))
                is_written = True
            except StorageUnavailableError as error:
                self._log.warning("inbox_not_written", reason=error.reason)
            except Exception:
                self._log.exception("inbox_not_written")
            for _, written in batch:
                if not written.done():
                    written.set_result(is_written)

    def answered(self, ticket: str) -> None:
        """The person has an answer, or was told that there is none."""
        self._answered.append(ticket)

    async def _strike_out(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            await self._sweep()

    async def _sweep(self) -> None:
        tickets, self._answered = self._answered, []
        if not tickets:
            return
        try:
            await self._database.run(
                lambda connection: connection.execute(table.delete().where(table.c.id.in_(tickets)))
            )
        except StorageUnavailableError:
            self._answered += tickets


def _insertion(rows: list[dict[str, Any]]) -> Callable[[sa.Connection], object]:
    return lambda connection: connection.execute(table.insert(), rows)


def _take(connection: sa.Connection, living: Collection[str]) -> list[tuple[str, str]]:
    left = table.delete().where(table.c.replica.not_in(list(living)))
    rows = connection.execute(left.returning(table.c.response_url, table.c.words, table.c.taken_at)).all()
    return [(url, words) for url, words, taken_at in rows if url and taken_at > time.time() - _URL_LIFE]
