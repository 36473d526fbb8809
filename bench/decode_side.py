"""One side of `bench.decode` in a process of its own: `python -m bench.decode_side ours|libmaas|libmaas-read FILE`."""

from __future__ import annotations

import gc
import gzip
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench.decode import make_body
from bench.processes import ROOT

_DESCRIPTION = ROOT / "sandbox" / "maas" / "data" / "3.4.10" / "describe.json.gz"
#: What the bot's machines hold, by python-libmaas's names, as far as it has them.
_FIELDS = (
    "system_id", "hostname", "fqdn", "status", "status_name", "status_message", "power_state", "power_type",
    "owner", "pool", "zone", "domain", "tags", "architecture", "cpus", "memory", "distro_series", "locked",
    "ip_addresses", "boot_interface",
)  # fmt: skip

Decode = Callable[[bytes], Any]


def ours() -> Decode:
    """Straight from bytes into slim models."""
    from bot.maas.models import MACHINES

    return MACHINES.validate_json


def libmaas(fields: tuple[str, ...] = ()) -> Decode:
    """As python-libmaas does it once it has read the body: JSON to dicts, dicts into objects."""
    from maas.client import bones, viscera

    description = json.loads(gzip.decompress(_DESCRIPTION.read_bytes()))
    machines = viscera.Origin(bones.SessionAPI(description)).Machines

    def decode(body: bytes) -> Any:
        data = json.loads(body.decode("utf-8"))
        made = machines(map(machines._object, data))
        for machine in made:
            for name in fields:
                getattr(machine, name)
        return made

    return decode


def measure(decode: Decode, path: Path) -> dict[str, float]:
    """Seconds, and bytes of memory: held after, at the peak, and by which the process grew."""
    body = path.read_bytes()
    decode(make_body(1))
    gc.collect()
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    made = decode(body)
    seconds = time.perf_counter() - started
    rss = psutil.Process().memory_info().rss - before
    del made
    gc.collect()
    tracemalloc.start()
    made = decode(body)
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"seconds": seconds, "held": held, "peak": peak, "rss": rss, "machines": len(made)}


def main(side: str, path: Path) -> None:
    """Print one JSON line."""
    try:
        decode = ours() if side == "ours" else libmaas(_FIELDS if side == "libmaas-read" else ())
    except ImportError as error:
        print(json.dumps({"missing": f"{error} (its object layer needs Python 3.11)"}))
        return
    print(json.dumps(measure(decode, path)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
