"""What happens in a region, what the channel hears of it, and a bot that can be stopped and started beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.watches.service import WatchPace
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.maas.machine import Machine
from sandbox.slack import Message
from tests.support.harness import ADAM, OLGA, OPS, QUICK, Talk, until, words_of

#: A second channel: Slack takes about one message a second in each.
OTHER = "C0APPROVE"


def said(message: Message) -> str:
    return f"{message.text} {words_of(message.blocks)}"


def labels(message: Message) -> list[str]:
    """What the buttons of a message say."""
    return [
        element["text"]["text"]
        for block in message.blocks
        for element in block.get("elements", [])
        if isinstance(element, dict) and element.get("type") == "button"
    ]


def button(message: Message, label: str) -> dict[str, Any]:
    """The button that says this, with the block that it stands in."""
    return next(
        {**element, "block_id": block["block_id"]}
        for block in message.blocks
        for element in block.get("elements", [])
        if isinstance(element, dict) and element.get("type") == "button" and element["text"]["text"] == label
    )


async def press(talk: Talk, message: Message, label: str, user: str = OLGA) -> Any:
    """Click the button that says this, on the message as it is now."""
    now = talk.now(message, user)
    found = button(now, label)
    return await talk.workspace.click(
        user, now.ref, found["action_id"], block_id=found["block_id"], value=found["value"]
    )


class Place:
    """A world in which bots come and go."""

    def __init__(self, world: World, pace: WatchPace) -> None:
        self.world = world
        self.talk = Talk(world)
        self._pace = replace(QUICK, watches=pace)
        self.bot: Bot | None = None

    async def start(self) -> None:
        """Start a bot, and wait until it has seen the machines."""
        self.bot = Bot(self.world.settings(), build_catalog(), overview, pace=self._pace)
        await self.bot.start()
        await until(lambda: self.fleet.status.as_of, what="the fleet view")
        await self.bot.regions["default"].watcher.wait_for_snapshot(10)

    async def stop(self) -> None:
        if self.bot is not None:
            await self.bot.stop()
            self.bot = None

    @property
    def fleet(self) -> Any:
        assert self.bot is not None
        return self.bot.regions["default"].fleet

    async def watch(self, what: str, *words: str, channel: str = OPS) -> None:
        """Set a watch, and wait until it says so in the channel and has begun to look."""
        await self.talk.ask(" ".join(["watch", what, *words]), user=ADAM, channel=channel)
        await self.hears(f"/maas unwatch {what}", channel=channel, user=ADAM)
        assert self.bot is not None and self.bot.watches is not None
        store, sources = self.bot.watches.store, {"images": "images", "host": "host"}
        source = sources.get(what, what)

        async def looked() -> bool:
            return (await store.memory("default", source))[2] > 0

        for _ in range(200):
            if await looked():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it has not looked")

    def heard(self, channel: str = OPS, user: str = ADAM) -> list[Message]:
        """What the bot said in the channel without being asked, oldest first."""
        return [one for one in self.world.workspace.messages(channel, user) if one.bot_id and not one.ephemeral_to]

    def about(self, *parts: str, channel: str = OPS, user: str = ADAM) -> list[Message]:
        return [one for one in self.heard(channel, user) if all(part in said(one) for part in parts)]

    async def hears(self, *parts: str, timeout: float = 20.0, channel: str = OPS, user: str = ADAM) -> Message:
        """Wait for a message that holds all of these."""
        found: list[Message] = await until(
            lambda: self.about(*parts, channel=channel, user=user), timeout, f"{parts} in {channel}"
        )
        return found[0]

    def appears(self, name: str, **fields: Any) -> Machine:
        """A machine enlists itself, as one that booted over the network does."""
        world = self.world.region.world
        machine = world.add_machine(name, **fields)
        world.node_event(machine, "INFO", "Performing PXE boot")
        return machine

    def fails(self, name: str, state: int, words: str = "it fell over") -> None:
        """A machine fails on its own."""
        from sandbox.maas.power import change_status

        world = self.world.region.world
        machine = world.machine(name)
        world.node_event(machine, "ERROR", "Marking node failed", words)
        change_status(world, machine, state)

    def is_well(self, name: str, state: int) -> None:
        from sandbox.maas.power import change_status

        change_status(self.world.region.world, self.world.region.world.machine(name), state)


@asynccontextmanager
async def place(
    state: Path, *, pace: WatchPace | None = None, settings: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Place]:
    """Stand-ins with a running bot."""
    world = World.build(state, **{"speed": 40.0, "strict_timing": False, **options})
    world.extra = settings or {}
    await world.start()
    it = Place(world, pace or QUICK.watches)
    try:
        await it.start()
        yield it
    finally:
        await it.stop()
        await world.stop()
