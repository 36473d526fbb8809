"""All commands, in the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    approvals,
    audit,
    commission,
    delete,
    dhcp,
    help,
    machines,
    network,
    operations,
    policy,
    power,
    records,
    release,
    status,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    families = [
        status,
        machines,
        commission,
        power,
        release,
        delete,
        network,
        dhcp,
        records,
        operations,
        approvals,
        audit,
        policy,
        help,
    ]
    return Catalog.from_modules(families)
