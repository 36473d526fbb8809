"""What there is to see when images do not arrive: gathered once, from the region, and from its host where it can be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bot.maas.errors import Forbidden, MaasError
from bot.maas.image_defaults import DEFAULT_URL, Packaging, packaging_of, restart_commands
from bot.maas.images import Image, ImageName, Wanted, found, images_of, is_half, missing, wanted_of
from bot.maas.import_state import ImportState
from bot.maas.mirror import MirrorFindings
from bot.maas.models import Event
from bot.maas.models_images import BootSource, RackImages, Selection
from bot.maas.service import RegionService

#: The ident of the notice that MAAS's importer leaves.
NOTICE = "Image importer"
_EVENTS = 200
_IMPORT_EVENT = "Region import"


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A source with what is selected of it, and what the host sees of its mirror."""

    source: BootSource
    selections: tuple[Selection, ...] = ()
    host: MirrorFindings | None = None


@dataclass(frozen=True, slots=True)
class RackSeen:
    """A connected rack controller, and what it has of the images; None when it does not say."""

    name: str
    images: RackImages | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a diagnosis rests on.

    Attributes:
        state: the import as the watcher sees it.
        images: the images.
        sources: the sources; None when the API key may not read them.
        notices: what MAAS's importer complains of, in its own words.
        log: MAAS's own lines about imports, newest first.
        racks: the rack controllers that are connected.
        commissioning: the release that machines boot to be commissioned; "" unknown.
        now: seconds since the epoch.
        restart: what restarts the region, to be typed on its host.
        packaging: how MAAS was installed; None when nothing tells.
        host_trouble: why the host could not be asked, although there is a way to it.
        looked_from_host: whether the host was asked.
    """

    state: ImportState
    images: tuple[Image, ...]
    sources: tuple[SourceSeen, ...] | None
    notices: tuple[str, ...] = ()
    log: tuple[Event, ...] = ()
    racks: tuple[RackSeen, ...] = ()
    commissioning: str = ""
    now: float = 0.0
    restart: tuple[str, ...] = ()
    packaging: Packaging | None = None
    host_trouble: str = ""
    looked_from_host: bool = False

    @property
    def selections(self) -> tuple[Selection, ...]:
        return tuple(one for seen in self.sources or () for one in seen.selections)

    @property
    def wanted(self) -> list[Wanted]:
        return wanted_of(self.selections)

    @property
    def missing(self) -> list[ImageName]:
        """What is wanted and not complete."""
        return missing(self.wanted, self.images)

    @property
    def doomed(self) -> list[ImageName]:
        """What is there and no longer selected: the next import deletes it. Nothing where that can't be known."""
        if self.sources is None:
            return []
        chosen = [one.name for one in self.wanted]
        return [one.name for one in self.images if not one.uploaded and not any(found(name, [one]) for name in chosen)]

    @property
    def half(self) -> list[Image]:
        """Images from a mirror of which the newest version is not complete."""
        return [one for one in self.images if not one.uploaded and any(is_half(part) for part in one.resources)]


async def gather(region: RegionService, *, from_host: bool = True) -> Evidence:
    """Look at everything now. Costs about ten short calls, and some seconds where the host is asked.

    Raises:
        MaasError: the region can't be asked for what a diagnosis can't do without.
    """
    state = await region.imports.look()
    sources, host_trouble = await _sources(region), ""
    looked = from_host and region.mirror is not None and sources is not None
    if looked:
        sources, host_trouble = await _from_host(region, sources or ())
    notices, log, racks, commissioning = await asyncio.gather(
        index_notices(region), _log(region), _racks(region), _commissioning(region)
    )
    version = region.watcher.snapshot.version.value
    packaging = await _packaging(region, sources or (), asked=looked and not host_trouble)
    return Evidence(
        state=state,
        images=tuple(images_of(state.images.resources)),
        sources=sources,
        notices=notices,
        log=log,
        racks=racks,
        commissioning=commissioning,
        now=time.time(),
        packaging=packaging,
        restart=tuple(restart_commands(version.version if version is not None else "", packaging)),
        host_trouble=host_trouble,
        looked_from_host=looked and not host_trouble,
    )


async def _sources(region: RegionService) -> tuple[SourceSeen, ...] | None:
    try:
        sources = await region.api.boot_sources()
        return tuple([SourceSeen(one, tuple(await region.api.selections(one.id))) for one in sources])
    except Forbidden:
        return None


async def _from_host(region: RegionService, sources: tuple[SourceSeen, ...]) -> tuple[tuple[SourceSeen, ...], str]:
    assert region.mirror is not None
    seen = []
    try:
        for one in sources:
            look = await region.mirror.look_at_mirror(one.source.url, one.source.keyring_filename)
            seen.append(SourceSeen(one.source, one.selections, look))
    except MaasError as error:
        return sources, error.problem.rstrip(".")
    return tuple(seen), ""


async def _packaging(region: RegionService, sources: tuple[SourceSeen, ...], *, asked: bool) -> Packaging | None:
    """How MAAS was installed, as its host says, or else the keyrings. Without a source no look has told it yet."""
    told = [one.host.packaging for one in sources if one.host is not None and one.host.packaging is not None]
    if not told and asked and not sources and region.mirror is not None:
        try:
            look = await region.mirror.look_at_mirror(DEFAULT_URL, "")
        except MaasError:
            return None
        return look.packaging
    return told[0] if told else packaging_of([one.source.keyring_filename for one in sources])


async def index_notices(region: RegionService) -> tuple[str, ...]:
    """What MAAS's importer complains of, which is always the mirror's index; () also when MAAS does not say."""
    try:
        return tuple(one.text for one in await region.api.notifications() if one.ident == NOTICE)
    except MaasError:
        return ()


async def _log(region: RegionService) -> tuple[Event, ...]:
    controllers = region.watcher.snapshot.region_controllers.value or ()
    if not controllers:
        return ()
    try:
        events = await region.api.events(id=[one.system_id for one in controllers], level="DEBUG", limit=_EVENTS)
    except MaasError:
        return ()
    return tuple(one for one in events if one.type.startswith(_IMPORT_EVENT))


async def _racks(region: RegionService) -> tuple[RackSeen, ...]:
    connected = [one for one in region.watcher.snapshot.racks.value or () if one.connected]

    async def one_rack(system_id: str) -> RackImages | None:
        try:
            return await region.api.rack_images(system_id)
        except MaasError:
            return None

    answers = await asyncio.gather(*(one_rack(one.system_id) for one in connected))
    return tuple(RackSeen(one.hostname, answer) for one, answer in zip(connected, answers, strict=True))


async def _commissioning(region: RegionService) -> str:
    try:
        return str(await region.api.get_config("commissioning_distro_series") or "")
    except MaasError:
        return ""
