"""How many machines were in which state, sampled from the fleet view: MAAS itself keeps no such history."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.history.outcomes import Outcomes, outcomes
from bot.history.tables import fleet_states as table
from bot.maas.service import RegionService
from bot.storage import Database, StorageUnavailableError

#: A view older than this, in seconds, says nothing of now: no sample is better than a wrong one.
_TOO_OLD = 300.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Machines by state at a moment."""

    at: datetime
    counts: Mapping[str, int]


class FleetHistory:
    """Takes a sample of every region now and then, and forgets the old ones."""

    def __init__(
        self,
        database: Database,
        regions: Mapping[str, RegionService],
        keep: timedelta,
        *,
        every: float = 900.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Samples are `every` so many seconds apart, and kept for `keep`."""
        self._database = database
        self._regions = regions
        self._keep = keep.total_seconds()
        self._every = every
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("history")

    def start(self) -> None:
        """Begin to take samples."""
        self._task = asyncio.create_task(self._run(), name="fleet-history")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def take(self) -> int:
        """Write down how the fleets are now, and forget what is too old. Returns how many regions were sampled.

        A region whose view is incomplete or out of date is left out.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        at = int(self._clock() // self._every * self._every)
        rows = []
        for name, region in self._regions.items():
            age = region.fleet.status.age
            if age is not None and age <= _TOO_OLD:
                counts = Counter(machine.status_name for machine in region.fleet.machines().values())
                rows.append({"region": name, "at": at, "counts": json.dumps(counts, sort_keys=True)})
        for row in rows:
            try:
                await self._database.run(lambda it, row=row: _write(it, row))  # type: ignore[misc]
            except sa.exc.IntegrityError:
                continue  # another bot was a moment faster
        oldest = self._clock() - self._keep
        await self._database.run(lambda it: it.execute(table.delete().where(table.c.at < oldest)))
        return len(rows)

    async def between(self, region: str, since: datetime, until: datetime) -> list[Sample]:
        """The samples of that time, oldest first.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        query = (
            sa.select(table.c.at, table.c.counts)
            .where(table.c.region == region, table.c.at.between(since.timestamp(), until.timestamp()))
            .order_by(table.c.at)
        )
        rows = await self._database.run(lambda it: it.execute(query).all())
        return [Sample(datetime.fromtimestamp(at, UTC), json.loads(counts)) for at, counts in rows]

    async def outcomes(self, region: str, since: datetime, until: datetime) -> Outcomes:
        """What operations came to in that time.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        return await outcomes(self._database, region, since, until)

    async def _run(self) -> None:
        while True:
            # A view that is still being filled is there a moment later; once it is, the interval is kept.
            sampled = 0
            try:
                sampled = await self.take()
            except StorageUnavailableError as error:
                self._log.warning("states_not_written", reason=error.reason)
            await asyncio.sleep(self._every if sampled == len(self._regions) else min(self._every, 30.0))


def _write(connection: sa.Connection, row: Mapping[str, object]) -> None:
    same = sa.and_(table.c.region == row["region"], table.c.at == row["at"])
    if connection.execute(sa.select(table.c.at).where(same)).first() is None:
        connection.execute(table.insert().values(**row))
