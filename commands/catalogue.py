"""All commands, in the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    approvals,
    audit,
    commission,
    config,
    delete,
    dhcp,
    help,
    machines,
    network,
    notifications,
    operations,
    policy,
    power,
    records,
    release,
    sshkeys,
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
        config,
        sshkeys,
        notifications,
        operations,
        approvals,
        audit,
        policy,
        help,
    ]
    return Catalog.from_modules(families)
