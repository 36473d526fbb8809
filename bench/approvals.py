"""How soon an approval has its effect at MAAS, and what waiting approvals cost."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.report import Report, Table, mib, ms, percentile
from bot.app import Bot
from bot.pace import Pace
from bot.people import Door, Identity, Origin
from bot.telemetry import set_up_logging
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World

_OLGA = Identity("T0MAAS", "U0OLGA", "olga")
_HERE = Origin(Door.COMMAND, "C0OPS")


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. `idle` is for how many seconds the cost of waiting is watched."""

    machines: int = 1000
    waiting: int = 200
    decisions: int = 20
    idle: float = 10.0


@dataclass(slots=True)
class Side:
    """With so many approvals waiting."""

    waiting: int
    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    rss: float = 0.0


async def measure(options: Options | None = None) -> Report:
    """One bot; first with nothing else waiting, then with many."""
    options = options or Options()
    set_up_logging("error", "console")
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as folder:
        world = World.build(Path(folder), machines=options.machines, strict_timing=False)
        world.workspace.rates.generous = True
        await world.start()
        bot = Bot(world.settings(), build_catalog(), overview, pace=Pace())
        try:
            await bot.start()
            sides = await _both(world, bot, options)
        finally:
            await bot.stop()
            await world.stop()
    return _report(options, sides)


async def _both(world: World, bot: Bot, options: Options) -> list[Side]:
    fleet = bot.regions["default"].fleet
    while fleet.status.filled_at is None:
        await asyncio.sleep(0.1)
    machines = [
        one.system_id
        for one in world.region.world.machines.values()
        if one.status_name == "Deployed" and not one.locked and one.power_type == "ipmi"
    ]
    sides = []
    for waiting in (0, options.waiting):
        side = Side(waiting)
        ids = [await _request(bot, machines.pop()) for _ in range(waiting)]
        await asyncio.sleep(5.0)
        before, began = time.process_time(), time.monotonic()
        await asyncio.sleep(options.idle)
        side.cpu = (time.process_time() - before) / (time.monotonic() - began)
        side.rss = float(psutil.Process().memory_info().rss)
        for _ in range(options.decisions):
            system_id = machines.pop()
            side.seconds.append(await _decide(world, await _request(bot, system_id), system_id))
        sides.append(side)
        del ids
    return sides


async def _request(bot: Bot, system_id: str) -> str:
    """Plan and ask for the release of a machine, without the time that people and forms take."""
    operations = bot.operations
    assert operations is not None
    region = bot.regions["default"]
    plan = await operations.plan("release", region, {"ids": [system_id], "comment": ""})
    operation = await operations.propose(plan, _OLGA, _HERE, f"release {system_id}")
    verdict = await operations.approvals.ask(
        operation.id, operation.nonce, _OLGA, _HERE, reason="a measurement", typed=plan.targets[0].name
    )
    assert verdict.done, verdict.reason
    return operation.id


async def _decide(world: World, operation_id: str, system_id: str) -> float:
    """From the approver's word to MAAS having taken the order."""
    began = time.monotonic()
    await world.workspace.slash("U0ANDREA", "C0APPROVE", f"approve {operation_id}")
    while not world.region.effects["release", system_id]:
        if time.monotonic() - began > 30:
            raise AssertionError("the approval had no effect")
        await asyncio.sleep(0.002)
    return time.monotonic() - began


def _report(options: Options, sides: list[Side]) -> Report:
    rows = [
        [
            f"{side.waiting} waiting",
            ms(percentile(side.seconds, 0.5)),
            ms(percentile(side.seconds, 0.99)),
            f"{side.cpu * 100:.1f} %",
            mib(side.rss),
        ]
        for side in sides
    ]
    return Report(
        "From an approval to its effect at MAAS",
        "waiting approvals cost next to nothing, and do not slow a decision",
        [Table(["", "p50", "p99", "CPU when idle", "RSS"], rows)],
        [
            f"{options.decisions} decisions a row; the plan is made anew between the word and the effect.",
            "Bot and stand-ins share one process here, so CPU and memory are those of all three.",
        ],
        {"p99": percentile(sides[-1].seconds, 0.99), "idle_cpu": sides[-1].cpu},
    )
