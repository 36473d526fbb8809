"""Watches, what they are to tell, and the logs of failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "watches",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("team_id", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("thread_ts", sa.String(40), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("region", sa.String(80), nullable=False),
        sa.Column("quiet", sa.String(120), nullable=False),
        sa.Column("person_id", sa.String(40), nullable=False),
        sa.Column("person_name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("until", sa.Float),
        sa.UniqueConstraint("channel", "thread_ts", "what", "region", "person_id", name="one_watch_of_a_kind"),
    )
    op.create_table(
        "watch_memory",
        sa.Column("region", sa.String(80), primary_key=True),
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("memory", sa.Text, nullable=False),
        sa.Column("as_of", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("watch_id", sa.String(20), sa.ForeignKey("watches.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("region", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("happening", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("message", sa.String(120), nullable=False),
        sa.Column("posted_at", sa.Float),
        sa.Column("settled", sa.Text, nullable=False),
    )
    op.create_index("ix_notices_watch_id", "notices", ["watch_id"])
    op.create_index("ix_notices_posted_at", "notices", ["posted_at"])
    op.create_table(
        "state_spans",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("region", sa.String(80), nullable=False),
        sa.Column("state", sa.String(60), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
    )
    op.create_index("ix_state_spans_ended_at", "state_spans", ["ended_at"])
    op.create_index("state_spans_of", "state_spans", ["region", "state", "ended_at"])
    op.create_table(
        "failure_logs",
        sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
