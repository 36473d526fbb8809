"""What people do again and again in these tests, and what they look at."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from sandbox.maas.machine import Machine
from sandbox.slack import Message
from tests.support.harness import OLGA, OPS, Running, Talk, until, words_of

CONFIRM, WITHDRAW, CANCEL = "operation.confirm", "operation.withdraw", "operation.cancel"


def said(message: Message) -> str:
    """All words of a message as it was when it was read, its summary first."""
    return f"{message.text} {words_of(message.blocks)}"


def machine_of(it: Running, name: str) -> Machine:
    """The machine as the region has it."""
    return it.world.region.world.machine(name)


def asked(it: Running, name: str) -> int:
    """How often the region accepted an order to commission this machine."""
    return int(it.world.region.effects["commission", machine_of(it, name).system_id])


def operation_id(message: Message) -> str:
    """The id of the operation that a message shows."""
    return next(word.strip(".,:") for word in message.text.split() if word.startswith("op-"))


def buttons(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """All buttons by their action, without what the renderer adds to keep actions unique."""
    return {
        str(element["action_id"]): {**element, "block_id": block["block_id"]}
        for block in blocks
        for element in block.get("elements", [])
        if isinstance(element, dict) and element.get("type") == "button"
    }


async def confirmed(talk: Talk, words: str, **where: Any) -> Message:
    """Ask for something and confirm its plan; returns the root message."""
    plan = await talk.ask(words, **where)
    await talk.click(plan, CONFIRM, user=where.get("user", OLGA))
    return plan


async def told(
    talk: Talk, user: str, *parts: str, channel: str = OPS, thread: str | None = None, timeout: float = 15.0
) -> str:
    """Wait until something that only `user` sees holds all of these words."""

    def found() -> str | None:
        for message in reversed(talk.workspace.messages(channel, user, thread)):
            text = said(message)
            if message.ephemeral_to == user and all(part in text for part in parts):
                return text
        return None

    seen = [said(one) for one in talk.workspace.messages(channel, user, thread) if one.ephemeral_to == user]
    return str(await until(found, timeout, f"{parts} for {user} alone; there is {seen[-3:]}"))


def rows(state: Path, query: str, *values: Any, file: str = "maasbot.sqlite") -> list[Any]:
    """Read from, or patch, the bot's own database beside it."""
    connection = sqlite3.connect(state / "bot" / file, timeout=10)
    try:
        found = connection.execute(query, values).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


async def stays(condition: Any, seconds: float, what: str) -> None:
    """See that something holds for so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        assert condition(), what
        await asyncio.sleep(0.02)
