"""From an approver's click to its effect at MAAS, and what waiting approvals cost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench.asking import ANDREA, hasty_bot, request
from bench.processes import cpu_seconds
from bench.report import Report, Table, mib, ms, percentile, ratio
from bench.stage import Stage, stage
from sandbox.slack import Message

_STATE = "state"


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure.

    `decisions` are made with nothing else waiting, and with `waiting` others; `rate` is of clicks a second; `idle` is
    for how many seconds waiting is watched.
    """

    machines: int = 1000
    waiting: int = 200
    decisions: tuple[int, int] = (40, 100)
    rate: float = 2.0
    settle: float = 3.0
    idle: float = 10.0


@dataclass(slots=True)
class Side:
    """With so many approvals waiting. Seconds; a share of a core; bytes."""

    waiting: int
    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    rss: float = 0.0


async def measure(options: Options | None = None) -> Report:
    """One state; first nothing waits but what is decided, then many others do."""
    options = options or Options()
    sides = []
    async with stage(options.machines, speed=1.0) as it:
        names = await it.region.ask({"do": "deployed", "count": options.waiting + sum(options.decisions)})
        for waiting, decisions in zip((0, options.waiting), options.decisions, strict=True):
            side = Side(waiting)
            await _ask_for(it, [names.pop() for _ in range(waiting)])
            await _idle(it, side, options)
            chosen = [names.pop() for _ in range(decisions)]
            await _decide(it, side, await _ask_for(it, chosen), options)
            sides.append(side)
    return _report(options, sides)


async def _ask_for(it: Stage, machines: list[list[str]]) -> dict[str, Message]:
    """Ask for the release of each as a person does; returns the cards by the machine's id."""
    if not machines:
        return {}
    async with hasty_bot(it, _STATE) as bot:
        await bot.ready()
        await it.view_filled(_STATE)
        return {system_id: await request(it, f"release {name}") for name, system_id in machines}


async def _idle(it: Stage, side: Side, options: Options) -> None:
    """What a bot costs at which nothing happens but waiting."""
    async with it.bot(_STATE) as bot:
        await bot.ready()
        await it.view_filled(_STATE)
        await asyncio.sleep(options.settle)
        before, began = cpu_seconds(bot.process), time.monotonic()
        await asyncio.sleep(options.idle)
        side.cpu = (cpu_seconds(bot.process) - before) / (time.monotonic() - began)
        side.rss = float(bot.process.memory_info().rss)


async def _decide(it: Stage, side: Side, cards: dict[str, Message], options: Options) -> None:
    """Approve them at a steady rate, however long each takes."""
    clicked: dict[str, float] = {}
    async with it.bot(_STATE) as bot:
        await bot.ready()
        await it.view_filled(_STATE)
        await asyncio.sleep(options.settle)
        began = time.monotonic()
        for number, (system_id, card) in enumerate(cards.items()):
            await asyncio.sleep(max(0.0, began + number / options.rate - time.monotonic()))
            clicked[system_id] = time.monotonic()
            await it.click(card, "approval.approve", ANDREA)
        taken = await _taken(it, list(cards))
    side.seconds = [taken[system_id] - clicked[system_id] for system_id in cards]


async def _taken(it: Stage, wanted: list[str]) -> dict[str, float]:
    """When MAAS took each order."""
    async with asyncio.timeout(60):
        while True:
            orders = await it.region.ask({"do": "orders", "op": "release"})
            taken = {path.rstrip("/").rpartition("/")[2]: at for path, at in orders}
            if all(one in taken for one in wanted):
                return taken
            await asyncio.sleep(0.2)


def _report(options: Options, sides: list[Side]) -> Report:
    rows = [
        [
            f"{side.waiting} waiting",
            ms(percentile(side.seconds, 0.5)),
            ms(percentile(side.seconds, 0.99)),
            ms(max(side.seconds)),
            f"{side.cpu * 100:.1f} %",
            mib(side.rss),
        ]
        for side in sides
    ]
    few, many = sides
    halves = [(percentile(many.seconds, share), percentile(few.seconds, share)) for share in (0.5, 0.99, 1.0)]
    costs = [(many.cpu, few.cpu), (many.rss, few.rss)]
    rows.append([f"{many.waiting} / {few.waiting}", *(ratio(*pair) for pair in (*halves, *costs))])
    return Report(
        "From a click on Approve to its effect at MAAS",
        "waiting approvals cost next to nothing, and do not slow a decision.",
        [Table(["", "p50", "p99", "max", "CPU of a core, idle", "RSS"], rows)],
        [
            f"{options.machines} machines. From an approver's click on a card in Slack until MAAS has taken the order "
            f"to release the machine; {options.decisions[0]} and {options.decisions[1]} clicks, {options.rate:g} a "
            "second. Within that the click is checked, the plan is made anew, and the operation begins. Of the bot's "
            "reads of machines one begins every 2 s, five may begin at once for who waits: quick clicks share reads.",
            "Every request was made in Slack: words, plan, form, card. Bot, region and Slack are processes of their "
            f"own; CPU and memory are the bot's, over {options.idle:g} s in which nothing happened but waiting.",
        ],
        {
            "p50": halves[0][0],
            "p99": halves[1][0],
            "idle_cpu": many.cpu,
            "rss": many.rss,
            "decided": len(many.seconds),
        },
    )
