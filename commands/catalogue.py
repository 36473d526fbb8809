"""All commands, in the sections and the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import (
    add,
    admin,
    approvals,
    audit,
    backups,
    clone,
    commission,
    config,
    database,
    delete,
    deploy,
    dhcp,
    guide,
    help,
    host,
    image_sources,
    image_upload,
    images,
    install,
    keeping,
    logs,
    machines,
    network,
    notifications,
    operations,
    placing,
    policy,
    power,
    record_changes,
    records,
    release,
    report,
    rescue,
    setup,
    sshkeys,
    status,
    testing,
    watch,
)


def build_catalog() -> Catalog:
    """Collect every declared command."""
    return Catalog.from_modules(
        {
            "Region": [status, report, setup],
            "Machines": [
                *(machines, add, commission, testing, deploy, release, delete),
                *(power, rescue, keeping, placing, clone, guide),
            ],
            "Images": [images, image_upload, image_sources],
            "Network": [network, dhcp, records, record_changes],
            "Settings": [config, sshkeys, notifications],
            "The MAAS host": [host, install, backups, admin, database, logs],
            "Operations": [operations, approvals, audit],
            "Watches": [watch],
            "You and the bot": [policy, help],
        }
    )
