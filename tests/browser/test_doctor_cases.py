"""Every case of `/maas images doctor` on the page, as a person meets it; where it offers to recover, until it has.

Each leaves pictures in `.test-output/browser/`: `case-NAME-1-said`, and where there is more, `-2-plan`, `-3-under-way`
and `-4-recovered`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.maas.import_watcher import ImportPace
from bot.operations.image_cases import Case
from bot.pace import Pace
from sandbox.demo import World
from tests.browser.conftest import Open, at, last, shoot, shown, type_in
from tests.support.harness import QUICK, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_PATIENCE = 40_000  # ms
#: What the thread says while it waits for the end of an import, or for the racks.
_WAITS = re.compile("Waiting for the region's restart|Running: |still fetching it")
_RECOVERED = "Recovered the import of images"
#: Bytes a second on a region that is fifteen times as fast.
_SLOWLY = 6_000_000


async def nothing(_: World) -> None:
    return


async def wanted(world: World) -> None:
    images = world.region.world.images
    images.select(images.sources[0], "bionic")


async def imported(world: World) -> None:
    """Somebody's import in MAAS's own pages, to its end."""
    await wanted(world)
    world.region.imports.start()
    await until(lambda: not world.region.world.images.importing, 30, "the import to end")


async def refused(world: World) -> None:
    """One that the bot has seen run, and that ends at the index: MAAS itself keeps nothing of it that could be read."""
    await wanted(world)
    world.region.faults.set("stalled-import")
    world.region.imports.start()

    def looks() -> int:
        return sum(1 for call in world.region.log if call.op == "is_importing")

    before = looks()
    await until(lambda: looks() > before + 1, 30, "the bot to look")
    world.region.faults.clear()
    world.region.faults.set("index-signature")
    await until(lambda: not world.region.world.images.importing, 30, "the import to end")


async def begun(world: World) -> None:
    """One of which something has arrived."""
    await wanted(world)
    if not world.region.faults.is_active("slow-mirror"):
        world.region.faults.set("slow-mirror", rate=_SLOWLY)
    images = world.region.world.images
    world.region.imports.start()
    await until(lambda: any(one.done for found in images.of("bionic", "amd64") for one in found.files), 30, "bytes")


async def starting(world: World) -> None:
    await wanted(world)
    # A mirror that does not send its index either.
    world.region.faults.set("stalled-import")
    world.region.imports.start()


async def slow(world: World) -> None:
    await begun(world)
    world.region.faults.set("slow-mirror", rate=1)


async def stalled(world: World) -> None:
    await begun(world)
    world.region.faults.set("stalled-import")


async def restarted(world: World) -> None:
    world.region.faults.clear()
    world.region.faults.set("region-restarted")


async def held(world: World) -> None:
    await begun(world)
    images = world.region.world.images
    images.select(images.sources[0], "hirsute")


async def half(world: World) -> None:
    await begun(world)
    await restarted(world)


async def no_source(world: World) -> None:
    world.region.world.images.sources.clear()


async def unselected(world: World) -> None:
    release = world.region.world.settings["commissioning_distro_series"]
    source = world.region.world.images.sources[0]
    source.selections = [one for one in source.selections if one.release != release]


async def new_source(world: World) -> None:
    images = world.region.world.images
    images.add_source("http://mirror.lan/maas/", "/etc/mirror.gpg")


def fault(name: str, then: Callable[[World], Awaitable[None]], **parameters: Any) -> Callable[[World], Awaitable[None]]:
    async def arrange(world: World) -> None:
        world.region.faults.set(name, **parameters)
        await then(world)

    return arrange


def on_host(name: str, **parameters: Any) -> Callable[[World], Awaitable[None]]:
    async def arrange(world: World) -> None:
        assert world.host is not None
        world.host.faults.set(name, **parameters)
        await wanted(world)

    return arrange


async def mended(world: World) -> None:
    world.region.faults.clear()
    if world.host is not None:
        world.host.faults.clear()


def patient(seconds: float) -> Pace:
    return replace(QUICK, imports=ImportPace(busy=0.05, idle=0.05, stalled_after=seconds))


@dataclass(frozen=True)
class Shown:
    """A case: how the region comes into it, a part of what is said, and what recovers it.

    Attributes:
        recover: what somebody does about the cause; None where the doctor offers nothing.
        late: the recovery waits for that, so it is confirmed first.
        options: of the world.
    """

    case: Case
    arrange: Callable[[World], Awaitable[None]]
    says: str
    recover: Callable[[World], Awaitable[None]] | None = None
    late: bool = False
    pace: Pace = QUICK
    extra: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


CASES = (
    Shown(Case.HEALTHY, nothing, "All 3 wanted images are complete."),
    Shown(Case.STARTING, starting, "reads the mirror's index", pace=patient(600)),
    Shown(Case.RUNNING, begun, "An import runs."),
    Shown(Case.SLOW, slow, "An import runs, slowly.", pace=patient(600)),
    Shown(Case.STALLED, stalled, "The import has stalled", restarted, late=True),
    Shown(Case.HELD, held, "not part of the import that runs", mended, late=True),
    Shown(Case.HALF, half, "is half there, and no import runs", mended),
    Shown(Case.NO_SOURCE, no_source, "MAAS has no source of images", mended, options={"host": True}),
    Shown(Case.UNSELECTED, unselected, "is not selected", mended),
    Shown(Case.INDEX_MISSING, fault("index-missing", imported), "can't read the mirror's index", mended),
    Shown(Case.INDEX_SIGNATURE, refused, "does not accept the mirror's index", mended),
    Shown(Case.INDEX_UNREAD, new_source, "A source is new"),
    Shown(Case.FILE_FAILED, fault("image-file-fails", imported), "a file could not be loaded", mended),
    Shown(Case.NOT_IMPORTED, wanted, "is wanted and not there", mended),
    Shown(Case.UNREACHABLE, on_host("mirror-dns"), "does not reach the mirror", mended, options={"host": True}),
    Shown(Case.CLOCK, on_host("clock", seconds=4000), "behind", mended, options={"host": True}),
    Shown(Case.NO_SPACE, on_host("disk-full"), "The disk of the region's host is full", mended, options={"host": True}),
    Shown(Case.RACKS_BEHIND, fault("racks-behind", nothing), "have not reached the rack controller", mended, late=True),
    Shown(Case.NO_RACK, fault("dead-rack", nothing), "No rack controller is connected"),
    Shown(
        Case.KEY,
        nothing,
        "may not read the sources",
        extra={"MAAS_API_KEY": lambda world: world.region.operator_api_key},
    ),
)


async def test_none_is_left_out() -> None:
    assert {one.case for one in CASES} == set(Case)


@pytest.mark.parametrize("it", CASES, ids=[one.case.value for one in CASES])
async def test_a_case_is_said_and_recovered(tmp_path: Path, open_page: Open, it: Shown) -> None:
    async with shown(tmp_path, pace=it.pace, extra=it.extra, **it.options) as world:
        page = await open_page(at(world), height=1100)
        await it.arrange(world)
        answer = await _said(page, it)
        await shoot(page, f"case-{it.case}-1-said")
        recover = answer.get_by_role("button", name="Recover")
        assert await recover.count() == (it.recover is not None)
        if it.recover is None:
            return
        if not it.late:
            await it.recover(world)
        await recover.click()
        plan = last(page)
        await expect(plan).to_contain_text("Recover the import of images?", timeout=_PATIENCE)
        await shoot(page, f"case-{it.case}-2-plan")
        await plan.get_by_role("button", name="Recover the import of images").click()
        if it.late:
            await expect(plan).to_contain_text(_WAITS, timeout=_PATIENCE)
            await shoot(page, f"case-{it.case}-3-under-way")
            await it.recover(world)
        await expect(page.locator("[data-list=channel]")).to_contain_text(_RECOVERED, timeout=_PATIENCE)
        await shoot(page, f"case-{it.case}-4-recovered")
        images = world.region.world.images
        assert not images.importing
        assert all(one.complete for one in images.resources.values())


async def _said(page: Page, it: Shown) -> Any:
    """Ask until it is so: a watcher sees a stall only after a while, and 20 MiB make a slow import after 80 s."""
    for _ in range(80):
        await type_in(page, "/maas images doctor")
        answer = last(page)
        await expect(answer).to_contain_text("Looked at through MAAS's API", timeout=_PATIENCE)
        if it.says in (await answer.inner_text()):
            return answer
        await page.wait_for_timeout(1500)
    raise AssertionError(await answer.inner_text())
