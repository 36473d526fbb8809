"""Boot sources, selections and boot resources, as the region stores and prints them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.maas.events import stamp
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

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "filename": self.filename,
            "filetype": self.filename,
            "sha256": self.sha256,
            "size": self.size,
            "complete": self.complete,
        }
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

    @property
    def size(self) -> int:
        return sum(f.size for f in self.files)

    @property
    def complete(self) -> bool:
        return all(f.complete for f in self.files)

    def as_json(self, *, old: bool, sets: bool) -> dict[str, Any]:
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
        if sets:
            row["sets"] = {self.version: self._set_json()}
        return row

    def _set_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "version": self.version,
            "label": self.label,
            "size": self.size,
            "complete": self.complete,
        }
        if not self.complete:
            row["progress"] = 100.0 * sum(f.done for f in self.files) / self.size
        row["files"] = {f.filename: f.as_json() for f in self.files}
        return row


@dataclass
class Selection:
    id: int
    os: str
    release: str
    arches: list[str]
    subarches: list[str]
    labels: list[str]

    def as_json(self, source: int) -> dict[str, Any]:
        return {
            **asdict(self),
            "boot_source_id": source,
            "resource_uri": f"{API}/boot-sources/{source}/selections/{self.id}/",
        }


@dataclass
class BootSource:
    id: int
    url: str
    keyring_filename: str = ""
    keyring_data: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    selections: list[Selection] = field(default_factory=list)
    index_read: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "created": stamp(self.created),
            "updated": stamp(self.updated),
            "url": self.url,
            "keyring_filename": self.keyring_filename,
            "keyring_data": self.keyring_data,
            "id": self.id,
            "resource_uri": f"{API}/boot-sources/{self.id}/",
        }


class ImageStore:
    """`importing` is the region's import lock; `orphans` are checksums left half by a killed region."""

    def __init__(self, *, old: bool) -> None:
        self.old = old
        self.mirror: set[str] = set(RELEASES)
        self.sources: list[BootSource] = []
        self.resources: dict[int, BootResource] = {}
        self.importing = False
        self.stop_wanted = False
        self.orphans: set[str] = set()
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
            "20261110",
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
        self.next_ids = dict(rows["next_ids"])


def _sum(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
