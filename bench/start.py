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
    rehearse: bool = True
    idle: float = 20.0


async def measure(options: Options | None = None) -> Report:
    """The sides take turns; then both stay, and are looked at when they are idle."""
    options = options or Options()
    fresh, warm, bare = [], [], []
    async with stage(options.machines) as world:
        if options.rehearse:  # the first ones compile what they import
            await _bare(world)
            await _bot(world, "rehearsal")
        for number in range(options.repeats):
            state = f"state-{number}"
            bare.append(await _bare(world))
            fresh.append(await _bot(world, state, fill=True))
            if number:
                warm.append(await _bot(world, state))
        async with world.child("bare", "socket") as one:
            await one.read()
            started = time.perf_counter()
            async with world.bot("state-0") as other:
                await other.ready()
                warm.append(time.perf_counter() - started)
                looks = await _idle(one, other, options.idle)
    return _report(options, (fresh, warm, bare), *looks)


async def _idle(one: Child, other: Child, seconds: float) -> tuple[tuple[int, int], float]:
    """The memory of both, and the other's share of a core, once nothing has been asked of them for a while."""
    await asyncio.sleep(seconds / 2)
    cpu = cpu_seconds(other.process)
    await asyncio.sleep(seconds / 2)
    busy = (cpu_seconds(other.process) - cpu) / (seconds / 2)
    return (other.process.memory_info().rss, one.process.memory_info().rss), busy


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


def _report(
    options: Options, starts: tuple[list[float], list[float], list[float]], rss: tuple[int, int], busy: float
) -> Report:
    ours, theirs = rss
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
            f"Median of {options.repeats} starts each, in turn, with bytecode at hand. Ready is /readyz answering 200: "
            "Slack connected, storage writable, region answering; the bare app is ready when its socket is. The "
            f"region has {options.machines} machines, which a fresh bot reads once it is ready, and a later one has "
            "on disk.",
            f"Idle, maasbot used {busy:.1%} of a core.",
        ],
        figures={"fresh": fresh, "warm": warm, "bare": bare, "rss": ours, "bare_rss": theirs, "idle_cpu": busy},
    )
