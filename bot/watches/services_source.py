"""What runs on the MAAS host, asked over SSH: it tells why a region does not answer when the region itself can't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.host.facts import QueryName, Services
from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, What
from bot.watches.sources import Glance, Source

_DATABASE = "the database"


class ServicesSource(Source):
    """Remembers which services should run and do not. Says nothing of hosts that are not set up."""

    name = "services"
    what = What.HOST
    every = 60.0

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Ask the host; one that can't be asked is asked again, and remembered as it was."""
        if region.host is None:
            return None
        seen = await region.host.helper.query(QueryName.SERVICES, Services)
        if not seen.initialised or seen.fault:
            return None
        missing = {one.name: one.state for one in seen.services if one.expected and not one.running}
        if seen.database_running is False:
            missing[_DATABASE] = "stopped"
        fresh: dict[str, Any] = {"missing": missing}
        if memory is None:
            return Looked(fresh)
        where, before = region.host.name, memory["missing"]
        found = [
            _told(name, f"On {where} {name} should run and is {missing[name]}.", Mark.FAIL, glance.now, _log(name))
            for name in sorted(missing.keys() - before.keys())
        ]
        found += [
            _told(name, f"On {where} {name} runs again.", Mark.OK, glance.now)
            for name in sorted(before.keys() - missing.keys())
        ]
        return Looked(fresh, tuple(found))


def _log(name: str) -> str:
    known = {_DATABASE: "postgresql", "regiond": "regiond", "rackd": "rackd", "proxy": "proxy", "dhcpd": "dhcpd"}
    return f"/maas logs {known.get(name, 'maas')}"


def _told(name: str, text: str, mark: Mark, at: float, remedy: str = "") -> Happening:
    return Happening(Sort.TOLD, name, name, text, mark, remedy, at=at)
