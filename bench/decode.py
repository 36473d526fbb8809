"""Decoding a list of machines into our models, beside python-libmaas's objects."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.processes import ROOT, Child
from bench.report import Report, Table, mib, ms, ratio

_RECORDING = ROOT / "tests" / "contract" / "recordings" / "3.4.10" / "machines.jsonl"
_EXCHANGE = "machine_read"
_WORDS = {
    "ours": "bot.maas.models",
    "libmaas": "python-libmaas objects",
    "libmaas-read": "python-libmaas objects, those fields read",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. Each side is measured in so many fresh processes, in turn."""

    machines: int = 2000
    processes: int = 3


async def measure(options: Options | None = None) -> Report:
    """Every figure is the median over the processes of a side."""
    options = options or Options()
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as name:
        folder = Path(name)
        body = folder / "machines.json"
        body.write_bytes(make_body(options.machines))
        size = body.stat().st_size
        found: dict[str, list[dict[str, Any]]] = {side: [] for side in _WORDS}
        for _ in range(options.processes):
            for side, results in found.items():
                results.append(await _run(side, body, folder))
    return _report(options, size, found)


def make_body(machines: int) -> bytes:
    """A list answer: one recorded machine, again and again under other names."""
    lines = _RECORDING.read_text(encoding="utf-8").splitlines()
    exchange = next(one for one in map(json.loads, lines) if one["name"] == _EXCHANGE)
    recorded = json.loads(exchange["answer"])
    fleet = []
    for number in range(machines):
        name = f"node-{number}"
        fleet.append({**recorded, "system_id": f"m{number:05d}", "hostname": name, "fqdn": f"{name}.maas"})
    return json.dumps(fleet).encode()


async def _run(side: str, body: Path, folder: Path) -> dict[str, Any]:
    child = Child(f"decode-{side}", ("-m", "bench.decode_side", side, str(body)), folder)
    try:
        await child.start()
        result: dict[str, Any] = await child.read()
    finally:
        await child.stop()
    return result


def _report(options: Options, size: int, found: dict[str, list[dict[str, Any]]]) -> Report:
    missing = next((one["missing"] for results in found.values() for one in results if "missing" in one), None)
    figures: dict[str, float] = {"body": size}
    rows = []
    for side, words in _WORDS.items():
        if any("missing" in one for one in found[side]):
            continue
        for name in ("seconds", "held", "peak", "rss"):
            figures[f"{side}_{name}"] = median(one[name] for one in found[side])
        shown = [mib(figures[f"{side}_{name}"]) for name in ("held", "peak", "rss")]
        rows.append([words, ms(figures[f"{side}_seconds"]), *shown])
    notes = [
        f"{options.machines} times one machine as MAAS 3.4.10 gave it, {mib(size)} of JSON. Median of "
        f"{options.processes} fresh processes a side. 'Held' is what Python objects take afterwards, 'peak' what "
        "they took meanwhile (tracemalloc, in a second pass); 'RSS' is by how much the process grew in the first.",
        "python-libmaas converts a field when it is read: its first row makes the objects, its second reads those "
        "fields that the bot keeps, once.",
    ]
    if missing is not None:
        notes.append(f"python-libmaas's objects can't be had here: {missing}")
    for side in ("libmaas", "libmaas-read"):
        if f"{side}_seconds" in figures:
            times = []
            for name in ("seconds", "held", "peak", "rss"):
                theirs, ours = figures[f"{side}_{name}"], figures[f"ours_{name}"]
                figures[f"{side}_ratio_{name}"] = theirs / max(ours, 1e-9)
                times.append(ratio(theirs, ours))
            rows.append([f"{_WORDS[side]} / ours", *times])
    headers = [f"{options.machines} machines", "time", "held", "peak", "RSS"]
    return Report(
        title="Decoding machines",
        aim="at least 5 times faster than python-libmaas, at most half the memory.",
        tables=[Table(headers, rows)],
        notes=notes,
        figures=figures,
    )
