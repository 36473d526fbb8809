"""The weekly report as people see it: table, causes and chart, on a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.demo import World
from tests.browser.conftest import Open, at, fits, roots, shoot, type_in
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
