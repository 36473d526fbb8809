"""All commands, in the sections and the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    admin,
    approvals,
    audit,
    backups,
    commission,
    config,
    database,
    delete,
    dhcp,
    guide,
    help,
    host,
    image_sources,
    image_upload,
    images,
    install,
    logs,
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
    watch,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    return Catalog.from_modules(
        {
            "Region": [status],
            "Machines": [machines, commission, power, release, delete, guide],
            "Images": [images, image_upload, image_sources],
            "Network": [network, dhcp, records],
            "Settings": [config, sshkeys, notifications],
            "The MAAS host": [host, install, backups, admin, database, logs],
            "Operations": [operations, approvals, audit],
            "Watches": [watch],
            "You and the bot": [policy, help],
        }
    )
