"""The fleet view between two runs: one JSON file in the state directory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.maas.files import read_bytes, write_json
from bot.maas.models import Machine

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SavedFleet:
    """What is kept. Times are seconds since 1970."""

    region_url: str
    machines: tuple[Machine, ...]
    filled_at: float | None
    checked_at: float | None
    last_event_id: int | None
    format: int = _FORMAT


_SAVED = TypeAdapter(SavedFleet)


class FleetFile:
    """The file of one region's view; without a path nothing is kept."""

    def __init__(self, path: Path | None, region_url: str) -> None:
        self._path = path
        self._region_url = region_url
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[bool] | None = None

    async def load(self) -> SavedFleet | None:
        """What the last run left; None when there is nothing, or nothing of this region that can be read."""
        data = await read_bytes(self._path) if self._path else None
        if data is None:
            return None
        try:
            saved = await asyncio.to_thread(_SAVED.validate_json, data)
        except ValidationError:
            structlog.get_logger(__name__).warning("fleet_file_unreadable")
            return None
        return saved if (saved.format, saved.region_url) == (_FORMAT, self._region_url) else None

    async def save(self, saved: SavedFleet) -> bool:
        """Replace the file; False when the disk refuses."""
        if self._path is None:
            return True
        # A thread that writes can't be cancelled: who comes next waits for it, so that the newest is
        # written last.
        self._writing = asyncio.ensure_future(self._write(self._path, saved))
        return await asyncio.shield(self._writing)

    async def _write(self, path: Path, saved: SavedFleet) -> bool:
        async with self._turn:
            return await write_json(path, await asyncio.to_thread(_SAVED.dump_json, saved))
