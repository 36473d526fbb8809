"""Images: complete, gone, an import that ended without all of them or has stalled, and MAAS's own word on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.import_state import ImportState, Phase
from bot.maas.models_region import BootResource
from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source

_IMPORTER = "import"
_DOCTOR = "/maas images doctor"


class ImagesSource(Source):
    """Compares the snapshot's images, and the import that is followed anyway, with the last look.

    MAAS imports by itself every hour: an import that changes nothing is no news.
    """

    name = "images"
    what = What.IMAGES

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Compare the images with those of the last look."""
        section = region.watcher.snapshot.images
        state = region.imports.state
        if section.value is None or section.error is not None or state.phase is Phase.UNKNOWN:
            return None
        now = {_name(one): _state(one) for one in section.value.resources}
        notices = {
            one.text
            for one in region.watcher.snapshot.notifications.value or ()
            if _IMPORTER in one.ident.casefold() and one.category in {"error", "warning"}
        }
        lacking = _lacking(state) if state.last is not None else list(memory["lacking"]) if memory is not None else []
        fresh: dict[str, Any] = {
            "images": now,
            "stalled": state.phase is Phase.STALLED,
            "lacking": lacking,
            "notices": sorted(notices),
        }
        if memory is None:
            return Looked(fresh)
        found = _changes(memory["images"], now, glance.now)
        found += [_told("importer", text, Mark.FAIL, glance.now) for text in sorted(notices - set(memory["notices"]))]
        if lacking and lacking != memory["lacking"]:
            text = f"The import ended, and not all is there: {', '.join(lacking)}."
            found.append(_told("import", text, Mark.FAIL, glance.now, _DOCTOR))
        if fresh["stalled"] and not memory["stalled"]:
            minutes = max(1, round(state.unchanged_for / 60))
            text = f"The import has stalled at {state.percent:.0f} %: nothing has arrived for {minutes} min."
            found.append(_told("import", text, Mark.FAIL, glance.now, _DOCTOR))
        elif memory["stalled"] and state.phase in {Phase.RUNNING, Phase.SLOW}:
            found.append(_told("import", "The import goes on.", Mark.OK, glance.now, "/maas images"))
        return Looked(fresh, tuple(found))


def _lacking(state: ImportState) -> list[str]:
    """What the import that ended last did not bring."""
    if state.last is None:
        return []
    names = {*state.last.vanished, *state.last.half, *(state.last.missing or ())}
    return sorted(str(name) for name in names)


def _changes(before: Mapping[str, list[Any]], now: Mapping[str, list[Any]], at: float) -> list[Happening]:
    found: list[Happening] = []
    complete = [name for name, (done, version) in now.items() if done and before.get(name) != [True, version]]
    if complete:
        found.append(_told("images", f"Complete: {', '.join(sorted(complete))}.", Mark.OK, at))
    gone = sorted(before.keys() - now.keys())
    if gone:
        found.append(_told("images", f"No longer in MAAS: {', '.join(gone)}.", Mark.WARN, at, _DOCTOR))
    return found


def _told(subject: str, text: str, mark: Mark, at: float, remedy: str = "") -> Happening:
    return Happening(Sort.TOLD, subject, "Images", text, mark, remedy, at=at)


def _name(one: BootResource) -> str:
    return f"{one.name} {one.architecture}"


def _state(one: BootResource) -> list[Any]:
    versions = [version for version, found in one.sets.items() if found.complete]
    return [one.complete, max(versions, default="")]
