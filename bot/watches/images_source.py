"""Images: complete, gone, an import that ended half-way or makes no progress, and MAAS's own word on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.image_reader import Images
from bot.maas.models_region import BootResource
from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source

#: Seconds without progress after which an import counts as stalled.
_STALLED = 600.0
_IMPORTER = "import"


class ImagesSource(Source):
    """Compares the snapshot's images. MAAS imports by itself every hour: an import that changes nothing is no news."""

    name = "images"
    what = What.IMAGES

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Compare the images with those of the last look."""
        section = region.watcher.snapshot.images
        if section.value is None or section.error is not None:
            return None
        images = section.value
        now = {_name(one): _state(one) for one in images.resources}
        percent = sum(one.newest.percent for one in images.resources if one.newest is not None)
        notices = {
            one.text
            for one in region.watcher.snapshot.notifications.value or ()
            if _IMPORTER in one.ident.casefold() and one.category in {"error", "warning"}
        }
        fresh: dict[str, Any] = {
            "images": now,
            "importing": images.importing,
            "percent": percent,
            "moved_at": glance.now,
            "stalled": False,
            "notices": sorted(notices),
        }
        if memory is None:
            return Looked(fresh)
        found = _changes(memory, now, images, glance.now)
        found += [_told("importer", text, Mark.FAIL, glance.now) for text in sorted(notices - set(memory["notices"]))]
        if images.importing == memory["importing"] and percent == memory["percent"]:
            # Nothing moved: the memory stays as it is, so that it need not be written again.
            fresh |= {"moved_at": memory["moved_at"], "stalled": memory["stalled"]}
        still = glance.now - fresh["moved_at"]
        if images.importing and still > _STALLED * glance.scale and not fresh["stalled"]:
            fresh["stalled"] = True
            text = f"The import has made no progress for {max(1, round(still / 60))} min."
            found.append(_told("import", text, Mark.WARN, glance.now, "/maas images"))
        return Looked(fresh, tuple(found))


def _changes(memory: Mapping[str, Any], now: Mapping[str, list[Any]], images: Images, at: float) -> list[Happening]:
    before: Mapping[str, list[Any]] = memory["images"]
    found: list[Happening] = []
    complete = [
        name
        for name, (done, version) in now.items()
        if done and (name not in before or before[name] != [True, version])
    ]
    if complete:
        found.append(_told("images", f"Complete: {', '.join(sorted(complete))}.", Mark.OK, at))
    gone = sorted(before.keys() - now.keys())
    if gone:
        found.append(_told("images", f"No longer in MAAS: {', '.join(gone)}.", Mark.WARN, at, "/maas images"))
    if memory["importing"] and not images.importing:
        half = [f"{_name(one)} ({one.newest.percent if one.newest else 0:.0f} %)" for one in images.resources
                if not one.complete and one.newest is not None]  # fmt: skip
        if half:
            text = f"The import ended, and these are not complete: {', '.join(half)}."
            found.append(_told("import", text, Mark.FAIL, at, "/maas images"))
    return found


def _told(subject: str, text: str, mark: Mark, at: float, remedy: str = "") -> Happening:
    return Happening(Sort.TOLD, subject, "Images", text, mark, remedy, at=at)


def _name(one: BootResource) -> str:
    return f"{one.name} {one.architecture}"


def _state(one: BootResource) -> list[Any]:
    versions = [version for version, found in one.sets.items() if found.complete]
    return [one.complete, max(versions, default="")]
