"""What people do with images in these tests, and what they look at."""

from __future__ import annotations

from sandbox.slack import Message
from tests.kinds.steps import agree
from tests.support.harness import Running, until

#: Bytes a second on a region forty times as fast: an import takes seconds.
SLOWLY = 6_000_000
STALL = "nothing has arrived for"


def images(it: Running, release: str) -> list[object]:
    return list(it.world.region.world.images.of(release, "amd64"))


def complete(it: Running, release: str) -> bool:
    found = it.world.region.world.images.of(release, "amd64")
    return bool(found) and all(one.complete for one in found)


def orders(it: Running) -> int:
    return it.world.region.effects[("import", "")]


async def asked(it: Running, words: str) -> Message:
    """Ask, and say yes to the plan."""
    plan = await it.talk.ask(words)
    await agree(it.talk, plan)
    return plan


async def begun(it: Running) -> None:
    """An import that somebody else ordered, and of which something has arrived."""
    region = it.bot.regions["default"]
    await region.api.start_import()
    await region.imports.look()
    await until(lambda: region.imports.state.done, what="something to arrive")


async def stalled(it: Running) -> None:
    """An import of bionic that loads something and then nothing any more."""
    it.world.region.world.images.select(it.world.region.world.images.sources[0], "bionic")
    it.world.region.faults.set("slow-mirror", rate=SLOWLY)
    await begun(it)
    imports = it.bot.regions["default"].imports
    it.world.region.faults.set("stalled-import")
    await until(lambda: imports.state.phase == "stalled", what="the stall to be seen")
