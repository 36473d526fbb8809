"""What a region says of itself besides its machines: version, controllers, images, network, notices.

Each section has its own age and error: one call that fails does not blank the others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.maas.errors import MaasError
from bot.maas.models import Version
from bot.maas.models_region import BootResource, Notification, RackController, RegionController, Vlan
from bot.maas.region import Region

T = TypeVar("T")

#: A complete image is looked at again after this time (seconds); an incomplete one each time.
_IMAGE_REST = 600.0
#: Images read in one round. The rest waits for the next.
_IMAGES_A_ROUND = 25


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
class Images:
    """The images with their sets, and whether an import runs."""

    resources: tuple[BootResource, ...] = ()
    importing: bool = False


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

    def __init__(self, region: Region) -> None:
        self._region = region
        self._images: dict[int, tuple[float, BootResource]] = {}
        self.snapshot = RegionSnapshot()

    async def read(self) -> RegionSnapshot:
        """Read every section anew; a section that can't be read keeps its value and gets the error."""
        sections: dict[str, Callable[[], Awaitable[Any]]] = {
            "version": self._region.version,
            "racks": self._region.racks,
            "region_controllers": self._region.region_controllers,
            "images": self._read_images,
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

    async def _read_images(self) -> Images:
        importing = await self._region.is_importing()
        listed = await self._region.boot_resources()
        self._images = {one.id: self._images[one.id] for one in listed if one.id in self._images}
        room = _IMAGES_A_ROUND
        resources: list[BootResource] = []
        for one in listed:
            read_at, known = self._images.get(one.id, (float("-inf"), None))
            if room and (known is None or not known.complete or time.monotonic() - read_at > _IMAGE_REST):
                room -= 1
                known = await self._read_image(one)
            resources.append(known or one)
        return Images(tuple(resources), importing)

    async def _read_image(self, listed: BootResource) -> BootResource:
        try:
            resource = await self._region.boot_resource(listed.id)
        except MaasError as error:
            # An import may remove it between the list and this call.
            if error.status in {404, 500}:
                return listed
            raise
        self._images[listed.id] = (time.monotonic(), resource)
        return resource
