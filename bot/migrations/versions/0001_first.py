"""The tables of the first version: messages, operations, their targets, and words not answered yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "slack_messages",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("thread_ts", sa.String(40)),
        sa.Column("ts", sa.String(40)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("pending", sa.Text),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    op.create_table(
        "operations",
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
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("confirmed_at", sa.Float),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("cancelled_by", sa.String(40)),
    )
    op.create_table(
        "operation_targets",
        sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("baseline", sa.Integer),
        sa.Column("asked_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("cause", sa.Text),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("response_url", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("taken_at", sa.Float, nullable=False),
    )
