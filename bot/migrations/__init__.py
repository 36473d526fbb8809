"""The schema's history, kept by Alembic: each revision changes the tables of the one before it.

A revision only adds: while a newer bot takes an older one's place, both work on the same tables.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import bot.history.tables
import bot.watch_tables  # noqa: F401 - the metadata has to hold every table
from bot.storage import StorageUnavailableError

#: The tables as they were before there were revisions.
_FIRST = "0001"
#: Names the lock under which one bot at a time changes PostgreSQL's tables; any number that nobody else uses.
_LOCK = 0x6D61_6173_0001


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables to the newest revision, in the caller's transaction. Of several bots one does it, others wait.

    Raises:
        StorageUnavailableError: the tables are of a newer version of the bot.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = configuration(connection)
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    if current is None and sa.inspect(connection).has_table("operations"):
        command.stamp(config, _FIRST)
    elif current is not None and current not in {one.revision for one in script.walk_revisions()}:
        raise StorageUnavailableError(
            f"the database was changed by a newer maasbot (its tables are at revision {current}, this version knows "
            f"them up to {head}); start the newer version, or restore the backup made before the update"
        )
    command.upgrade(config, "head")


def configuration(connection: sa.Connection) -> Config:
    """Alembic's settings for a connection that is open already."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
