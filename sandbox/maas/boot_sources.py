"""Boot sources and what is selected of them, as the region stores and prints them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.maas.events import stamp
from sandbox.maas.users import API


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
