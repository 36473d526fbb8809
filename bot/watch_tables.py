"""The tables of watches and of failures' logs, beside those of `bot.tables`.

A watch is a channel's wish to hear of something. What is to be told is a notice, written in the same transaction as
the memory of what was seen, so that a restart neither repeats nor skips.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables import metadata

#: Who wants to hear of what, where. `thread_ts`, `person_id` and `until` are those of a guide that ends by itself.
watches = sa.Table(
    "watches",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("team_id", sa.String(40), nullable=False),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("thread_ts", sa.String(40), nullable=False, default=""),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("region", sa.String(80), nullable=False),
    sa.Column("quiet", sa.String(120), nullable=False, default=""),
    sa.Column("person_id", sa.String(40), nullable=False),
    sa.Column("person_name", sa.String(200), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("until", sa.Float),
    sa.UniqueConstraint("channel", "thread_ts", "what", "region", "person_id", name="one_watch_of_a_kind"),
)

#: What a source has seen of a region, as JSON. `version` makes two bots that write it at once notice each other.
watch_memory = sa.Table(
    "watch_memory",
    metadata,
    sa.Column("region", sa.String(80), primary_key=True),
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("memory", sa.Text, nullable=False),
    sa.Column("as_of", sa.Float, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

#: What is to be told in one channel. `message` is the key of the Slack message that it goes into, once that is decided.
notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("watch_id", sa.String(20), sa.ForeignKey("watches.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("region", sa.String(80), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("happening", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("message", sa.String(120), nullable=False, default=""),
    sa.Column("posted_at", sa.Float, index=True),
    sa.Column("settled", sa.Text, nullable=False, default=""),
)

#: How long machines were in a state, learnt by watching: the measure of what is longer than usual.
state_spans = sa.Table(
    "state_spans",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("region", sa.String(80), nullable=False),
    sa.Column("state", sa.String(60), nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, nullable=False, index=True),
    sa.Index("state_spans_of", "region", "state", "ended_at"),
)

#: Everything that is known of one target's failure, for the file in its thread.
failure_logs = sa.Table(
    "failure_logs",
    metadata,
    sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
