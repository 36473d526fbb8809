"""All commands, in the order in which help shows them."""

from __future__ import annotations

from bot.command.declaration import Catalog
from commands import commission, help, machines, operations, status


def build_catalog() -> Catalog:
    """Collect every declared command."""
    return Catalog.from_modules([status, machines, commission, operations, help])
