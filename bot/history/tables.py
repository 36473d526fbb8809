"""The table of the fleet's states over time, beside those of `bot.tables`."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables import metadata

#: How many machines of a region were in which state at a moment: `counts` is JSON by MAAS's name of the state. `at` is
#: in seconds since 1970, on whole intervals, so that several bots write one row for a moment.
fleet_states = sa.Table(
    "fleet_states",
    metadata,
    sa.Column("region", sa.String(80), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("counts", sa.Text, nullable=False),
)
