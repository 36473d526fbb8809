"""How long `maasbot run` takes from launch to ready, and what it needs when idle, beside a bare Socket Mode app."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from statistics import median

from bench.processes import Child, cpu_seconds
from bench.report import Report, Table, mib, ratio
from bench.stage import Stage, stage


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. Idle figures are taken after `idle` seconds."""

    machines: int = 2000
    repeats: int = 3
    idle: float = 20.0


async def measure(options: Options | None = None) -> Report:
    """The sides take turns; then both stay, and are looked at when they are idle."""
    options = options or Options()
    fresh, warm, bare = [], [], []
    async with stage(options.machines) as world:
        for number in range(options.repeats):
            state = f"state-{number}"
            bare.append(await _bare(world))
            fresh.append(await _bot(world, state, fill=True))
            warm.append(await _bot(world, state))
        async with world.child("bare", "socket") as one, world.bot("state-0") as other:
            await one.read()
            await other.ready()
            idle = {"bare": await _idle(one, 0.0), "ours": await _idle(other, options.idle)}
            idle["bare"] = (idle["bare"][0], one.process.memory_info().rss)
            cpu = cpu_seconds(other.process)
            rest = max(1.0, options.idle / 4)
            await asyncio.sleep(rest)
            busy = (cpu_seconds(other.process) - cpu) / rest
    return _report(options, (fresh, warm, bare), idle["ours"][1], idle["bare"][1], busy)


async def _bare(world: Stage) -> float:
    started = time.perf_counter()
    async with world.child("bare", "socket") as child:
        await child.read()
        return time.perf_counter() - started


async def _bot(world: Stage, state: str, *, fill: bool = False) -> float:
    started = time.perf_counter()
    async with world.bot(state) as bot:
        await bot.ready()
        took = time.perf_counter() - started
        if fill:
            await world.view_filled(state)
    return took


async def _idle(child: Child, seconds: float) -> tuple[float, int]:
    await asyncio.sleep(seconds)
    return seconds, child.process.memory_info().rss


def _report(
    options: Options, starts: tuple[list[float], list[float], list[float]], ours: int, theirs: int, busy: float
) -> Report:
    fresh, warm, bare = (median(times) for times in starts)
    rows = [
        ["bare Bolt app, Socket Mode", f"{bare:.2f} s", "", mib(theirs)],
        ["maasbot run, nothing in its state directory", f"{fresh:.2f} s", ratio(fresh, bare), ""],
        ["maasbot run, started before", f"{warm:.2f} s", ratio(warm, bare), f"{mib(ours)} ({ratio(ours, theirs)})"],
    ]
    headers = ["From launch to ready", "time", "beside bare", f"RSS after {options.idle:g} s"]
    return Report(
        title="Start",
        aim="none set; the figures are for comparison.",
        tables=[Table(headers, rows)],
        notes=[
            f"Median of {options.repeats} starts each, in turn. Ready is /readyz answering 200: Slack connected, storage "
            f"writable, region answering; the bare app is ready when its socket is. The region has {options.machines} "
            "machines, which a fresh bot reads after it is ready, and a started one has on disk.",
            f"Idle, maasbot used {busy:.1%} of a core.",
        ],
        figures={"fresh": fresh, "warm": warm, "bare": bare, "rss": ours, "bare_rss": theirs, "idle_cpu": busy},
    )
