"""All commands, in the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    add,
    approvals,
    audit,
    clone,
    commission,
    delete,
    deploy,
    help,
    keeping,
    machines,
    operations,
    placing,
    policy,
    power,
    release,
    rescue,
    status,
    testing,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    families = [
        *(status, machines, add, commission, testing, deploy, power, rescue, keeping, placing, clone, release, delete),
        *(operations, approvals, audit, policy, help),
    ]
    return Catalog.from_modules(families)
