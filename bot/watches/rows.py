"""From rows of the database to watches and notices, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bot.watch_tables import notices, watches
from bot.watches.records import Happening, Notice, Watch, What


def notices_with_watch() -> sa.Select[Any]:
    """Selects notices with the watches that are told; `notice_of` reads its rows."""
    own = [column.label(f"notice_{column.name}") for column in notices.c]
    return sa.select(notices.c.watch_id, *own, *watches.c).join(watches, watches.c.id == notices.c.watch_id)


def notice_of(row: Mapping[Any, Any]) -> Notice:
    """The notice of a row of `notices_with_watch`."""
    return Notice(
        id=row["notice_id"],
        watch=watch_of(row),
        happening=Happening.from_json(row["notice_happening"]),
        at=row["notice_at"],
        message=row["notice_message"],
        posted_at=row["notice_posted_at"],
        settled=row["notice_settled"],
    )


def row_of(watch: Watch) -> dict[str, Any]:
    """The columns of a watch."""
    return {
        "id": watch.id,
        "team_id": watch.team_id,
        "channel": watch.channel,
        "thread_ts": watch.thread,
        "what": watch.what.value,
        "region": watch.region,
        "quiet": watch.quiet,
        "person_id": watch.person_id,
        "person_name": watch.person_name,
        "created_at": watch.created_at,
        "until": watch.until,
    }


def watch_of(row: Mapping[Any, Any]) -> Watch:
    """The watch of a row that holds its columns."""
    return Watch(
        id=row["id"],
        team_id=row["team_id"],
        channel=row["channel"],
        thread=row["thread_ts"],
        what=What(row["what"]),
        region=row["region"],
        quiet=row["quiet"],
        person_id=row["person_id"],
        person_name=row["person_name"],
        created_at=row["created_at"],
        until=row["until"],
    )
