"""The bot's own tables. Those of watches are in `bot.watch_tables`, that of the fleet's states in `bot.history.tables`.

What changes here needs a revision in `bot/migrations/`. The durable engine keeps its tables elsewhere.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from bot import audit_guards

metadata = sa.MetaData()

#: Slack messages that are kept up to date: written before the post, so that a restart edits and does not post anew.
slack_messages = sa.Table(
    "slack_messages",
    metadata,
    sa.Column("key", sa.String(120), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("thread_ts", sa.String(40)),
    sa.Column("ts", sa.String(40)),
    sa.Column("digest", sa.String(64), nullable=False, default=""),
    sa.Column("pending", sa.Text),
    sa.Column("final", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

#: Operations: what was asked, by whom, where, and what came of it. Times are seconds since the epoch.
operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("region", sa.String(80), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("team_id", sa.String(40), nullable=False),
    sa.Column("requester_id", sa.String(40), nullable=False),
    sa.Column("requester_name", sa.String(200), nullable=False),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("thread_ts", sa.String(40)),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("nonce", sa.String(40), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("confirmed_at", sa.Float),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("cancelled_by", sa.String(40)),
    sa.Column("replica", sa.String(40)),
    sa.Column("workflow_version", sa.String(20)),
    sa.Column("waits_for", sa.Text, nullable=False, default=""),
    sa.Column("link", sa.Text, nullable=False, default=""),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("needed", sa.Integer, nullable=False, default=0),
    sa.Column("approval_channel", sa.String(40)),
    sa.Column("expires_at", sa.Float),
    sa.Column("reminders", sa.Integer, nullable=False, default=0),
    sa.Column("broke_glass", sa.Boolean, nullable=False, default=False),
    sa.Column("queued_behind", sa.String(20)),
    sa.Column("locks", sa.Text, nullable=False, default=""),
)

#: What other people decided on an operation: one row a person, written once.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("person_id", sa.String(40), primary_key=True),
    sa.Column("person_name", sa.String(200), nullable=False),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("at", sa.Float, nullable=False),
)

#: One row a target of an operation. `baseline` is the newest event before MAAS was asked: the intent, written first.
operation_targets = sa.Table(
    "operation_targets",
    metadata,
    sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("label", sa.String(120), nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("baseline", sa.Integer),
    sa.Column("asked_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("cause", sa.Text),
    sa.Column("phase", sa.Integer, nullable=False, default=0),
)

#: Words that were taken and not answered yet. Slack sends a command once: what is lost here is lost.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("response_url", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("taken_at", sa.Float, nullable=False),
    sa.Column("replica", sa.String(40), nullable=False, default=""),
)

#: What Slack delivered lately, by a hash: bots that share the database do it once.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

#: What operations need and must not show, encrypted (see operations.sealed).
sealed = sa.Table(
    "sealed",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("box", sa.Text, nullable=False),
    sa.Column("sealed_at", sa.Float, nullable=False),
)

#: Which operation works on which machine (see operations.locks).
locks = sa.Table(
    "locks",
    metadata,
    sa.Column("region", sa.String(80), primary_key=True),
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("operation_id", sa.String(20), nullable=False, index=True),
    sa.Column("taken_at", sa.Float, nullable=False),
)

#: The bots that work on this database, and when each was last heard of, by the database's clock.
replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("place", sa.String(255), nullable=False),
    sa.Column("workflow_version", sa.String(20), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)


#: The audit: what was asked, decided and done, each record chained to the one before. Written by bot.audit alone.
#: `record` is the truth, in canonical JSON; the columns beside it are copies to search by.
audit_records = sa.Table(
    "audit_records",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(27), nullable=False, index=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("person_id", sa.Text, nullable=False, index=True),
    sa.Column("person_name", sa.Text, nullable=False),
    sa.Column("operation_id", sa.Text, nullable=False, index=True),
    sa.Column("subjects", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

#: The end of the chain: appending locks this row, and a chain that was cut short no longer fits it.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)


@event.listens_for(metadata, "after_create")
def _guard_audit(_target: object, connection: sa.Connection, tables: Any = (), **_options: Any) -> None:
    if audit_head in (tables or ()):
        for statement in audit_guards.statements(connection.dialect.name):
            connection.exec_driver_sql(statement)
