"""How soon a stalled import is told, that a slow one is never called stalled, and what watching an import costs."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bench.report import Report, Table
from bot.app import Bot
from bot.maas.image_reader import Images
from bot.maas.import_state import CHUNK, STALLED_AFTER, ImportFollower, Phase
from bot.maas.import_watcher import ImportPace
from bot.maas.models_images import BootFile
from bot.maas.models_region import BootResource, BootSet
from bot.pace import Pace
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.slack import Message, MessageRef

_OLGA, _OPS = "U0OLGA", "C0OPS"
_LOOK = ImportPace().busy
_SIZE = 420_000_000
_CONFIRM = "operation.confirm"


@dataclass(frozen=True, slots=True)
class Options:
    """`rates` in bytes/s for all writers together; calls are counted for `window` seconds with each of `waiting`."""

    rates: tuple[int, ...] = (30_000, 50_000, 100_000, 1_000_000)
    limit: float = 10.0
    waiting: tuple[int, ...] = (0, 1, 20)
    window: float = 30.0


async def measure(options: Options | None = None) -> Report:
    """The alarms by the clock of the mirror, the rest with a whole bot."""
    options = options or Options()
    # The bots run in this process, and their logs are not what is read here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    alarms = [[rate, writers, *_slow_import(rate, writers)] for rate in options.rates for writers in (1, 2)]
    told = _stall_told()
    message = await _until_message(options.limit)
    calls = [(waiting, await _calls(waiting, options.window)) for waiting in options.waiting]
    tables = [
        Table(
            ["Rate of the mirror", "files at a time", "longest pause", "false alarms"],
            [
                [f"{rate // 1000} kB/s", str(writers), f"{gap:.0f} s", str(count)]
                for rate, writers, gap, count in alarms
            ],
        ),
        Table(
            ["From the last byte to", "seconds"],
            [
                [f"the state, with the default limit of {STALLED_AFTER:g} s", f"{told:.0f}"],
                [f"the message in Slack, with a limit of {options.limit:g} s", f"{message:.1f}"],
            ],
        ),
        Table(
            ["Machines that wait for the image", "calls about images a minute"],
            [[str(waiting), f"{count:.0f}"] for waiting, count in calls],
        ),
    ]
    figures = {"told": told, "message": message}
    figures |= {f"alarms_{rate}_{writers}": float(count) for rate, writers, _, count in alarms}
    figures |= {f"calls_{waiting}": count for waiting, count in calls}
    return Report(
        title="/maas images doctor",
        aim="no false alarm at 50 kB/s; a stall is told as soon as the limit has passed; the calls do not grow with "
        "those who look on.",
        tables=tables,
        notes=[
            f"MAAS loads two files at a time, and shows what arrives in steps of 10 MiB. A look every {_LOOK:g} s.",
            "The calls are those about images, sources, racks and settings while an import runs, from the first look.",
        ],
        figures=figures,
    )


# -- by the mirror's clock ---------------------------------------------------------------------------------------------


def _shown(done: int, writers: int) -> Images:
    resources = []
    for number in range(writers):
        progress = _SIZE / done if 0 < done < _SIZE else 0
        file = BootFile("squashfs", f"sha-{number}", _SIZE, done >= _SIZE, progress)
        whole = BootSet("20261110", "stable", _SIZE, done >= _SIZE, 100 * done / _SIZE, {"squashfs": file})
        resources.append(BootResource(number, f"ubuntu/r{number}", "Synced", "amd64/ga", sets={"20261110": whole}))
    return Images(tuple(resources), importing=True)


def _slow_import(rate: int, writers: int) -> tuple[float, int]:
    """A whole import at this rate: the longest pause between two steps, and how often it was called stalled."""
    follower, now, alarms, was = ImportFollower(), 0.0, 0, Phase.IDLE
    each = rate / writers
    while now < _SIZE / each:
        arrived = int(each * now)
        phase = follower.look(_shown(arrived - arrived % CHUNK, writers), now).phase
        alarms += phase is Phase.STALLED and was is not Phase.STALLED
        was, now = phase, now + _LOOK
    return CHUNK / each, alarms


def _stall_told() -> float:
    """Seconds from the last step of an import until it is called stalled."""
    follower, now = ImportFollower(), 0.0
    follower.look(_shown(0, 1), now)
    follower.look(_shown(CHUNK, 1), now := now + _LOOK)
    last = now
    while follower.look(_shown(CHUNK, 1), now).phase is not Phase.STALLED:
        now += _LOOK
    return now - last


# -- with a whole bot --------------------------------------------------------------------------------------------------


class _Running:
    """A world and a bot in this process, with the image that machines boot gone."""

    def __init__(self, world: World, bot: Bot) -> None:
        self.world = world
        self.bot = bot

    @classmethod
    async def make(cls, stack: AsyncExitStack, pace: ImportPace, machines: int = 6) -> _Running:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maasbot-bench-")))
        world = World.build(folder, machines=machines, strict_timing=False)
        await world.start()
        stack.push_async_callback(world.stop)
        bot = Bot(world.settings(), build_catalog(), overview, pace=Pace(imports=pace))
        stack.push_async_callback(bot.stop)
        await bot.start()
        region = bot.regions["default"]
        await _until(lambda: region.fleet.status.filled_at)
        images = world.region.world.images
        for one in images.of(world.region.world.settings["commissioning_distro_series"], "amd64"):
            del images.resources[one.id]
        return cls(world, bot)

    async def agreed(self, words: str) -> Message:
        """Ask, and say yes."""
        workspace = self.world.workspace
        before = {one.ts for one in workspace.messages(_OPS, _OLGA)}
        await workspace.slash(_OLGA, _OPS, words)
        plan: Message = await _until(
            lambda: next((one for one in workspace.messages(_OPS, _OLGA) if one.ts not in before and one.bot_id), None)
        )
        found = [
            (block["block_id"], element["value"])
            for block in plan.blocks
            for element in block.get("elements", [])
            if isinstance(element, dict) and element.get("action_id") == _CONFIRM
        ]
        assert found, plan.text
        reference = MessageRef(plan.channel_id, plan.ts)
        await workspace.click(_OLGA, reference, _CONFIRM, block_id=found[0][0], value=found[0][1])
        return plan


async def _until_message(limit: float) -> float:
    async with AsyncExitStack() as stack:
        it = await _Running.make(stack, ImportPace(busy=1.0, stalled_after=limit))
        plan = await it.agreed("images import")
        await _until(lambda: it.bot.regions["default"].imports.state.done)
        it.world.region.faults.set("stalled-import")
        began = time.monotonic()

        def replies() -> bool:
            return any("stalled" in one.text for one in it.world.workspace.messages(_OPS, _OLGA, plan.ts))

        await _until(replies, limit + 60)
        return time.monotonic() - began


async def _calls(waiting: int, window: float) -> float:
    """Calls a minute while an import crawls and so many machines wait for their image."""
    async with AsyncExitStack() as stack:
        it = await _Running.make(stack, ImportPace(), machines=80)
        it.world.region.faults.set("slow-mirror", rate=100_000)
        await it.bot.regions["default"].api.start_import()
        await it.bot.regions["default"].imports.look()
        if waiting:
            fleet = it.bot.regions["default"].fleet.machines().values()
            able = [one.hostname for one in fleet if one.status_name in {"New", "Ready"} and not one.locked]
            assert len(able) >= waiting, len(able)
            await it.agreed(f"commission {' '.join(able[:waiting])} --when-ready")
            await asyncio.sleep(2.0)
        it.world.region.log.clear()
        await asyncio.sleep(window)
        calls = Counter(call.path.partition("/")[0] for call in it.world.region.log)
        about = sum(calls[name] for name in ("boot-resources", "boot-sources", "maas"))
        about += sum(1 for call in it.world.region.log if call.op == "list_boot_images")
        return about * 60 / window


async def _until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.05)
    return found
