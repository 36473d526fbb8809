"""What a plan in steps locks, beside its targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; operations of before have none."""
    with op.batch_alter_table("operations") as operations:
        operations.add_column(sa.Column("locks", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("operations") as operations:
        operations.drop_column("locks")
