"""All commands, in the sections and the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    approvals,
    audit,
    commission,
    delete,
    guide,
    help,
    machines,
    operations,
    policy,
    power,
    release,
    status,
    watch,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    return Catalog.from_modules(
        {
            "Region": [status],
            "Machines": [machines, commission, power, release, delete, guide],
            "Operations": [operations, approvals, audit],
            "Watches": [watch],
            "You and the bot": [policy, help],
        }
    )
