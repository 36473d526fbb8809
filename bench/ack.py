"""How fast a slash command is acknowledged in HTTP mode, beside a bare Bolt app, while machines are commissioned."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.processes import Child, cpu_seconds
from bench.report import Report, Table, ms, percentile, ratio
from bench.stage import OPS, PEOPLE, Stage, stage
from sandbox.slack import payloads


@dataclass(frozen=True, slots=True)
class Options:
    """The size of the measure. `rate` is commands a second, `seconds` the length of each of the `rounds`."""

    machines: int = 400
    commissions: int = 100
    rate: float = 200.0
    seconds: float = 2.5
    rounds: int = 4
    settle: float = 6.0


@dataclass(slots=True)
class Side:
    """What one side was measured to do."""

    name: str
    url: str
    took: list[float] = field(default_factory=list)
    failed: int = 0
    late: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    #: By upper bound in seconds, how often the bot's event loop was late by no more than that; only for maasbot.
    loop_late: Counter[float] = field(default_factory=Counter)


async def measure(options: Options | None = None) -> Report:
    """The sides take turns, so that noise on the machine hits both."""
    options = options or Options()
    async with stage(options.machines) as world, world.bot(MAASBOT_MODE="http") as bot:
        app = world.workspace.app
        app.delivery, app.request_url = "http", f"http://127.0.0.1:{bot.port}/slack/events"
        async with world.child("bare", "http") as bare, world.child("load") as load:
            await bot.ready()
            await world.view_filled()
            port = (await bare.read())["port"]
            await world.commission(options.commissions, settle=options.settle)
            sides = (
                (Side("bare Bolt app that only acks", f"http://127.0.0.1:{port}/slack/events"), bare),
                (Side("maasbot", app.request_url), bot),
            )
            for side, _ in sides:  # neither side's first connection and first imports are measured
                await _fire(world, load, side.url, 10, 10.0)
            answered = world.workspace.call_counts["response_url"]
            for _ in range(options.rounds):
                for side, child in sides:
                    before = await _loop_late(bot.port)
                    await _round(world, load, side, child, options)
                    if child is bot:
                        side.loop_late.update(await _loop_late(bot.port) - before)
            answered = world.workspace.call_counts["response_url"] - answered
    refused = sum(count for (_, error), count in world.workspace.error_counts.items() if error == "ratelimited")
    return _report(options, [side for side, _ in sides], answered, refused)


async def _round(world: Stage, load: Child, side: Side, child: Child, options: Options) -> None:
    count = round(options.rate * options.seconds)
    cpu = cpu_seconds(child.process)
    told = await _fire(world, load, side.url, count, options.rate)
    side.cpu += cpu_seconds(child.process) - cpu
    side.took += told["took"]
    side.failed += count - told["statuses"].get("200", 0)
    side.late = max(side.late, told["late"])
    side.seconds += told["seconds"]


async def _loop_late(port: int) -> Counter[float]:
    """What the bot says of its event loop, as buckets that each hold the smaller ones."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        text = await answer.text()
    found = re.findall(r'^maasbot_loop_late_seconds_bucket\{le="([^"]+)"\} ([\d.]+)$', text, re.MULTILINE)
    return Counter({float(bound): int(float(count)) for bound, count in found})


def _late_words(late: Counter[float]) -> str:
    looks = late[float("inf")]
    over = ", ".join(f"{looks - late[bound]} times over {bound * 1000:g} ms" for bound in (0.01, 0.025, 0.05, 0.1))
    return f"maasbot's event loop, looked at {looks} times meanwhile, was late {over}."


async def _fire(world: Stage, load: Child, url: str, count: int, rate: float) -> Any:
    forms = [_form(world, PEOPLE[at % len(PEOPLE)]) for at in range(count)]
    secret = world.workspace.app.signing_secret
    return await load.ask({"url": url, "secret": secret, "rate": rate, "forms": forms}, timeout=120.0)


def _form(world: Stage, user: str) -> dict[str, Any]:
    ws = world.workspace
    response = ws.tickets.response(user, OPS, kind="commands")
    form = payloads.slash_form(ws, ws.users[user], ws.channels[OPS], "/maas", "status")
    return {**form, "response_url": ws.base_url + response.path, "trigger_id": ws.tickets.trigger(user)}


def _report(options: Options, sides: list[Side], answered: int, refused: int) -> Report:
    bare, ours = sides
    rows = [
        [
            side.name,
            str(len(side.took)),
            *(ms(percentile(side.took, share)) for share in (0.5, 0.99, 1.0)),
            str(sum(1 for one in side.took if one > 1.0)),
            str(side.failed),
            f"{side.cpu / side.seconds:.0%}",
        ]
        for side in sides
    ]
    ratios = [ratio(percentile(ours.took, share), percentile(bare.took, share)) for share in (0.5, 0.99, 1.0)]
    rows.append(["maasbot / bare", "", *ratios, "", "", ""])
    headers = ["Acknowledging /maas status", "commands", "p50", "p99", "max", "over 1 s", "not 200", "CPU of a core"]
    late = max(side.late for side in sides)
    p99 = {side.name: percentile(side.took, 0.99) for side in sides}
    return Report(
        title="Acknowledgement under load",
        aim="p99 within 1.5 times a bare Bolt app's, no acknowledgement over 1 s.",
        tables=[Table(headers, rows)],
        notes=[
            f"HTTP mode, {options.rate:g} signed commands a second from a process of its own, "
            f"{options.rounds} rounds of {options.seconds:g} s for each side in turn, while maasbot has "
            f"{options.commissions} of {options.machines} machines being commissioned. Bolt looks for the "
            "acknowledgement every 10 ms by default, as in the bare app; maasbot lets it answer at once.",
            _late_words(ours.loop_late),
            f"Slack's limits: the bot gave {answered} answers meanwhile, the others wait their turn; Slack refused "
            f"{refused} calls for their rate. No command was sent more than {ms(late)} late.",
        ],
        figures={
            "bare_p99": p99[bare.name],
            "ours_p99": p99[ours.name],
            "ratio_p99": p99[ours.name] / p99[bare.name],
            "ours_max": max(ours.took),
            "failed": bare.failed + ours.failed,
            "answered": answered,
            "refused": refused,
            "commands": len(ours.took),
            "loop_over_100_ms": ours.loop_late[float("inf")] - ours.loop_late[0.1],
        },
    )
