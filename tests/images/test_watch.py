"""What `/maas watch images` is told: stalls, and imports that end without what is wanted, once each."""

from __future__ import annotations

import time

from bot.watches.images_source import ImagesSource
from bot.watches.sources import Glance
from tests.images.lab import Lab, lab, until


async def told(it: Lab, memory: dict) -> list[str]:  # type: ignore[type-arg]
    """What is new since the last look, which this one becomes."""
    looked = await ImagesSource().look(it.service, memory or None, Glance(time.time(), as_of=time.time(), first=False))
    assert looked is not None
    memory.update(looked.memory)
    return [one.text for one in looked.happenings]


async def test_a_stall_and_an_end_without_the_image_are_told_once() -> None:
    async with lab() as it:
        memory: dict = {}  # type: ignore[type-arg]
        assert await told(it, memory) == []
        it.select("bionic")
        it.region.faults.set("slow-mirror", rate=10_000_000)
        await it.begin()
        it.region.faults.set("stalled-import")
        await until(lambda: it.service.imports.state.phase == "stalled", "the stall to be seen")
        found = await told(it, memory)
        assert any("stalled at" in one and "nothing has arrived for" in one for one in found), found
        assert not [one for one in await told(it, memory) if "stalled" in one]
        it.region.faults.clear("stalled-import")  # the connection ends, and the import with it
        await until(lambda: (last := it.service.imports.state.last) is not None and last.missing, "the end to be seen")
        assert "The import ended, and not all is there: ubuntu/bionic amd64." in await told(it, memory)
        assert not [one for one in await told(it, memory) if "ended" in one]
