"""All commands, in the sections and the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    approvals,
    audit,
    commission,
    delete,
    help,
    image_sources,
    images,
    machines,
    operations,
    policy,
    power,
    release,
    status,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    return Catalog.from_modules(
        {
            "Region": [status],
            "Machines": [machines, commission, power, release, delete],
            "Images": [images, image_sources],
            "Operations": [operations, approvals, audit],
            "You and the bot": [policy, help],
        }
    )
