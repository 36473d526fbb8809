"""Approvals, the audit, locks, and several bots on one database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot import audit_guards

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    with op.batch_alter_table("operations") as operations:
        for column in (
            sa.Column("replica", sa.String(40)),
            sa.Column("workflow_version", sa.String(20)),
            sa.Column("waits_for", sa.Text, nullable=False, server_default=""),
            sa.Column("link", sa.Text, nullable=False, server_default=""),
            sa.Column("reason", sa.Text, nullable=False, server_default=""),
            sa.Column("needed", sa.Integer, nullable=False, server_default="0"),
            sa.Column("approval_channel", sa.String(40)),
            sa.Column("expires_at", sa.Float),
            sa.Column("reminders", sa.Integer, nullable=False, server_default="0"),
            sa.Column("broke_glass", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("queued_behind", sa.String(20)),
        ):
            operations.add_column(column)
    with op.batch_alter_table("operation_targets") as targets:
        targets.add_column(sa.Column("phase", sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("inbox") as inbox:
        inbox.add_column(sa.Column("replica", sa.String(40), nullable=False, server_default=""))
    op.create_table(
        "decisions",
        sa.Column("operation_id", sa.String(20), sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person_id", sa.String(40), primary_key=True),
        sa.Column("person_name", sa.String(200), nullable=False),
        sa.Column("approved", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "locks",
        sa.Column("region", sa.String(80), primary_key=True),
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("operation_id", sa.String(20), nullable=False, index=True),
        sa.Column("taken_at", sa.Float, nullable=False),
    )
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("workflow_version", sa.String(20), nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    _audit()


def _audit() -> None:
    op.create_table(
        "audit_records",
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
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    connection = op.get_bind()
    for statement in audit_guards.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
