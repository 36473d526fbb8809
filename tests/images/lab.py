"""A region with the watchers that the bot puts around it, without Slack: what the doctor and the readiness look at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.maas import models_region
from bot.maas.diagnoses import Diagnoses
from bot.maas.errors import MaasError
from bot.maas.fleet import FleetView
from bot.maas.image_reader import Images
from bot.maas.import_watcher import ImportPace, ImportWatcher
from bot.maas.mirror import Look, MirrorFindings
from bot.maas.models_region import BootResource
from bot.maas.region import Region
from bot.maas.service import RegionService
from bot.maas.transport import Transport
from bot.maas.watcher import RegionWatcher, WatchSettings
from bot.operations.image_cases import Case, Finding
from bot.operations.image_doctor import diagnose
from bot.operations.image_evidence import gather
from sandbox.maas import RegionStandIn
from sandbox.maas.images import BootResource as StandInResource

RECORDINGS = Path(__file__).parents[1] / "contract" / "recordings" / "2.9"
BOTH = ["2.9.3", "3.4.10"]
#: The stand-in's seconds are a fortieth; nothing arriving for this long is a stall there.
PACE = ImportPace(busy=0.05, idle=0.02, stalled_after=1.5)
GOOD = MirrorFindings(
    dns=Look(True, "resolves"), tcp=Look(True, "answers"), index=Look(True, "200"), clock_off=0.0, free=10**12
)


@dataclass
class Host:
    """A way to the region's host that sees what it is told."""

    findings: MirrorFindings = GOOD
    error: MaasError | None = None

    async def look_at_mirror(self, url: str, keyring_filename: str) -> MirrorFindings:
        assert url
        if self.error is not None:
            raise self.error
        return self.findings


@dataclass
class Lab:
    """The region, and how the bot sees it."""

    region: RegionStandIn
    service: RegionService
    #: What a test opened besides.
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def select(self, release: str) -> None:
        """Somebody selects a release in MAAS's own pages."""
        images = self.region.world.images
        images.select(images.sources[0], release)

    def forget(self, release: str) -> None:
        """An image is gone although it is selected."""
        images = self.region.world.images
        for one in images.of(release, "amd64"):
            del images.resources[one.id]

    def resources(self, release: str) -> list[StandInResource]:
        return self.region.world.images.of(release, "amd64")

    async def begin(self) -> None:
        """An import begins, and has begun to load something."""
        await self.service.api.start_import()
        await self.service.imports.look()
        await until(lambda: self.service.imports.state.done, "something to arrive")

    async def idle(self) -> None:
        """The import ends, and the watcher has seen it."""
        await until(lambda: not self.region.world.images.importing, "the import to end")
        await self.service.imports.look()

    async def imported(self) -> None:
        """An import is ordered, seen to run, and ends."""
        await self.service.api.start_import()
        await self.service.imports.look()
        await self.idle()

    def with_host(self, host: Host) -> Lab:
        return Lab(self.region, replace(self.service, mirror=host))

    async def findings(self) -> list[Finding]:
        return diagnose(await gather(self.service))

    async def finding(self, case: Case) -> Finding:
        """The finding of that case; fails with what was found instead."""
        found = await self.findings()
        assert case in [one.case for one in found], [(one.case, one.title) for one in found]
        return next(one for one in found if one.case is case)


@asynccontextmanager
async def lab(version: str = "2.9.3", *, speed: float = 40.0, pace: ImportPace = PACE) -> AsyncIterator[Lab]:
    region = RegionStandIn(version=version, machines=6, seed=3, speed=speed)
    await region.start()
    transport = Transport(region.url, SecretStr(region.api_key))
    api = Region(transport)
    fleet = FleetView(api.url)
    watcher = RegionWatcher(api, fleet, WatchSettings(events_every=0.1, snapshot_every=0.1))
    imports = ImportWatcher(api, watcher, pace)
    made = Lab(region, RegionService("default", region.url, api, fleet, watcher, Diagnoses(api, fleet), imports))
    try:
        await watcher.start()
        await imports.start()
        await watcher.wait_for_snapshot(10)
        await imports.look()
        yield made
    finally:
        for close in made.closing:
            await close()
        await imports.stop()
        await watcher.stop()
        await transport.close()
        await region.stop()


async def until(condition: Callable[[], Any], what: str, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


def recorded(prefix: str, *, importing: bool) -> Images:
    """The images as a real region showed them at one moment of a recording."""
    resources: list[BootResource] = []
    for line in (RECORDINGS / "boot-resources.jsonl").read_text("utf-8").splitlines():
        exchange = json.loads(line)
        if exchange["name"].startswith(f"{prefix}_read_"):
            resources.append(models_region.BOOT_RESOURCE.validate_json(exchange["answer"]))
    assert resources, prefix
    return Images(tuple(resources), importing)
