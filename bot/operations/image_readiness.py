"""Whether the images that machines need are there: asked before a machine is booted, and waited for on request.

Machines that boot without their image hang in PXE, or MAAS refuses with words that name nothing. So commissioning and
deploying ask here first, say which image is missing and how far it is, and can wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bot.maas.errors import MaasError
from bot.maas.images import Image, ImageName, images_of, wanted_of
from bot.maas.import_state import ImportState
from bot.maas.models import Machine
from bot.maas.models_images import RackImages
from bot.maas.service import RegionService
from bot.operations.image_words import percent, progress
from bot.operations.plan import LeftOut

_UBUNTU = "ubuntu"


@dataclass(frozen=True, slots=True)
class Unready:
    """An image that is needed and can't be booted, with the reason as a clause: "only 58 % of it is there, …"."""

    image: ImageName
    reason: str

    def __str__(self) -> str:
        return f"{self.image}: {self.reason}"


def architectures(machines: Iterable[Machine]) -> list[str]:
    """The architectures of machines, without their kernels; amd64 for a machine of which MAAS does not know it."""
    return sorted({one.architecture.partition("/")[0] or "amd64" for one in machines})


async def commissioning_images(region: RegionService, machines: Iterable[Machine]) -> list[ImageName]:
    """The images that these machines boot to be commissioned, tested or erased. Raises MaasError."""
    release = await region.imports.setting("commissioning_distro_series")
    return [ImageName(_UBUNTU, release, arch) for arch in architectures(machines)] if release else []


async def deploy_images(
    region: RegionService, machines: Iterable[Machine], os: str = "", release: str = ""
) -> list[ImageName]:
    """The images that these machines boot and get when they are deployed; MAAS's default release without any.

    A system other than Ubuntu is put onto the disks by the image that commissions. Raises MaasError.
    """
    machines = list(machines)
    if not release:
        release = await region.imports.setting("default_distro_series")
        os = os or (await region.imports.setting("default_osystem") or _UBUNTU)
    if "/" in release:
        os, _, release = release.partition("/")
    needed = [ImageName(os or _UBUNTU, release, arch) for arch in architectures(machines)] if release else []
    if (os or _UBUNTU) != _UBUNTU:
        needed += await commissioning_images(region, machines)
    return needed


async def unready(region: RegionService, needed: Collection[ImageName]) -> list[Unready]:
    """Which of these images can't be booted now, and why. Raises MaasError.

    An image that has an older complete version is ready: MAAS boots that one while the newer is loaded. The racks
    must have the image too; a rack that does not answer is no reason to wait, others may boot the machine.
    """
    if not needed:
        return []
    # Who waits takes what the watcher sees anyway, so that the calls don't grow with those who wait.
    state = await region.imports.look(1.5 * region.imports.pace.busy)
    images = {one.name: one for one in images_of(state.images.resources)}
    lacking = {
        name: Unready(name, _reason(images.get(name), state))
        for name in needed
        if name not in images or not images[name].usable
    }
    present = [name for name in needed if name not in lacking]
    behind = await _racks_behind(region, present) if present else {}
    lacking |= {name: Unready(name, reason) for name, reason in behind.items()}
    return [lacking[name] for name in needed if name in lacking]


def refusal(found: Unready) -> str:
    """Why a machine is left out: the image, how far it is, and what to do; completes "node-3: …"."""
    return f"{found.image}, which it boots, is not ready: {found.reason}. Add --when-ready to wait for it"


async def without_image(
    region: RegionService, machines: Sequence[Machine], needed: Sequence[ImageName]
) -> tuple[list[Machine], list[LeftOut], list[Unready]]:
    """Sort out the machines whose image can't be booted: who can go on, who is left out, and what is lacking.

    Where the region does not say what is there, nobody is left out: MAAS itself refuses what it must. Raises nothing.
    """
    try:
        lacking = await unready(region, needed)
    except MaasError:
        return list(machines), [], []
    by_arch = {one.image.arch: one for one in lacking}
    able = [one for one in machines if architectures([one])[0] not in by_arch]
    left_out = [LeftOut(one.name, refusal(by_arch[architectures([one])[0]])) for one in machines if one not in able]
    return able, left_out, lacking


async def expected(region: RegionService, names: Collection[ImageName]) -> list[ImageName]:
    """Those of these images that are not there, and selected: an import brings them. None where that can't be read."""
    there = {one.name for one in images_of(region.imports.state.images.resources)}
    absent = [name for name in names if name not in there]
    if not absent:
        return []
    try:
        chosen = [one.name for one in wanted_of(await region.imports.wanted())]
    except MaasError:
        return []
    return [
        name
        for name in absent
        if any((one.os, one.release) == (name.os, name.release) and one.arch in {"*", name.arch} for one in chosen)
    ]


async def waits_for(region: RegionService, needed: Sequence[ImageName]) -> str:
    """What a machine that is to wait for its images waits for, in words; "" for nothing. Raises MaasError."""
    lacking = await unready(region, needed)
    return "; ".join(str(one) for one in lacking)


def _reason(image: Image | None, state: ImportState) -> str:
    text = "it is not there" if image is None else f"only {percent(image.percent)} of it is there"
    if state.phase.importing:
        return f"{text}; the import: {progress(state)}"
    return f"{text}, and no import runs; /maas images doctor says why"


async def _racks_behind(region: RegionService, names: Collection[ImageName]) -> dict[ImageName, str]:
    """The images that a connected rack does not have although the region has them."""
    racks = [one for one in region.watcher.snapshot.racks.value or () if one.connected]
    answers = await asyncio.gather(*(_rack_images(region, one.system_id) for one in racks))
    known = [answer for answer in answers if answer is not None and answer.connected and answer.status != "unknown"]
    lagging = [answer for answer in known if answer.status != "synced"]
    if not lagging or len(lagging) < len(known):
        return {}
    found = {}
    for name in names:
        label = f"{name.os}/{name.release}" if name.os != "custom" else name.release
        if not any(image.name == label and image.architecture == name.arch for one in known for image in one.images):
            found[name] = "the region has it, and the racks are still fetching it from there"
    return found


async def _rack_images(region: RegionService, system_id: str) -> RackImages | None:
    try:
        return await region.imports.rack_images(system_id)
    except MaasError:
        return None
