"""Recorded exchanges with running regions: what the API really says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Recorded:
    status: int
    headers: dict[str, str]
    body: bytes


@cache
def recorded(version: str, name: str) -> Recorded:
    response = json.loads((DATA / version / f"{name}.json").read_text("utf-8"))["response"]
    return Recorded(response["status"], dict(response["headers"]), response["body"].encode())
