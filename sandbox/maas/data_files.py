"""Reads what ships beside the code: recorded documents of each MAAS version, in `data/VERSION/`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

VERSIONS = ("2.9.3", "3.4.10", "3.7.3")


def folder(version: str) -> Path:
    if version not in VERSIONS:
        raise ValueError(f"the stand-in can emulate MAAS {', '.join(VERSIONS)}, not {version}")
    return Path(__file__).parent / "data" / version


def load(version: str, name: str) -> Any:
    return json.loads((folder(version) / f"{name}.json").read_text(encoding="utf-8"))


def load_describe(version: str) -> dict[str, Any]:
    """The API description, with `http://maas.test:5240` as the region's address."""
    packed = (folder(version) / "describe.json.gz").read_bytes()
    document: dict[str, Any] = json.loads(gzip.decompress(packed))
    return document
