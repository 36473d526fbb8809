"""Verifying the audit's chain, beside a plain SELECT of the same records."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.processes import Child
from bench.report import Report, Table, mib, ms, ratio

_WORDS = {
    "select": "SELECT of every record, all at once",
    "batches": "SELECT of every record, 500 at a time",
    "verify": "verify: the same, hashed and compared",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. Each side is measured in so many fresh processes, in turn."""

    records: int = 100_000
    processes: int = 3


async def measure(options: Options | None = None) -> Report:
    """Every figure is the median over the processes of a side, all on one SQLite file."""
    options = options or Options()
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as name:
        folder = Path(name)
        file = folder / "maasbot.sqlite"
        filled = await _run("fill", file, options, folder)
        found: dict[str, list[dict[str, Any]]] = {side: [] for side in _WORDS}
        for _ in range(options.processes):
            for side, results in found.items():
                results.append(await _run(side, file, options, folder))
    return _report(options, filled, found)


async def _run(side: str, file: Path, options: Options, folder: Path) -> dict[str, Any]:
    child = Child(f"audit-{side}", ("-m", "bench.audit_side", side, str(file), str(options.records)), folder)
    try:
        await child.start()
        result: dict[str, Any] = await child.read(timeout=900)
    finally:
        await child.stop()
    return result


def _report(options: Options, filled: dict[str, Any], found: dict[str, list[dict[str, Any]]]) -> Report:
    figures: dict[str, float] = {"size": filled["size"], "append": filled["seconds"] / options.records}
    rows = []
    for side, words in _WORDS.items():
        for name in ("seconds", "rss"):
            figures[f"{side}_{name}"] = median(one[name] for one in found[side])
        each = figures[f"{side}_seconds"] / options.records
        times = ratio(figures[f"{side}_seconds"], figures["select_seconds"])
        shown = [ms(figures[f"{side}_seconds"]), f"{each * 1e6:.1f} µs", mib(figures[f"{side}_rss"]), times]
        rows.append([words, *shown])
    return Report(
        title="Verifying the audit",
        aim="memory that does not grow with the records; a time that an administrator waits for without a thought.",
        tables=[Table([f"{options.records} records", "time", "a record", "RSS grown by", "of the SELECT"], rows)],
        notes=[
            f"Records as operations write them, {mib(filled['size'])} on SQLite; median of {options.processes} fresh "
            "processes a side. The SELECT takes whole rows, as an administrator would who reads them all.",
            f"Appending took {figures['append'] * 1e6:.0f} µs a record, 1,000 in a transaction.",
        ],
        figures=figures,
    )
