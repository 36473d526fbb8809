"""Images as people think of them: a release for an architecture, made of several resources that share files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot.maas.models import Machine, MachineStatus
from bot.maas.models_images import BootFile, Selection
from bot.maas.models_region import BootResource, BootSet

#: States in which a machine's system is the one that was deployed, or is being.
_HAS_SYSTEM = frozenset(
    {
        MachineStatus.DEPLOYED,
        MachineStatus.DEPLOYING,
        MachineStatus.RESCUE_MODE,
        MachineStatus.ENTERING_RESCUE_MODE,
        MachineStatus.EXITING_RESCUE_MODE,
    }
)
#: The second part of the names of boot loaders, which come and go with the source.
_LOADERS = frozenset({"uefi", "pxe", "open-firmware", "ipxe", "http"})


@dataclass(frozen=True, slots=True, order=True)
class ImageName:
    """What an image is called: `ubuntu/jammy amd64`. Images of one's own have the operating system `custom`."""

    os: str
    release: str
    arch: str

    def __str__(self) -> str:
        return f"{self.os}/{self.release} {self.arch}"


@dataclass(frozen=True, slots=True)
class Image:
    """One image with all its kernels.

    Attributes:
        name: what it is.
        resources: the resources that it is made of; they share their squashfs.
        uploaded: it was uploaded by somebody, and no import brings it back.
        size: bytes of all its files, each counted once.
        done: how many of them the region has.
        complete: the newest version is there, with all kernels.
        usable: some version with some kernel is there: MAAS can boot and deploy it.
        version: MAAS's name of the newest version, mostly a date.
        title: what somebody called an image that they uploaded.
    """

    name: ImageName
    resources: tuple[BootResource, ...]
    uploaded: bool
    size: int
    done: int
    complete: bool
    usable: bool
    version: str
    title: str = ""

    @property
    def percent(self) -> float:
        """How much of it is there, over all kernels, 0 to 100; below 100 while anything is missing."""
        if self.complete:
            return 100.0
        return min(100.0 * self.done / self.size, 99.9) if self.size else 0.0

    @property
    def kernels(self) -> tuple[str, ...]:
        return tuple(one.architecture.partition("/")[2] for one in self.resources)

    def age(self, now: datetime | None = None) -> int | None:
        """Days since the version was made; None when its name is no date."""
        digits = self.version[:8]
        try:
            made = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            return None
        return max(0, ((now or datetime.now(UTC)).date() - made).days)


def image_name(resource: BootResource) -> ImageName:
    """The image that a resource is a part of."""
    os, slash, release = resource.name.partition("/")
    arch = resource.architecture.partition("/")[0]
    return ImageName(os, release, arch) if slash else ImageName("custom", resource.name, arch)


def is_loader(resource: BootResource) -> bool:
    """Whether it is a boot loader rather than a system."""
    return resource.name.partition("/")[2] in _LOADERS


def images_of(resources: Iterable[BootResource]) -> list[Image]:
    """All images, boot loaders left out, by name."""
    grouped: dict[ImageName, list[BootResource]] = defaultdict(list)
    for resource in resources:
        if not is_loader(resource):
            grouped[image_name(resource)].append(resource)
    return [_image(name, tuple(found)) for name, found in sorted(grouped.items())]


def _image(name: ImageName, resources: tuple[BootResource, ...]) -> Image:
    newest = [one.newest for one in resources if one.newest is not None]
    files = distinct_files(newest)
    return Image(
        name=name,
        resources=resources,
        uploaded=any(one.type.lower() == "uploaded" for one in resources),
        size=sum(file.size for file in files.values()),
        done=sum(file.done for file in files.values()),
        complete=len(newest) == len(resources) and all(one.complete for one in newest),
        usable=any(one.complete for one in resources),
        version=max((one.version for one in newest), default=""),
        title=next((one.title for one in resources if one.title), ""),
    )


def distinct_files(sets: Iterable[BootSet]) -> dict[str, BootFile]:
    """The files of sets by checksum: ga and hwe kernels of a release share the largest one, which is loaded once."""
    files: dict[str, BootFile] = {}
    for one in sets:
        for name, file in one.files.items():
            key = file.sha256 or f"{one.version} {name}"
            if key not in files or files[key].done < file.done:
                files[key] = file
    return files


# -- what is wanted ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that a source's selections ask for."""

    name: ImageName
    source_id: int
    selection_id: int


def wanted_of(selections: Iterable[Selection]) -> list[Wanted]:
    """What is selected, one entry an architecture. "*" stays "*": what it comes to, only the source knows."""
    return [
        Wanted(ImageName(one.os or "ubuntu", one.release, arch), one.boot_source_id, one.id)
        for one in selections
        for arch in one.arches or ("*",)
    ]


def found(wanted: ImageName, images: Sequence[Image]) -> list[Image]:
    """The images that satisfy what is wanted."""
    return [
        one
        for one in images
        if not one.uploaded
        and (one.name.os, one.name.release) == (wanted.os, wanted.release)
        and wanted.arch in {"*", one.name.arch}
    ]


def missing(wanted: Iterable[Wanted], images: Sequence[Image]) -> list[ImageName]:
    """What is wanted and not complete, in the order in which it is wanted, each once."""
    names = dict.fromkeys(one.name for one in wanted)
    return [name for name in names if not (have := found(name, images)) or not all(one.complete for one in have)]


# -- what uses them ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Defaults:
    """The releases that MAAS takes when nobody says which; "" where the region does not say."""

    commissioning: str = ""
    deploy_os: str = ""
    deploy: str = ""


def machines_on(image: ImageName, machines: Iterable[Machine]) -> list[Machine]:
    """The machines that run it, or are getting it."""
    return [
        one
        for one in machines
        if one.status in _HAS_SYSTEM
        and (one.osystem, one.distro_series) == (image.os, image.release)
        and one.architecture.partition("/")[0] in {"", image.arch}
    ]


def uses(image: ImageName, machines: Iterable[Machine], defaults: Defaults) -> Iterator[str]:
    """What uses an image, in words: "commissioning", "deploy default", "12 machines"."""
    if image.os == "ubuntu" and image.release == defaults.commissioning:
        yield "commissioning"
    if (image.os, image.release) == (defaults.deploy_os, defaults.deploy):
        yield "deploy default"
    count = len(machines_on(image, machines))
    if count:
        yield f"{count} machine{'s' if count > 1 else ''}"


def is_half(resource: BootResource) -> bool:
    """Whether its newest version is not complete."""
    return resource.newest is not None and not resource.newest.complete
