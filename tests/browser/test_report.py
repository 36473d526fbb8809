"""Charts as people see them, of a week and of an import: drawn by Slack, as a table, as a picture in the thread."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.demo import World
from tests.browser.conftest import Open, at, fits, roots, shoot, type_in
from tests.support.harness import until
from tests.support.history import remember

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_report_with_its_chart(world: World, open_page: Open) -> None:
    remember(world.state, 7)
    for width, height in ((1280, 900), (390, 844)):
        page = await open_page(at(world), width=width, height=height)
        await type_in(page, "/maas report")
        report = roots(page).last
        await expect(report).to_contain_text("default, the 7 days to")
        await expect(report).to_contain_text("Machines by state, default")
        await expect(report.get_by_role("img", name="Machines by state, default")).to_be_visible()
        await expect(report).to_contain_text("Deployed")
        await fits(page)
        await shoot(page, f"report-{width}")


@pytest.mark.long
@pytest.mark.parametrize("native", [True, False], ids=["native", "fallback"])
async def test_the_course_of_an_import_and_the_week_with_their_pictures(
    world: World, open_page: Open, native: bool
) -> None:
    remember(world.state, 7)
    images = world.region.world.images
    images.select(images.sources[0], "bionic")
    world.region.faults.set("slow-mirror", rate=6_000_000)
    world.region.imports.start()
    await until(lambda: any(one.done for found in images.of("bionic", "amd64") for one in found.files), 30, "bytes")
    if not native:
        world.workspace.faults.set("no-native-blocks")
    page = await open_page(at(world), width=1500, height=1200)
    mine = f"<@{world.workspace.app.bot_user_id}>"
    for words, title, name in (
        ("images", "Import of images, MB", "import-default.png"),
        ("report", "Machines by state, default", "states-default-"),
    ):
        ts = await world.workspace.say("U0OLGA", "C0OPS", f"{mine} {words}")

        def pictures(ts: str = ts, name: str = name) -> list[object]:
            return [one for one in world.workspace.files.values() if one.shared and one.name.startswith(name)]

        await until(pictures, 30, "the picture in the thread")
        await page.locator(f"[data-list=channel] [data-open-thread='{ts}']").last.click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread).to_contain_text(title)
        await expect(thread.locator("svg[role=img]")).to_have_count(1 if native else 0)
        picture = thread.locator("img.file-picture").last
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("naturalWidth", 1200)
        await shoot(page, f"{words}-picture-{'native' if native else 'fallback'}")
