"""Many machines in one operation: how far from the ideal, what it costs MAAS and Slack, how soon the thread tells."""

from __future__ import annotations

import asyncio
import heapq
import re
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report import Report, Table, mib, ms, percentile
from bench.stage import OPS, Stage, stage, until
from sandbox.slack import Message

_DONE = re.compile(r"(\d+) of \d+ done(?:, (\d+) failed)?")
_ENDS = ("'Ready'", "'Failed commissioning'", "'Failed testing'")


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. `speed` is how many times as fast as the demo's the machines are."""

    fleet: int = 800
    machines: int = 200
    at_once: tuple[int, ...] = (200, 25)
    speed: float = 3.0
    previews: tuple[str, ...] = ("status:deployed",)
    large_fleet: int = 2000
    operations: int = 200


@dataclass(slots=True)
class Side:
    """One bulk. Times are seconds."""

    at_once: int
    wall: float = 0.0
    ideal: float = 0.0
    slowest: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    slack: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    lags: list[float] = field(default_factory=list)


async def measure(options: Options | None = None) -> Report:
    """One bulk for each bound; then the previews, in a larger fleet."""
    options = options or Options()
    sides = []
    for at_once in options.at_once:
        async with stage(options.fleet, options.speed) as world, world.bot() as bot:
            await bot.ready(120.0)
            await world.view_filled()
            sides.append(await _bulk(world, options.machines, at_once))
    previews = await _previews(options)
    return _report(options, sides, previews, await _memory(options))


async def _bulk(world: Stage, machines: int, at_once: int) -> Side:
    side = Side(at_once)
    names = await world.region.ask({"do": "ready", "count": machines})
    assert len(names) == machines, f"only {len(names)} machines are Ready"
    calls = _Calls(world)
    plan = await world.plan(f"commission {' '.join(names)} --at-once {at_once} --testing-scripts none")
    await world.region.ask({"do": "calls"})
    calls.begin()
    began = time.time()
    await world.confirm(plan)
    shown = await _follow(world, plan, machines)
    side.wall = time.time() - began
    counted = await world.region.ask({"do": "calls"})
    side.calls = Counter({kind: count for kind, count in counted.items() if kind != "machines"})
    spans = _spans(await world.region.ask({"do": "changes"}), set(names), began)
    assert len(spans) == machines, f"{len(spans)} of {machines} ended"
    durations = [end - start for start, end in spans]
    side.slowest = max(durations)
    side.ideal = ideal(durations, at_once)
    side.lags = _lags(sorted(end for _, end in spans), shown)
    side.slack, side.refused = calls.a_minute(), calls.refused()
    return side


def ideal(durations: Sequence[float], at_once: int) -> float:
    """How long it takes if somebody begins the next machine the moment one ends."""
    slots = [0.0] * min(at_once, len(durations))
    for duration in durations:
        heapq.heappush(slots, heapq.heappop(slots) + duration)
    return max(slots)


def _spans(changes: Sequence[Sequence[Any]], names: set[str], since: float) -> list[tuple[float, float]]:
    """When each machine began to commission and when it ended, in the order in which they began."""
    begun: dict[str, float] = {}
    spans = []
    for name, at, text in changes:
        if name not in names or at < since - 1:
            continue
        to = text.partition(" to ")[2]
        if to.startswith("'Commissioning'"):
            begun[name] = at
        elif to.startswith(_ENDS) and name in begun:
            spans.append((begun.pop(name), at))
    return sorted(spans)


async def _follow(world: Stage, plan: Message, machines: int) -> list[tuple[float, int]]:
    """When the message showed how many as ended, to the end."""
    shown: list[tuple[float, int]] = []

    def over() -> bool:
        now = next(one for one in world.workspace.messages(OPS, "U0OLGA") if one.ts == plan.ts)
        found = _DONE.search(now.text)
        count = int(found[1]) + int(found[2] or 0) if found else 0
        ended = f" of {machines} " in now.text and (" done (" in now.text or " failed (" in now.text)
        if ended or (count and (not shown or count > shown[-1][1])):
            shown.append((time.time(), machines if ended else count))
        return ended

    await until(over, 900.0, "the end of the operation", pause=0.02)
    return shown


def _lags(ends: Sequence[float], shown: Sequence[tuple[float, int]]) -> list[float]:
    """From each machine's end in MAAS to the first message that counts it."""
    lags = []
    for number, end in enumerate(ends, 1):
        at = next((moment for moment, count in shown if count >= number), None)
        if at is not None:
            lags.append(max(0.0, at - end))
    return lags


class _Calls:
    """Counts what the bot asks of Slack, minute by minute."""

    def __init__(self, world: Stage) -> None:
        self._workspace = world.workspace
        self._at: dict[str, list[float]] = defaultdict(list)
        call = world.workspace.call

        async def counting(method: str, args: Any, token: str | None) -> Any:
            self._at[method].append(time.monotonic())
            return await call(method, args, token)

        world.workspace.call = counting  # type: ignore[method-assign]

    def begin(self) -> None:
        self._at.clear()

    def a_minute(self) -> dict[str, int]:
        """The most calls of each method within any 60 s."""
        most = {}
        for method, times in self._at.items():
            most[method] = max(sum(1 for at in times if start <= at < start + 60) for start in times)
        return most

    def refused(self) -> int:
        """How many were answered 429."""
        return sum(count for (_, code), count in self._workspace.error_counts.items() if code == "ratelimited")


async def _previews(options: Options) -> list[tuple[int, list[float]]]:
    """From the words of a bulk to the plan that shows whom it would touch."""
    found = []
    async with stage(options.large_fleet) as world, world.bot() as bot:
        await bot.ready(120.0)
        await world.view_filled(timeout=240.0)
        for selector in options.previews:
            seconds, count = [], 0
            for _ in range(5):
                began = time.perf_counter()
                plan = await world.plan(f"tag {selector} --name burn-in")
                seconds.append(time.perf_counter() - began)
                count = int(plan.text.split()[1])
                await asyncio.sleep(2.0)
            found.append((count, seconds))
    return found


async def _memory(options: Options) -> tuple[float, float]:
    """What the bot takes with a large fleet: at rest, and with many operations of one machine under way."""
    async with stage(options.large_fleet) as world, world.child("bulk_side") as bot:
        assert await bot.read(240.0) == "filled"
        names = await world.region.ask({"do": "ready", "count": options.operations})
        await asyncio.sleep(5.0)
        idle = await bot.ask({"do": "rss"})
        await bot.ask({"do": "operate", "names": names}, timeout=240.0)
        await asyncio.sleep(20.0)
        return float(idle), float(await bot.ask({"do": "rss"}))


def _report(
    options: Options,
    sides: Sequence[Side],
    previews: Sequence[tuple[int, list[float]]],
    memory: tuple[float, float],
) -> Report:
    rows = [
        [
            f"{options.machines} machines, {side.at_once} at once",
            f"{side.wall:.1f} s",
            f"{side.ideal:.1f} s",
            f"{side.wall / side.ideal:.2f}×",
            f"{sum(side.calls.values()) / options.machines:.1f}",
            ms(percentile(side.lags, 0.5)),
            ms(percentile(side.lags, 0.95)),
            str(sum(side.slack.values())),
            str(side.refused),
        ]
        for side in sides
    ]
    headers = [
        "",
        "wall",
        "ideal",
        "ratio",
        "MAAS calls a machine",
        "row p50",
        "row p95",
        "Slack calls a minute",
        "429",
    ]
    kinds = sorted({kind for side in sides for kind in side.calls})
    calls = [[f"{side.at_once} at once", *(str(side.calls[kind]) for kind in kinds)] for side in sides]
    methods = sorted({method for side in sides for method in side.slack})
    slack = [[f"{side.at_once} at once", *(str(side.slack.get(method, 0)) for method in methods)] for side in sides]
    shown = [[f"{count} machines", ms(percentile(s, 0.5)), ms(max(s))] for count, s in previews]
    return Report(
        "Many machines in one operation",
        "near the slowest machine and its queue; a handful of calls a machine; Slack's limits never met",
        [
            Table(headers, rows),
            Table(["MAAS was asked", *kinds], calls),
            Table(["the busiest minute at Slack", *methods], slack),
            Table(["the plan of", "p50", "most"], shown),
            Table(
                [f"memory with {options.large_fleet} machines", "RSS"],
                [["at rest", mib(memory[0])], [f"{options.operations} operations under way", mib(memory[1])]],
            ),
        ],
        [
            "Ideal: each machine takes as long as it took, and the next one begins the moment a place is free.",
            "Row: from a machine's end in MAAS to the first state of the message that counts it.",
            f"The plans are of a fleet of {options.large_fleet}, by a selector; each names its machines one by one.",
        ],
        {
            "ratio": max(side.wall / side.ideal for side in sides),
            "calls": max(sum(side.calls.values()) / options.machines for side in sides),
            "p95": max(percentile(side.lags, 0.95) for side in sides),
            "refused": float(sum(side.refused for side in sides)),
            "rss": memory[1],
            "preview": max(max(seconds) for _, seconds in previews),
        },
    )
