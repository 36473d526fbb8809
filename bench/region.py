"""A region stand-in in a process of its own: `python -m bench.region MACHINES`. Driven by JSON lines.

A machine takes some four minutes to be commissioned, about what a real one needs, save that it boots at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

from sandbox.maas import RegionStandIn, commissioning
from sandbox.maas.machine import DEPLOYED, READY, Manners

#: Seconds are ten times as long as in the demo, in which machines are quick.
_SPEED = 0.1
_BOOT = (0.3, 0.6)


def kind_of(method: str, path: str, op: str | None, query: str) -> str:
    """What a call is for, as the tables of `bench.status` tell them apart."""
    about_one = "id=" in query
    if op == "commission":
        return "commission"
    if path.startswith("events/"):
        return "events of one machine" if about_one else "event log"
    if path == "machines/" and method == "GET" and op is None and about_one:
        return "machine reads"
    return "region state"


def answer(region: RegionStandIn, order: dict[str, Any]) -> Any:
    """Carry out one order."""
    match order["do"]:
        case "calls":
            calls = Counter(kind_of(call.method, call.path, call.op, call.query) for call in region.log)
            calls["machines"] = sum(call.query.count("id=") for call in region.log if call.path == "machines/")
            region.log.clear()
            return calls
        case "ready":
            sound = (one for one in region.world.machines.values() if one.status == READY and one.manners == Manners())
            return [one.hostname for one in sound][: order["count"]]
        case "deployed":
            free = (one for one in region.world.machines.values() if one.status == DEPLOYED and not one.locked)
            return [[one.hostname, one.system_id] for one in free if one.power_type == "ipmi"][: order["count"]]
        case "orders":
            # When each was taken, by the clock of `time.monotonic`, which is one for all processes of this host.
            return [[one.path, one.at] for one in region.log if one.op == order["op"] and one.status == 200]
        case "changes":
            # When each machine began and ended, by the same clock as everybody else's on this host.
            told = (one for one in region.world.events if one.type == "Node changed status")
            return [[one.hostname, one.created, one.description] for one in told]
        case "commissioned":
            return sum(count for (op, _), count in region.effects.items() if op == "commission")
        case other:
            raise ValueError(other)


async def main(machines: int, speed: float = _SPEED) -> None:
    """Serve until standard input ends."""
    commissioning.BOOT = _BOOT  # or the first minute would show machines at which nothing happens
    region = RegionStandIn(machines=machines, speed=speed)
    await region.start()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps({"url": region.url, "key": region.api_key}), flush=True)
    while line := await lines.readline():
        print(json.dumps(answer(region, json.loads(line))), flush=True)
    await region.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *map(float, sys.argv[2:3])))
