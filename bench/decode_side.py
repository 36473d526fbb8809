"""One side of `bench.decode`: `python -m bench.decode_side SIDE time|memory FILE`, each line of the file a body."""

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


def timed(decode: Decode, bodies: list[bytes]) -> dict[str, float]:
    """Seconds, and the bytes by which the process grew."""
    decode(make_body(1))
    gc.collect()
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    made = [decode(body) for body in bodies]
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rss": psutil.Process().memory_info().rss - before, "machines": sum(map(len, made))}


def weighed(decode: Decode, bodies: list[bytes]) -> dict[str, float]:
    """Bytes of Python objects: afterwards, and at the most."""
    decode(make_body(1))
    gc.collect()
    tracemalloc.start()
    made = [decode(body) for body in bodies]
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    return {"held": held, "peak": peak, "machines": sum(map(len, made))}


def main(side: str, pass_: str, path: Path) -> None:
    """Print one JSON line."""
    try:
        decode = ours() if side.startswith("ours") else libmaas(_FIELDS if side == "libmaas-read" else ())
    except ImportError as error:
        print(json.dumps({"missing": f"{error} (its object layer needs Python 3.11)"}))
        return
    bodies = path.read_bytes().splitlines()
    print(json.dumps((timed if pass_ == "time" else weighed)(decode, bodies)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
