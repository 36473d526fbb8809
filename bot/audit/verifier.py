"""Verifying the chain: in full on demand, and bit by bit in the background."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import replace

from bot.audit.chain import BATCH, Break, Head, Verification, check_end, check_rows, read_head, read_rows
from bot.audit.mirror import Mirror, MirrorError
from bot.storage import Database


class Verifier:
    """Reads the chain in batches, so that neither memory nor anybody else's turn at the database suffers.

    `step` is for the background: each call checks a bounded part. It goes round and round: what was whole an hour
    ago need not be whole now. `broken` is what it knows.
    """

    def __init__(self, database: Database, threads: Executor | None = None) -> None:
        self._database = database
        self._threads = threads
        self._reached = Head()
        self._seen = Head()
        self.broken: Break | None = None

    async def all(self, mirror: Mirror | None = None) -> Verification:
        """Check every record, the head row, and the mirror's last line.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        mirrored = await self._end_of(mirror) if mirror is not None else None
        before = await self._database.run(read_head)
        found = Verification(Head())
        while found.whole:
            found, more = await self._part(found.head)
            if not more:
                break
        found = check_end(found, before, await self._database.run(read_head))
        if found.whole and mirror is not None and mirrored is not None:
            fault = await self.missed_by(mirrored, mirror.name)
            found = replace(found, broken=fault)
        return found

    async def step(self) -> bool:
        """Check the next part. True when the end was reached: the next call begins anew.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        before = await self._database.run(read_head)
        if before is not None and before.seq < self._seen.seq:
            reason = f"the chain ended with record {self._seen.seq} before, now with {before.seq}"
            self.broken, self._reached = Break(before.seq + 1, reason), Head()
            return True
        found, more = await self._part(self._reached)
        if found.whole and not more:
            after = await self._database.run(read_head)
            found = check_end(found, before, after)
            self._seen = before or self._seen
        if found.whole and more:
            self._reached = found.head
            return False
        self.broken, self._reached = found.broken, Head()
        return True

    async def missed_by(self, mirrored: Head, name: str) -> Break | None:
        """What is wrong when the mirror ends with a record that the database does not have, or has otherwise."""
        rows = await self._database.run(lambda connection: read_rows(connection, mirrored.seq - 1, 1))
        if not rows or int(rows[0]["seq"]) != mirrored.seq:
            return Break(mirrored.seq, f"record {mirrored.seq} was written to {name} and is no longer here")
        if rows[0]["hash"] != mirrored.hash:
            return Break(mirrored.seq, f"record {mirrored.seq} is not the one that was written to {name}")
        return None

    async def _part(self, start: Head) -> tuple[Verification, bool]:
        rows = await self._database.run(lambda connection: read_rows(connection, start.seq))
        # Hashing does not need the database's thread, and must not hold up the loop.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, check_rows, rows, start), len(rows) == BATCH

    async def _end_of(self, mirror: Mirror) -> Head | None:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, mirror.end)
        except MirrorError:
            return None
