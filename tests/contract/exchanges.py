"""Recorded exchanges with real MAAS regions, one JSON line each, by the first word of the path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"
VERSIONS = {"2.9": "2.9.3", "3.4.10": "3.4.10", "3.7.3": "3.7.3"}


@dataclass(frozen=True)
class Exchange:
    """`trimmed`: the answer was shortened, lists to their first elements, texts to their beginning."""

    name: str
    method: str
    url: str
    type: str
    accept: str | None
    body: str
    status: int
    answer_type: str
    answer: str
    trimmed: bool = False

    @property
    def is_json(self) -> bool:
        return self.answer_type.startswith("application/json")

    def json(self) -> Any:
        return json.loads(self.answer)


def load(folder: str) -> list[Exchange]:
    rows = []
    for file in sorted((FOLDER / folder).glob("*.jsonl")):
        rows += [Exchange(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return rows
