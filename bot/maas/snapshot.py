"""What a region says of itself besides its machines: version, controllers, images, network, notices.

Each section has its own age and error: one call that fails does not blank the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.maas.errors import MaasError
from bot.maas.image_reader import ImageReader, Images
from bot.maas.models import Version
from bot.maas.models_region import Notification, RackController, RegionController, Vlan
from bot.maas.region import Region

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """One part of the snapshot: the last value that came, since when, and why there is no newer one."""

    value: T | None = None
    at: datetime | None = None
    error: MaasError | None = None

    @property
    def age(self) -> float | None:
        """Seconds since the value came; None when none ever did."""
        return None if self.at is None else (datetime.now(UTC) - self.at).total_seconds()


@dataclass(frozen=True, slots=True)
class RegionSnapshot:
    """All sections as they were read last."""

    version: Section[Version] = field(default_factory=Section)
    racks: Section[tuple[RackController, ...]] = field(default_factory=Section)
    region_controllers: Section[tuple[RegionController, ...]] = field(default_factory=Section)
    images: Section[Images] = field(default_factory=Section)
    vlans: Section[tuple[Vlan, ...]] = field(default_factory=Section)
    notifications: Section[tuple[Notification, ...]] = field(default_factory=Section)


class SnapshotReader:
    """Reads the sections of one region, one after the other: a look costs about ten short calls."""

    def __init__(self, region: Region, images: ImageReader, fresh: float = 2.0) -> None:
        """`fresh`: images that somebody else read at most so many seconds ago are not read again."""
        self._region = region
        self._images = images
        self._fresh = fresh
        self.snapshot = RegionSnapshot()

    async def read(self) -> RegionSnapshot:
        """Read every section anew; a section that can't be read keeps its value and gets the error."""
        sections: dict[str, Callable[[], Awaitable[Any]]] = {
            "version": self._region.version,
            "racks": self._region.racks,
            "region_controllers": self._region.region_controllers,
            "images": lambda: self._images.read(self._fresh),
            "vlans": self._region.vlans,
            "notifications": self._region.notifications,
        }
        for name, read in sections.items():
            old: Section[Any] = getattr(self.snapshot, name)
            try:
                value = await read()
            except MaasError as error:
                section = replace(old, error=error)
            else:
                section = Section(tuple(value) if isinstance(value, list) else value, datetime.now(UTC))
            self.snapshot = replace(self.snapshot, **{name: section})
            await asyncio.sleep(0)
        return self.snapshot
