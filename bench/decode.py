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
    "ours-portions": "bot.maas.models, 50 at a time",
    "libmaas": "python-libmaas objects",
    "libmaas-read": "python-libmaas objects, fields read",
}
_PORTION = 50
_FIGURES = ("seconds", "held", "peak", "rss")


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. Each side is measured in so many fresh processes, in turn."""

    machines: int = 2000
    processes: int = 3
    sides: tuple[str, ...] = tuple(_WORDS)


async def measure(options: Options | None = None) -> Report:
    """Times are medians over the processes of a side; memory, which does not vary, is measured once."""
    options = options or Options()
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as name:
        folder = Path(name)
        whole, portions = folder / "whole", folder / "portions"
        whole.write_bytes(make_body(options.machines))
        firsts = range(0, options.machines, _PORTION)
        portions.write_bytes(b"\n".join(make_body(min(_PORTION, options.machines - at), at) for at in firsts))
        size = whole.stat().st_size
        bodies = {side: portions if side == "ours-portions" else whole for side in _WORDS}
        found: dict[str, list[dict[str, Any]]] = {side: [] for side in options.sides}
        for _ in range(options.processes):
            for side, results in found.items():
                results.append(await _run(side, "time", bodies[side], folder))
        for side, results in found.items():
            results.append(await _run(side, "memory", bodies[side], folder))
    return _report(options, size, found)


def make_body(machines: int, first: int = 0) -> bytes:
    """A list answer: one recorded machine, again and again with ids, names, addresses and a serial of its own."""
    lines = _RECORDING.read_text(encoding="utf-8").splitlines()
    exchange = next(one for one in map(json.loads, lines) if one["name"] == _EXCHANGE)
    recorded = json.loads(exchange["answer"])
    text = json.dumps(recorded)
    fleet = []
    for number in range(first, first + machines):
        mac = f"52:54:01:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        own = text.replace(recorded["system_id"], f"m{number:05d}").replace(recorded["hostname"], f"node-{number}")
        machine = json.loads(own.replace(recorded["boot_interface"]["mac_address"], mac))
        machine["ip_addresses"] = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"]
        machine["hardware_info"]["system_serial"] = f"SN{number:08d}"
        fleet.append(json.dumps(machine))
    return f"[{', '.join(fleet)}]".encode()


async def _run(side: str, pass_: str, body: Path, folder: Path) -> dict[str, Any]:
    child = Child(f"decode-{side}", ("-m", "bench.decode_side", side, pass_, str(body)), folder)
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
    sides = [side for side, results in found.items() if not any("missing" in one for one in results)]
    for side in sides:
        for name in _FIGURES:
            figures[f"{side}_{name}"] = median(one[name] for one in found[side] if name in one)
        shown = [mib(figures[f"{side}_{name}"]) for name in _FIGURES[1:]]
        rows.append([_WORDS[side], ms(figures[f"{side}_seconds"]), *shown])
    for theirs in [side for side in sides if side.startswith("libmaas")]:
        for ours in [side for side in sides if side.startswith("ours")]:
            times = [ratio(figures[f"{theirs}_{name}"], figures[f"{ours}_{name}"]) for name in _FIGURES]
            rows.append([f"{_WORDS[theirs]} / {_WORDS[ours].removeprefix('bot.maas.')}", *times])
            figures[f"{theirs}/{ours}_seconds"] = figures[f"{theirs}_seconds"] / figures[f"{ours}_seconds"]
            figures[f"{theirs}/{ours}_held"] = figures[f"{theirs}_held"] / figures[f"{ours}_held"]
    notes = [
        f"{options.machines} times one machine as MAAS 3.4.10 gave it, with names and addresses of its own: "
        f"{mib(size)} of JSON. Fresh processes; the time is the median of {options.processes}. 'Held' is what Python "
        "objects take afterwards, 'peak' what they took meanwhile, 'RSS' by how much the process grew.",
        "python-libmaas converts a field when it is read: its first row only wraps the answer, its second also reads, "
        "once, the fields that the bot keeps, which our models have converted and checked by then.",
        "Our decoder builds the whole body's JSON in native memory before it picks what is kept, which only RSS shows. "
        "The bot reads at most 50 machines with one call, as the second row does.",
    ]
    if missing is not None:
        notes.append(f"python-libmaas's objects can't be had here: {missing}")
    return Report(
        title="Decoding machines",
        aim="at least 5 times faster than python-libmaas, at most half the memory.",
        tables=[Table([f"{options.machines} machines", "time", "held", "peak", "RSS"], rows)],
        notes=notes,
        figures=figures,
    )
