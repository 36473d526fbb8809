"""The whole bot on the stand-ins, for tests that speak to it as people do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.command.declaration import Catalog
from bot.maas.import_watcher import ImportPace
from bot.operations.all_kinds import all_kinds
from bot.operations.kinds import Kind
from bot.pace import Pace
from bot.watches.delivery import DeliveryPace
from bot.watches.service import WatchPace
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.slack import Message, MessageRef

OLGA, ANDREA, VICTOR, ADAM, GUEST, FIONA = "U0OLGA", "U0ANDREA", "U0VICTOR", "U0ADAM", "U0GUEST", "U0FIONA"
OPS, RANDOM = "C0OPS", "C0RANDOM"

#: Small enough for tests, large enough not to spin.
QUICK = Pace(
    events=0.1,
    snapshot=0.5,
    operations=0.05,
    rereads=0.1,
    watches=WatchPace(look=0.1, scale=0.05, delivery=DeliveryPace(gather=0.3, longest=1.5)),
    imports=ImportPace(busy=0.05, idle=0.05, stalled_after=2.0),
)


async def until(condition: Callable[[], Any], timeout: float = 15.0, what: str = "") -> Any:
    """Wait for a true value and return it."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {timeout} s: {what or condition}")
        await asyncio.sleep(0.02)


def words_of(blocks: Any) -> str:
    """All text in blocks, in order, blank-separated."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "user":
                found.append(f"<@{node['user_id']}>")
            keys = ["text", "title", "name", "caption", *(["value"] if node.get("type") != "button" else [])]
            found.extend(node[key] for key in keys if isinstance(node.get(key), str))
            for value in node.values():
                if not isinstance(value, str):
                    walk(value)
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk(blocks)
    return " ".join(found)


class Talk:
    """A person at the keyboard."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.workspace = world.workspace

    async def ask(self, text: str, user: str = OLGA, channel: str = OPS, timeout: float = 15.0) -> Message:
        """Type a slash command and wait for the first new message that the person sees."""
        before = {message.ts for message in self.workspace.messages(channel, user)}
        outcome = await self.workspace.slash(user, channel, text)
        assert outcome.error is None, outcome.error
        found: Message = await until(
            lambda: next(
                (
                    one
                    for one in reversed(self.workspace.messages(channel, user))
                    if one.ts not in before and one.bot_id
                ),
                None,
            ),
            timeout,
            f"an answer to {text}",
        )
        return found

    async def mention(self, text: str, user: str = OLGA, channel: str = OPS, thread: str | None = None) -> Message:
        """Mention the bot and wait for its answer in the thread."""
        ts = await self.workspace.say(user, channel, f"<@{self.workspace.app.bot_user_id}> {text}", thread)
        root = thread or ts

        def answer() -> Message | None:
            replies = [
                one for one in self.workspace.messages(channel, user, root) if one.bot_id and float(one.ts) > float(ts)
            ]
            return replies[0] if replies else None

        found: Message = await until(answer, what=f"an answer to {text}")
        return found

    async def click(self, message: Message, action: str, user: str = OLGA) -> Any:
        """Click the button of that action on a message as it is now."""
        block, element = next(
            (block, element)
            for block in self.now(message, user).blocks
            for element in block.get("elements", [])
            if isinstance(element, dict) and element.get("action_id") == action
        )
        return await self.workspace.click(
            user,
            MessageRef(message.channel_id, message.ts),
            action,
            block_id=block["block_id"],
            value=element["value"],
        )

    def now(self, message: Message, user: str = OLGA) -> Message:
        """The same message as it is now."""
        everything = [
            *self.workspace.messages(message.channel_id, user),
            *self.workspace.messages(message.channel_id, user, message.thread_ts or message.ts),
        ]
        return next(one for one in everything if one.ts == message.ts)

    def replies(self, message: Message, user: str = OLGA) -> list[Message]:
        """The thread below a message."""
        return [one for one in self.workspace.messages(message.channel_id, user, message.ts) if one.ts != message.ts]

    def read(self, message: Message, user: str = OLGA) -> str:
        """All words of a message as it is now, its summary first."""
        current = self.now(message, user)
        return f"{current.text} {words_of(current.blocks)}"

    async def reads(self, message: Message, *parts: str, timeout: float = 20.0, user: str = OLGA) -> str:
        """Wait until the message holds all of these words."""

        def found() -> str:
            text = self.read(message, user)
            return text if all(part in text for part in parts) else ""

        try:
            await until(found, timeout)
        except AssertionError:
            raise AssertionError(f"{parts} not within {timeout} s in: {self.read(message, user)[:1500]}") from None
        return found()


class Running:
    """A world with a bot in this process."""

    def __init__(self, world: World, bot: Bot) -> None:
        self.world = world
        self.bot = bot
        self.talk = Talk(world)

    def machine(self, status: str) -> str:
        """The host name of some machine in this state, as the bot sees the fleet."""
        fleet = self.bot.regions["default"].fleet
        return next(one.hostname for one in fleet.machines().values() if one.status_name == status)


@asynccontextmanager
async def running(
    state: Path,
    *,
    settings: dict[str, str] | None = None,
    catalog: Catalog | None = None,
    kinds: Sequence[Kind] | None = None,
    pace: Pace = QUICK,
    **options: Any,
) -> AsyncIterator[Running]:
    """Stand-ins and bot, up and with a filled fleet view; both stopped at the end."""
    options = {"speed": 40.0, "strict_timing": False, **options}
    world = World.build(state, **options)
    world.extra = settings or {}
    await world.start()
    bot = Bot(world.settings(), catalog or build_catalog(), overview, pace=pace, kinds=kinds or all_kinds())
    try:
        await bot.start()
        await until(lambda: bot.regions["default"].fleet.status.filled_at, what="the fleet view to fill")
        await bot.regions["default"].watcher.wait_for_snapshot(10)
        yield Running(world, bot)
    finally:
        await bot.stop()
        await world.stop()
