"""Every source of happenings that there is."""

from __future__ import annotations

from bot.watches.failures_source import FailuresSource
from bot.watches.host_source import HostSource
from bot.watches.images_source import ImagesSource
from bot.watches.machines_source import MachinesSource
from bot.watches.services_source import ServicesSource
from bot.watches.sources import Source


def all_sources() -> tuple[Source, ...]:
    """In the order in which they look."""
    return (MachinesSource(), FailuresSource(), ImagesSource(), HostSource(), ServicesSource())
