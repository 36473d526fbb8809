"""Boot sources, selections and boot resources, as the region stores and prints them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.maas.boot_sources import BootSource, Selection
from sandbox.maas.users import API

CHUNK = 10 * 1024 * 1024
"""Bytes that the importer writes at a time: progress moves in these steps."""

DEFAULT_SOURCE = "http://images.maas.io/ephemeral-v3/stable/"
DEFAULT_KEYRING = "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg"
RELEASES = {
    "bionic": "18.04",
    "focal": "20.04",
    "hirsute": "21.04",
    "jammy": "22.04",
    "noble": "24.04",
}
"""Ubuntu releases that the pretended mirror has (amd64 and arm64), and their numbers."""

FILE_SIZES = {"boot-kernel": 13_660_416, "boot-initrd": 88_604_672, "squashfs": 419_430_400}
KEPT_SUBARCHES = "generic,hwe-p,hwe-q,hwe-r,hwe-s,hwe-t,hwe-u,hwe-v,hwe-w"


@dataclass
class BootFile:
    filename: str
    sha256: str
    size: int
    done: int = 0

    @property
    def complete(self) -> bool:
        return self.done >= self.size

    def as_json(self, *, recent: bool = False) -> dict[str, Any]:
        row: dict[str, Any] = {
            "filename": self.filename,
            "filetype": self.filename,
            "sha256": self.sha256,
            "size": self.size,
            "complete": self.complete,
        }
        if recent:
            row["filename_on_disk"] = self.sha256[:7]
        if not self.complete:
            # upside down in MAAS: total/size, 0 while there is nothing yet
            row["progress"] = self.size / self.done if self.done else 0
        return row


@dataclass
class BootResource:
    """One boot resource with its one set; `kind` is "Synced" or "Uploaded"."""

    id: int
    kind: str
    name: str
    architecture: str
    subarches: str
    version: str
    files: list[BootFile] = field(default_factory=list)
    label: str = "stable"
    title: str | None = None
    previous: str = ""
    """Version of an older complete set, which stays until the newer one is complete."""
    base_image: str = ""
    """What an uploaded image was made from, as 3.7 tells; there it is the commissioning release if not said."""

    @property
    def size(self) -> int:
        return sum(f.size for f in self.files)

    @property
    def complete(self) -> bool:
        return all(f.complete for f in self.files)

    def as_json(self, *, old: bool, recent: bool, sets: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": self.id,
            "type": self.kind,
            "name": self.name,
            "architecture": self.architecture,
            "resource_uri": f"{API}/boot-resources/{self.id}/",
        }
        if not old:
            row["last_deployed"] = None
        if self.title is not None:
            row["title"] = self.title
        if self.subarches:
            row["subarches"] = self.subarches
        if recent:
            row.update(self._recent_json())
        if sets:
            row["sets"] = {self.version: self._set_json(recent)}
            if self.previous:
                row["sets"][self.previous] = self._previous_json(recent)
        return row

    def _recent_json(self) -> dict[str, Any]:
        """What 3.7 tells besides."""
        if self.kind == "Uploaded":
            return {"base_image": self.base_image}
        return {"platform": "generic", "supported_platforms": "generic"}

    def _previous_json(self, recent: bool) -> dict[str, Any]:
        files = [BootFile(f.filename, _sum(f.sha256, self.previous), f.size, f.size) for f in self.files]
        rows = {f.filename: f.as_json(recent=recent) for f in files}
        return {
            "version": self.previous,
            "label": self.label,
            "size": self.size,
            "complete": True,
            "files": rows,
        }

    def _set_json(self, recent: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "version": self.version,
            "label": self.label,
            "size": self.size,
            "complete": self.complete,
        }
        if not self.complete:
            row["progress"] = 100.0 * sum(f.done for f in self.files) / self.size
        row["files"] = {f.filename: f.as_json(recent=recent) for f in self.files}
        return row


class ImageStore:
    """`importing` is the region's import lock; `orphans` are checksums left half by a killed region."""

    def __init__(self, *, old: bool, recent: bool) -> None:
        self.old, self.recent = old, recent
        self.mirror: set[str] = set(RELEASES)
        self.sources: list[BootSource] = []
        self.resources: dict[int, BootResource] = {}
        self.importing = False
        self.stop_wanted = False
        self.orphans: set[str] = set()
        self.mirror_version = "20261110"
        self.planned: list[tuple[str, str]] | None = None
        self.next_ids = {"source": 1, "selection": 1, "resource": 1}

    def take_id(self, kind: str) -> int:
        number = self.next_ids[kind]
        self.next_ids[kind] = number + 1
        return number

    def add_source(self, url: str = DEFAULT_SOURCE, keyring: str = DEFAULT_KEYRING) -> BootSource:
        source = BootSource(self.take_id("source"), url, keyring)
        self.sources.append(source)
        return source

    def select(self, source: BootSource, release: str, os: str = "ubuntu") -> Selection:
        selection = Selection(self.take_id("selection"), os, release, ["amd64"], ["*"], ["*"])
        source.selections.append(selection)
        return selection

    def add_ubuntu(self, release: str, arch: str = "amd64", *, complete: bool = True) -> list[BootResource]:
        """The ga and hwe resources of a release; they share their squashfs."""
        number = RELEASES[release]
        return [self._add_kernel(release, arch, flavour, number, complete=complete) for flavour in ("ga", "hwe")]

    def _add_kernel(self, release: str, arch: str, flavour: str, number: str, *, complete: bool) -> BootResource:
        files = [
            BootFile(name, _sum(release, arch, "" if name == "squashfs" else flavour, name), size)
            for name, size in FILE_SIZES.items()
        ]
        for file in files:
            file.done = file.size if complete else 0
        subarches = f"{KEPT_SUBARCHES},ga-{number}" + (f",hwe-{number}" if flavour == "hwe" else "")
        resource = BootResource(
            self.take_id("resource"),
            "Synced",
            f"ubuntu/{release}",
            f"{arch}/{flavour}-{number}",
            subarches,
            self.mirror_version,
            files,
        )
        self.resources[resource.id] = resource
        return resource

    def wanted(self) -> list[tuple[str, str]]:
        """(release, arch) of all ubuntu selections, for releases that the mirror has."""
        return list(
            dict.fromkeys(
                (selection.release, arch)
                for source in self.sources
                for selection in source.selections
                if selection.os == "ubuntu" and selection.release in self.mirror
                for arch in selection.arches
            )
        )

    @property
    def selection_changed(self) -> bool:
        """Somebody selected or deselected something since the import began."""
        return self.planned is not None and self.planned != self.wanted()

    def ensure_source(self) -> None:
        """The region makes its default source by itself when there is none, with the newest LTS."""
        if not self.sources:
            self.select(self.add_source(), "focal" if self.old else "noble")

    def plan_import(self) -> None:
        """What is no longer selected goes; what is selected and not there, or older than on the mirror, is begun."""
        wanted = self.planned = self.wanted()
        for number in [r.id for r in self.resources.values() if r.kind == "Synced"]:
            found = self.resources[number]
            arch = found.architecture.split("/")[0]
            if (found.name.removeprefix("ubuntu/"), arch) not in wanted:
                del self.resources[number]
            elif found.complete and found.version != self.mirror_version:
                found.previous, found.version = found.version, self.mirror_version
                for file in found.files:
                    file.sha256, file.done = _sum(file.sha256, self.mirror_version), 0
        for release, arch in wanted:
            if not self.of(release, arch):
                self.add_ubuntu(release, arch, complete=False)

    def drop_incomplete(self) -> None:
        """At an import's end: half images go, and where there is an older complete one, that stays."""
        for number in [r.id for r in self.resources.values() if r.kind == "Synced"]:
            found = self.resources[number]
            if found.complete:
                found.previous = ""
            elif found.previous:
                found.version, found.previous = found.previous, ""
                for file in found.files:
                    file.done = file.size
            else:
                del self.resources[number]

    def of(self, release: str, arch: str) -> list[BootResource]:
        return [
            r
            for r in self.resources.values()
            if r.name == f"ubuntu/{release}" and r.architecture.startswith(f"{arch}/")
        ]

    def usable(self) -> list[str]:
        """os/release names with a complete image, sorted, as error messages list them."""
        names = {
            r.name if "/" in r.name else f"custom/{r.name}"
            for r in self.resources.values()
            if r.complete and not r.name.startswith(("grub", "pxe"))
        }
        return sorted(names)

    def dump(self) -> dict[str, Any]:
        return {
            "sources": [asdict(s) for s in self.sources],
            "resources": [asdict(r) for r in self.resources.values()],
            "importing": self.importing,
            "stop_wanted": self.stop_wanted,
            "orphans": sorted(self.orphans),
            "mirror_version": self.mirror_version,
            "next_ids": self.next_ids,
        }

    def load(self, rows: dict[str, Any]) -> None:
        self.sources = [
            BootSource(**{**s, "selections": [Selection(**x) for x in s["selections"]]}) for s in rows["sources"]
        ]
        self.resources = {
            r["id"]: BootResource(**{**r, "files": [BootFile(**f) for f in r["files"]]}) for r in rows["resources"]
        }
        self.importing, self.stop_wanted = rows["importing"], rows["stop_wanted"]
        self.orphans = set(rows["orphans"])
        self.mirror_version = rows.get("mirror_version", self.mirror_version)
        self.next_ids = dict(rows["next_ids"])


def _sum(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
