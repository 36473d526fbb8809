"""Run by Alembic for each of its commands, within the transaction of bot.migrations.upgrade."""

from __future__ import annotations

from alembic import context

from bot.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't change a column: the table is made anew
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
