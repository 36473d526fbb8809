"""`maasbot audit verify` and `maasbot audit export`: the audit without a running bot."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.audit.chain import Verification, check_lines
from bot.audit.mirror import mirror_for
from bot.audit.search import parse_since
from bot.audit.service import Audit
from bot.settings import Settings
from bot.storage import Database, StorageUnavailableError
from bot.tables import audit_head


async def verify(settings: Settings) -> int:
    """Check everything and say what came of it. Returns 0 when the chain is whole, 1 otherwise."""
    try:
        async with opened(settings) as audit:
            return _report(await audit.verify())
    except StorageUnavailableError as error:
        return _complain(f"The audit can't be read: {error.reason}")


def verify_file(path: Path) -> int:
    """Check a file of exported or mirrored lines. Returns 0 when they are whole, 1 otherwise."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return _report(check_lines(lines))
    except OSError as error:
        return _complain(f"{path} can't be read ({error.strerror})")


async def export(settings: Settings, since: str | None) -> int:
    """Write the records as lines of JSON. Returns 0; 1 where they can't be read, 2 for a bad `since`."""
    try:
        oldest = parse_since(since, time.time()) if since is not None else None
    except ValueError as error:
        return _complain(f"--since {since}: {error}", 2)
    try:
        async with opened(settings) as audit:
            async for line in audit.export(oldest):
                sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except StorageUnavailableError as error:
        return _complain(f"The audit can't be read: {error.reason}")
    except BrokenPipeError:
        # The reader, such as head, has seen enough. What is still buffered must not raise again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Audit]:
    """The audit of these settings, to read. Makes neither a database nor a table.

    Raises:
        StorageUnavailableError: there is none, or it can't be read.
    """
    database = Database(settings.own_database_url())
    try:
        if not await asyncio.to_thread(_exists, database):
            raise StorageUnavailableError("there is no audit yet; the bot makes it when it starts")
        yield Audit(database, mirror_for(settings.audit_file, settings.state_dir))
    finally:
        database.close()


def _exists(database: Database) -> bool:
    # Asking SQLite would make the file.
    if database.is_sqlite and not Path(database.url.database or "").is_file():
        return False
    return database.run_blocking(lambda connection: sa.inspect(connection).has_table(audit_head.name))


def _report(found: Verification) -> int:
    if found.broken is not None:
        held = f"Records up to {found.head.seq} are whole.\n" if found.head.seq else ""
        return _complain(f"Broken at record {found.broken.seq}: {found.broken.reason}.\n{held}".rstrip("\n"))
    sys.stdout.write(f"{found.head.seq} record{'' if found.head.seq == 1 else 's'}, whole.\nHead: {found.head.hash}\n")
    return 0


def _complain(text: str, code: int = 1) -> int:
    sys.stderr.write(f"{text}\n")
    return code
