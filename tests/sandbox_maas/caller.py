"""A plain client for the stand-in's own tests."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.maas import RegionStandIn
from tests.contract.client import sign


@dataclass(frozen=True)
class Reply:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    def __init__(self, region: RegionStandIn, session: aiohttp.ClientSession) -> None:
        self.region = region
        self.session = session

    async def __call__(
        self, method: str, path: str, data: Any = None, *, key: str = "", header: str | None = None
    ) -> Reply:
        signed = header if header is not None else sign(key or self.region.api_key)
        headers = {"Authorization": signed, "Accept": "application/json"}
        url = f"{self.region.url}/api/2.0/{path}"
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            return Reply(answer.status, await answer.text(), dict(answer.headers))

    async def until(self, name: str, *statuses: str, seconds: float = 8.0) -> dict[str, Any]:
        """Reads the machine until it has one of the statuses."""
        system_id = self.region.world.machine(name).system_id
        end = time.monotonic() + seconds
        while True:
            shown = (await self("GET", f"machines/{system_id}/")).json
            if shown["status_name"] in statuses:
                return dict(shown)
            assert time.monotonic() < end, f"{name} is {shown['status_name']}, not {statuses}"
            await asyncio.sleep(0.02)

    async def events(self, name: str, level: str = "DEBUG") -> list[tuple[str, str]]:
        """(type, description) of the machine's events, oldest first."""
        system_id = self.region.world.machine(name).system_id
        found = (await self("GET", f"events/?op=query&id={system_id}&level={level}&limit=1000")).json
        return [(e["type"], e["description"]) for e in reversed(found["events"])]
