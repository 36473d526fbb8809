"""The region itself: does it answer, are its racks connected, do their services run, what does MAAS complain of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source

#: Seconds that a region must be silent before anybody is told: a restart takes some.
_SILENT = 60.0


class HostSource(Source):
    """Compares availability, racks, services and notices with the last look."""

    name = "host"
    what = What.HOST

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Say what broke, and what is well again."""
        snapshot, availability = region.watcher.snapshot, region.watcher.availability
        if availability.up is None:
            return None
        found: list[Happening] = []
        down = availability.up is False
        silent = glance.now - availability.since.timestamp()
        told_down = bool(memory["down"]) if memory is not None else down
        if down and not told_down and silent > _SILENT * glance.scale:
            told_down = True
            problem = availability.error.problem if availability.error is not None else ""
            text = f"{region.name} has given no good answer for {max(1, round(silent / 60))} min. {problem}".strip()
            found.append(_told("region", region.name, text, Mark.FAIL, glance.now, "/maas status"))
        elif not down and told_down:
            told_down = False
            found.append(_told("region", region.name, f"{region.name} answers again.", Mark.OK, glance.now))
        racks, dead, notices = _state(region)
        if snapshot.racks.value is None:
            # Not read yet: what is remembered still holds.
            racks, dead = (dict(memory["racks"]), list(memory["dead"])) if memory is not None else ({}, [])
        if snapshot.notifications.value is None and memory is not None:
            notices = list(memory["notices"])
        fresh: dict[str, Any] = {"down": told_down, "racks": racks, "dead": dead, "notices": notices}
        if memory is None:
            return Looked(fresh)
        found += _racks(memory["racks"], racks, glance.now)
        for service in sorted(set(dead) - set(memory["dead"])):
            found.append(_told(service, service, f"{service} is dead.", Mark.FAIL, glance.now, "/maas status"))
        for service in sorted(set(memory["dead"]) - set(dead)):
            found.append(_told(service, service, f"{service} runs again.", Mark.OK, glance.now))
        for text in [one for one in notices if one not in memory["notices"]]:
            found.append(_told("notice", region.name, f"MAAS: {text}", Mark.WARN, glance.now))
        return Looked(fresh, tuple(found))


def _state(region: RegionService) -> tuple[dict[str, bool], list[str], list[str]]:
    snapshot = region.watcher.snapshot
    found = snapshot.racks.value or ()
    racks = {rack.hostname: rack.connected for rack in found}
    dead = [
        f"{service.name} on {rack.hostname}"
        for rack in found
        if rack.connected
        for service in rack.services
        if service.status == "dead"
    ]
    notices = [
        one.text
        for one in snapshot.notifications.value or ()
        if one.category in {"error", "warning"} and "import" not in one.ident.casefold()
    ]
    return racks, sorted(dead), sorted(notices)


def _racks(before: Mapping[str, bool], now: Mapping[str, bool], at: float) -> list[Happening]:
    found = []
    for name, connected in now.items():
        if before.get(name, connected) and not connected:
            text = f"Rack {name} is not connected any more: its machines can't boot, nor change power."
            found.append(_told(name, name, text, Mark.FAIL, at, "/maas status"))
        elif connected and before.get(name) is False:
            found.append(_told(name, name, f"Rack {name} is connected again.", Mark.OK, at))
    return found


def _told(subject: str, name: str, text: str, mark: Mark, at: float, remedy: str = "") -> Happening:
    return Happening(Sort.TOLD, subject, name, text, mark, remedy, at=at)
