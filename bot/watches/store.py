"""Watches in the database: who wants to hear what, what was seen, what is to be told, how long things take."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from bot import audit
from bot.storage import Database
from bot.watch_tables import notices, state_spans, watch_memory, watches
from bot.watches.records import Happening, Looked, Notice, Sort, Watch, What
from bot.watches.rows import notice_of, notices_with_watch, row_of, watch_of

#: Spans of a state that are learnt from, the newest.
_SPANS = 200
#: How long what was told, ended guides and spans are kept, in seconds.
_KEPT = 90 * 86400.0
_GUIDES_KEPT = 7 * 86400.0


class WatchStore:
    """Every method raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # -- watches -----------------------------------------------------------------------------------------------

    async def add(self, watch: Watch, entry: audit.Entry, *, hello: Happening | None = None) -> Watch:
        """Keep a watch; one that is there for the same place and thing is changed. `hello` is its first notice."""

        def write(connection: sa.Connection) -> Watch:
            same = sa.and_(
                watches.c.channel == watch.channel,
                watches.c.thread_ts == watch.thread,
                watches.c.what == watch.what.value,
                watches.c.region == watch.region,
            )
            if watch.what is What.GUIDE:
                same = sa.and_(same, watches.c.person_id == watch.person_id)
            found = connection.execute(watches.select().where(same)).mappings().first()
            kept = watch
            if found is None:
                connection.execute(watches.insert().values(**row_of(watch)))
            else:
                changed = {"quiet": watch.quiet, "until": watch.until}
                connection.execute(watches.update().where(watches.c.id == found["id"]).values(**changed))
                kept = watch_of({**found, **changed})
            if hello is not None:
                _tell(connection, kept.id, watch.region, hello, self._clock())
            audit.append(connection, entry, self._clock())
            return kept

        return await self._database.run(write)

    async def remove(self, watch_id: str, entry: audit.Entry) -> None:
        """End a watch; what it was to be told and was not yet goes with it."""

        def write(connection: sa.Connection) -> None:
            connection.execute(watches.delete().where(watches.c.id == watch_id))
            audit.append(connection, entry, self._clock())

        await self._database.run(write)

    async def listed(self) -> list[Watch]:
        """All that hold now, oldest first; guides that have ended are left out."""
        query = watches.select().where(_holding(self._clock())).order_by(watches.c.created_at)
        return await self._database.run(
            lambda connection: [watch_of(row) for row in connection.execute(query).mappings()]
        )

    # -- what was seen -----------------------------------------------------------------------------------------

    async def memory(self, region: str, source: str) -> tuple[dict[str, Any] | None, float, int]:
        """What a source remembers, how new that is, and its version; None, 0 and 0 before its first look."""
        query = watch_memory.select().where(_remembered(region, source))

        def read(connection: sa.Connection) -> tuple[dict[str, Any] | None, float, int]:
            row = connection.execute(query).mappings().one_or_none()
            return (None, 0.0, 0) if row is None else (json.loads(row["memory"]), row["as_of"], row["version"])

        return await self._database.run(read)

    async def remember(self, region: str, source: str, what: What, looked: Looked, as_of: float, version: int) -> bool:
        """Write a look down, all of it or nothing. False: another bot has looked meanwhile.

        Args:
            region: that was looked at.
            source: that looked.
            what: which watches are told.
            looked: what came of it.
            as_of: how new what it saw was.
            version: of the memory that it began with.
        """
        values = {"memory": json.dumps(looked.memory), "as_of": as_of, "version": version + 1}

        def write(connection: sa.Connection) -> bool:
            if version == 0:
                there = connection.execute(sa.select(watch_memory.c.region).where(_remembered(region, source))).first()
                if there is not None:
                    return False
                connection.execute(watch_memory.insert().values(region=region, source=source, **values))
            else:
                of_this = sa.and_(_remembered(region, source), watch_memory.c.version == version)
                if connection.execute(watch_memory.update().where(of_this).values(**values)).rowcount != 1:
                    return False
            now = self._clock()
            hearing = _hearing(connection, what, region, now) if looked.happenings else []
            for happening in looked.happenings:
                for watch_id, told in _each_place(hearing, happening):
                    _tell(connection, watch_id, region, told, now)
            for span in looked.spans:
                row = {"id": secrets.token_hex(16), "region": region, "ended_at": now}
                connection.execute(state_spans.insert().values(**row, state=span.state[:60], seconds=span.seconds))
            return True

        try:
            return await self._database.run(write)
        except sa.exc.IntegrityError:
            return False  # both wrote their first memory at once

    async def spans(self, region: str) -> dict[str, list[float]]:
        """How long machines of a region were in each state lately, in seconds."""
        query = (
            sa.select(state_spans.c.state, state_spans.c.seconds)
            .where(state_spans.c.region == region)
            .order_by(state_spans.c.ended_at.desc())
            .limit(_SPANS * 8)
        )

        def read(connection: sa.Connection) -> dict[str, list[float]]:
            found: dict[str, list[float]] = defaultdict(list)
            for state, seconds in connection.execute(query):
                if len(found[state]) < _SPANS:
                    found[state].append(float(seconds))
            return dict(found)

        return await self._database.run(read)

    # -- what is to be told ------------------------------------------------------------------------------------

    async def untold(self) -> dict[str, list[Notice]]:
        """What was not told yet, by watch, oldest first."""
        query = (
            notices_with_watch().where(notices.c.posted_at.is_(None)).order_by(notices.c.at, notices.c.seq).limit(5000)
        )

        def read(connection: sa.Connection) -> dict[str, list[Notice]]:
            found: dict[str, list[Notice]] = defaultdict(list)
            for row in connection.execute(query).mappings():
                found[row["watch_id"]].append(notice_of(row))
            return dict(found)

        return await self._database.run(read)

    async def told_since(self, watch_id: str, since: float) -> list[float]:
        """When each message of a watch since that moment was posted."""
        query = (
            sa.select(sa.func.max(notices.c.posted_at))
            .where(notices.c.watch_id == watch_id, notices.c.posted_at >= since)
            .group_by(notices.c.message)
        )
        return await self._database.run(
            lambda connection: [float(at) for at in connection.execute(query).scalars() if at is not None]
        )

    async def gather(self, ids: Sequence[str], message: str) -> bool:
        """Decide that these go into one message. False: another bot has decided on some of them meanwhile."""

        def write(connection: sa.Connection) -> bool:
            free = sa.and_(notices.c.id.in_(ids), notices.c.message == "")
            savepoint = connection.begin_nested()
            if connection.execute(notices.update().where(free).values(message=message)).rowcount != len(ids):
                savepoint.rollback()
                return False
            savepoint.commit()
            return True

        return await self._database.run(write)

    async def told(self, message: str) -> None:
        """The message stands in the channel."""
        query = notices.update().where(notices.c.message == message, notices.c.posted_at.is_(None))
        await self._database.run(lambda connection: connection.execute(query.values(posted_at=self._clock())))

    async def of_message(self, message: str) -> list[Notice]:
        """What a message tells."""
        query = notices_with_watch().where(notices.c.message == message).order_by(notices.c.at, notices.c.seq)
        return await self._database.run(
            lambda connection: [notice_of(row) for row in connection.execute(query).mappings()]
        )

    async def standing(self, sort: Sort, since: float, most: int) -> list[Notice]:
        """What was told alone in its message since that moment and nobody settled, oldest first."""
        alone = sa.select(notices.c.message).group_by(notices.c.message).having(sa.func.count() == 1)
        query = (
            notices_with_watch()
            .where(notices.c.what == sort.value, notices.c.posted_at >= since, notices.c.settled == "")
            .where(notices.c.message.in_(alone))
            .order_by(notices.c.posted_at.desc())
            .limit(most)
        )

        def read(connection: sa.Connection) -> list[Notice]:
            return [notice_of(row) for row in connection.execute(query).mappings()][::-1]

        return await self._database.run(read)

    async def settle(self, message: str, said: str) -> bool:
        """Somebody took care of what the message tells. False: somebody did before."""
        open_ = sa.and_(notices.c.message == message, notices.c.settled == "")
        query = notices.update().where(open_).values(settled=said)
        return await self._database.run(lambda connection: connection.execute(query).rowcount > 0)

    async def clean(self) -> None:
        """Forget what is old."""
        now = self._clock()

        def write(connection: sa.Connection) -> None:
            connection.execute(notices.delete().where(notices.c.posted_at < now - _KEPT))
            connection.execute(watches.delete().where(watches.c.until < now - _GUIDES_KEPT))
            connection.execute(state_spans.delete().where(state_spans.c.ended_at < now - _KEPT))

        await self._database.run(write)


def _hearing(connection: sa.Connection, what: What, region: str, now: float) -> list[Watch]:
    whats = [what.value, *([What.GUIDE.value] if what is What.MACHINES else [])]
    query = watches.select().where(watches.c.what.in_(whats), watches.c.region == region, _holding(now))
    return [watch_of(row) for row in connection.execute(query.order_by(watches.c.created_at)).mappings()]


def _each_place(hearing: Sequence[Watch], happening: Happening) -> list[tuple[str, Happening]]:
    """Once in each channel and thread; people whose guides wait there are mentioned."""
    places: dict[tuple[str, str], list[Watch]] = defaultdict(list)
    for watch in hearing:
        if watch.what is not What.GUIDE or happening.sort is Sort.APPEARED:
            places[watch.channel, watch.thread].append(watch)
    told = []
    for there in places.values():
        speaker = next((one for one in there if one.what is not What.GUIDE), there[0])
        mentions = tuple(dict.fromkeys(one.person_id for one in there if one.what is What.GUIDE))
        told.append((speaker.id, _mentioning(happening, mentions)))
    return told


def _mentioning(happening: Happening, mentions: tuple[str, ...]) -> Happening:
    return replace(happening, mentions=mentions) if mentions else happening


def _tell(connection: sa.Connection, watch_id: str, region: str, happening: Happening, now: float) -> None:
    last = connection.execute(sa.select(sa.func.max(notices.c.seq)).where(notices.c.watch_id == watch_id)).scalar()
    connection.execute(
        notices.insert().values(
            id=secrets.token_hex(16),
            watch_id=watch_id,
            seq=(last or 0) + 1,
            what=happening.sort.value,
            region=region,
            subject=happening.subject[:80],
            happening=happening.to_json(),
            at=now,
            message="",
            settled="",
        )
    )


def _remembered(region: str, source: str) -> sa.ColumnElement[bool]:
    return sa.and_(watch_memory.c.region == region, watch_memory.c.source == source)


def _holding(now: float) -> sa.ColumnElement[bool]:
    return sa.or_(watches.c.until.is_(None), watches.c.until > now)
