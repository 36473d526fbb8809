"""Images that do not arrive, as people see it: the chart of a stalled import, and three cases of the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, last, shoot, shown, type_in
from tests.support.harness import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_three_cases_of_the_doctor(tmp_path: Path, open_page: Open) -> None:
    async with shown(tmp_path, speed=20.0) as world:
        address = f"{world.slack.base_url}/?as=U0OLGA&channel=C0OPS"
        page, phone = await open_page(address), await open_page(address, width=390, height=844)
        images, faults = world.region.world.images, world.region.faults
        images.select(images.sources[0], "bionic")
        faults.set("index-missing")
        await type_in(page, "/maas images import")
        await last(page).get_by_role("button", name="Import images").click()
        await expect(page.locator("[data-list=channel]")).to_contain_text("Importing images failed", timeout=30_000)
        await _look(page, phone, "images doctor", "index", "doctor-index")

        faults.clear("index-missing")
        faults.set("slow-mirror", rate=6_000_000)
        await type_in(page, "/maas images import")
        await last(page).get_by_role("button", name="Import images").click()

        def begun() -> bool:
            files = [file for one in images.of("bionic", "amd64") for file in one.files]
            return any(0 < one.done < one.size for one in files)

        await until(begun, what="something to arrive")
        faults.set("stalled-import")
        await expect(page.locator("[data-list=channel]")).to_contain_text("nothing has arrived for", timeout=30_000)
        await _look(page, phone, "images doctor", "nothing has arrived for", "doctor-stalled")
        await _look(page, phone, "images", "stalled", "images-stalled")

        faults.clear("stalled-import")
        faults.set("region-restarted")
        await until(lambda: not images.importing, what="the restart")
        await type_in(page, "/maas images doctor")
        await expect(last(page)).to_contain_text("is half there", timeout=15_000)
        await shoot(page, "doctor-half-1280")
        await last(phone).scroll_into_view_if_needed()
        await shoot(phone, "doctor-half-390")


async def _look(page: Page, phone: Page, words: str, part: str, name: str) -> None:
    """Ask on a screen and on a phone, and take a picture of each."""
    for where, size in ((page, 1280), (phone, 390)):
        await type_in(where, f"/maas {words}")
        await expect(last(where)).to_contain_text(part)
        await shoot(where, f"{name}-{size}")
