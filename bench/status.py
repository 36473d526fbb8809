"""How soon `/maas status` is answered on a large fleet, and how often MAAS is called while machines commission."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench.report import Report, Table, ms, percentile
from bench.stage import PEOPLE, Stage, stage

_WATCHING = ("event log", "machine reads", "region state")
_WORK = ("commission", "events of one machine", "machine reads")


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. `window` is for how many seconds calls are counted and answers timed."""

    machines: int = 2000
    commissions: tuple[int, ...] = (0, 10, 200)
    window: float = 60.0
    every: float = 0.5
    settle: float = 6.0
    quiet: int = 20


@dataclass(slots=True)
class Level:
    """What was seen with so many commissions under way; calls are a minute's, `started` is in all."""

    commissions: int
    answers: list[float] = field(default_factory=list)
    watching: dict[str, float] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)

    @property
    def a_minute(self) -> float:
        return sum(self.watching.get(kind, 0.0) for kind in (*_WATCHING, "events of one machine", "commission"))


async def measure(options: Options | None = None) -> Report:
    """The numbers of commissions are reached one after the other, in one bot."""
    options = options or Options()
    levels: list[Level] = []
    async with stage(options.machines) as world, world.bot() as bot:
        await bot.ready()
        await world.view_filled()
        await world.answer_time("status")
        # Causes of failures are looked up once after the start; that is no part of watching.
        await _quiet(world, options.quiet)
        under_way = 0
        for wanted in options.commissions:
            level = Level(wanted)
            await world.region.ask({"do": "calls"})
            await world.commission(wanted - under_way, settle=options.settle)
            started = await world.region.ask({"do": "calls"})
            level.started = {kind: started.get(kind, 0) for kind in _WORK} if wanted > under_way else {}
            under_way = wanted
            await _window(world, level, options)
            levels.append(level)
    return _report(options, levels)


async def _quiet(world: Stage, most: int) -> None:
    for _ in range(most):
        await world.region.ask({"do": "calls"})
        await asyncio.sleep(1.0)
        calls = await world.region.ask({"do": "calls"})
        if not calls.get("events of one machine") and calls.get("region state", 0) < 3:
            return


async def _window(world: Stage, level: Level, options: Options) -> None:
    await world.region.ask({"do": "calls"})
    began = time.monotonic()
    number = 0
    while (passed := time.monotonic() - began) < options.window:
        await asyncio.sleep(max(0.0, number * options.every - passed))
        level.answers.append(await world.answer_time("status", PEOPLE[number % len(PEOPLE)]))
        number += 1
    calls = await world.region.ask({"do": "calls"})
    minutes = (time.monotonic() - began) / 60
    level.watching = {kind: count / minutes for kind, count in calls.items()}


def _report(options: Options, levels: list[Level]) -> Report:
    times = []
    for level in levels:
        shares = [ms(percentile(level.answers, share)) for share in (0.5, 0.95, 1.0)]
        times.append([str(level.commissions), str(len(level.answers)), *shares])
    calls = [
        [
            str(level.commissions),
            *(f"{level.watching.get(kind, 0.0):.0f}" for kind in _WATCHING),
            f"{level.watching.get('events of one machine', 0.0):.0f}",
            f"{level.a_minute:.0f}",
            f"{level.watching.get('machines', 0.0):.0f}",
        ]
        for level in levels
    ]
    work = [
        [f"{before.commissions} → {level.commissions}", *(str(level.started[kind]) for kind in _WORK)]
        for before, level in zip([Level(0), *levels], levels, strict=False)
        if level.started
    ]
    kinds = ["event log", "machine reads", "region state", "one machine's events", "in all", "machines read"]
    tables = [
        Table(["Commissions under way", "answers", "p50", "p95", "max"], times),
        Table(["Commissions under way: calls a minute", *kinds], calls),
    ]
    if work:
        tables.append(Table(["Calls to begin commissions", "commission", "events before it", "reads for plans"], work))
    every = [seconds for level in levels for seconds in level.answers]
    figures = {"p50": percentile(every, 0.5), "p95": percentile(every, 0.95), "answers": len(every)}
    for level in levels:
        figures[f"p95_{level.commissions}"] = percentile(level.answers, 0.95)
        figures[f"calls_{level.commissions}"] = level.a_minute
        figures[f"begun_{level.commissions}"] = level.started.get("commission", 0)
    return Report(
        title="/maas status on a large fleet",
        aim="complete answer within 200 ms at p95; calls to MAAS a minute do not grow with the commissions under way.",
        tables=tables,
        notes=[
            f"{options.machines} machines, warm view, Socket Mode; from typing the command until Slack has taken the "
            f"answer, one every {options.every:g} s for {options.window:g} s at each level. The calls are those of "
            "the same windows, scaled to a minute.",
            "Each look at the event log is followed by one read of machines: those that changed, or else a few that "
            "were not read for long. Each commission costs its own request and one look at the machine's events before "
            "it, once; they are counted apart.",
        ],
        figures=figures,
    )
