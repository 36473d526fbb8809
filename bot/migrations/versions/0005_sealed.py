"""Secrets of operations, encrypted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "sealed",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("box", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("sealed")
