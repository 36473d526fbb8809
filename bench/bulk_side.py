"""A bot in a process of its own that begins operations without people: `python -m bench.bulk_side`. JSON lines."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import psutil

from bot.app import Bot
from bot.operations.all_kinds import all_kinds
from bot.people import Door, Identity, Origin
from bot.settings import load_settings
from bot.telemetry import set_up_logging
from commands.catalogue import build_catalog
from commands.status import overview

_OLGA = Identity("T0MAAS", "U0OLGA", "olga")
_HERE = Origin(Door.COMMAND, "C0OPS")


async def answer(bot: Bot, order: dict[str, Any]) -> Any:
    """Carry out one order."""
    if order["do"] == "operate":
        await asyncio.gather(*(operate(bot, name) for name in order["names"]))
    return psutil.Process().memory_info().rss


async def operate(bot: Bot, name: str) -> None:
    """Plan and confirm the commissioning of one machine."""
    operations, region = bot.operations, bot.regions["default"]
    assert operations is not None
    machine = region.fleet.find(name)[0]
    plan = await operations.plan("commission", region, {"ids": [machine.system_id]})
    operation = await operations.propose(plan, _OLGA, _HERE, f"commission {name}")
    verdict = await operations.confirm(operation.id, operation.nonce, _OLGA)
    assert verdict.done, verdict.reason


async def main() -> None:
    """Serve until standard input ends."""
    set_up_logging("error", "console")
    bot = Bot(load_settings(), build_catalog(), overview, kinds=all_kinds())
    await bot.start()
    while bot.regions["default"].fleet.status.filled_at is None:
        await asyncio.sleep(0.1)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps("filled"), flush=True)
    while line := await lines.readline():
        print(json.dumps(await answer(bot, json.loads(line))), flush=True)
    await bot.stop()


if __name__ == "__main__":
    asyncio.run(main())
