"""Reads the images of a region for everybody: what is complete rarely, what grows each time, never twice at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bot.maas.models_region import BootResource
from bot.maas.region import Region

#: A complete image is looked at again after this time (seconds), when no import runs that may bring a newer version.
_REST = 600.0
#: Images read in one round. The rest waits for the next.
_A_ROUND = 100


@dataclass(frozen=True, slots=True)
class Images:
    """The images with their sets, and whether an import runs."""

    resources: tuple[BootResource, ...] = ()
    importing: bool = False


class ImageReader:
    """A round costs two short calls, and one for each image that is not complete."""

    def __init__(self, region: Region, rest_in_import: float = 30.0) -> None:
        """`rest_in_import`: seconds after which a complete image is looked at again while an import runs."""
        self._rest_in_import = rest_in_import
        self._region = region
        self._known: dict[int, tuple[float, BootResource]] = {}
        self._latest: tuple[float, Images] | None = None
        self._reading = asyncio.Lock()

    async def read(self, max_age: float = 0.0) -> Images:
        """The images as they are now, or as they were at most `max_age` seconds ago. Raises MaasError."""
        began = time.monotonic()
        async with self._reading:
            if self._latest is not None and self._latest[0] >= began - max_age:
                return self._latest[1]
            at = time.monotonic()
            images = await self._read()
            self._latest = (at, images)
            return images

    async def _read(self) -> Images:
        importing = await self._region.is_importing()
        listed = await self._region.boot_resources()
        self._known = {one.id: self._known[one.id] for one in listed if one.id in self._known}
        rest = self._rest_in_import if importing else _REST
        room = _A_ROUND
        resources: list[BootResource] = []
        for one in listed:
            read_at, known = self._known.get(one.id, (float("-inf"), None))
            grows = known is None or known.newest is None or not known.newest.complete
            if room and (grows or time.monotonic() - read_at > rest):
                room -= 1
                known = await self._region.boot_resource_if_there(one.id)
                if known is None:
                    continue  # an import removed it between the list and this call
                self._known[one.id] = (time.monotonic(), known)
            resources.append(known or one)
        return Images(tuple(resources), importing)
