"""Images: complete, gone, an import that ended half-way or makes no progress, and MAAS's own word on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.import_state import LastImport, Phase
from bot.maas.models_region import BootResource
from bot.maas.service import RegionService
from bot.message import Mark
from bot.operations.image_words import listing, progress
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source

_IMPORTER = "import"
_DOCTOR = "/maas images doctor"


class ImagesSource(Source):
    """Compares the images with those of the last look, and says what the watcher of the import saw of its end.

    MAAS imports by itself every hour: an import that changes nothing is no news.
    """

    name = "images"
    what = What.IMAGES

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Compare the images with those of the last look."""
        section = region.watcher.snapshot.images
        if section.value is None or section.error is not None:
            return None
        state = region.imports.state
        now = {_name(one): _state(one) for one in section.value.resources}
        notices = {
            one.text
            for one in region.watcher.snapshot.notifications.value or ()
            if _IMPORTER in one.ident.casefold() and one.category in {"error", "warning"}
        }
        fresh: dict[str, Any] = {
            "images": now,
            "stalled": state.phase is Phase.STALLED,
            "ended": state.last.ended if state.last is not None else 0.0,
            "notices": sorted(notices),
        }
        if memory is None:
            return Looked(fresh)
        fresh["ended"] = fresh["ended"] or memory.get("ended", 0.0)
        found = _changes(memory["images"], now, glance.now)
        found += [_told("importer", text, Mark.FAIL, glance.now) for text in sorted(notices - set(memory["notices"]))]
        if fresh["stalled"] and not memory["stalled"]:
            found.append(_told("import", f"The import {progress(state)}.", Mark.FAIL, glance.now, _DOCTOR))
        if state.last is not None and state.last.ended > memory.get("ended", 0.0):
            lacking = _lacking(state.last)
            if lacking:
                text = f"The import ended, and {lacking}."
                found.append(_told("import", text, Mark.FAIL, glance.now, _DOCTOR))
        return Looked(fresh, tuple(found))


def _lacking(last: LastImport) -> str:
    """What an import did not bring, as a clause; "" when it brought everything."""
    if last.half:
        return f"{listing(last.half)} {'is' if len(last.half) == 1 else 'are'} half there"
    if last.missing:
        return f"{listing(last.missing)} {'is' if len(last.missing) == 1 else 'are'} not there"
    return ""


def _changes(before: Mapping[str, list[Any]], now: Mapping[str, list[Any]], at: float) -> list[Happening]:
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
    return found


def _told(subject: str, text: str, mark: Mark, at: float, remedy: str = "") -> Happening:
    return Happening(Sort.TOLD, subject, "Images", text, mark, remedy, at=at)


def _name(one: BootResource) -> str:
    return f"{one.name} {one.architecture}"


def _state(one: BootResource) -> list[Any]:
    versions = [version for version, found in one.sets.items() if found.complete]
    return [one.complete, max(versions, default="")]
