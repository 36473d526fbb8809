"""An empty region, set up in the browser until machines can boot; and what people see of its network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.app import Bot
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.page import mount
from tests.browser.conftest import HINTS, Open, shoot, type_in
from tests.support.harness import QUICK, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PATIENCE = 30_000  # ms


@asynccontextmanager
async def shown(state: Path, **options: object) -> AsyncIterator[World]:
    """The demo's world with its page and the bot."""
    world = World.build(state, strict_timing=False, **{"speed": 15.0, **options})
    mount(
        world.slack.app,
        world.workspace,
        faults={"Slack": world.workspace.faults, "MAAS": world.region.faults},
        hints=HINTS,
    )
    await world.start()
    bot = Bot(world.settings(), build_catalog(), overview, pace=QUICK)
    try:
        await bot.start()
        await until(lambda: bot.regions["default"].fleet.status.filled_at, what="the fleet view to fill")
        await bot.regions["default"].watcher.wait_for_snapshot(10)
        yield world
    finally:
        await bot.stop()
        await world.stop()


def last(page: Page):
    return page.locator("[data-list=channel] .message").last


async def test_the_network_on_a_screen_and_on_a_phone(tmp_path: Path, open_page: Open) -> None:
    async with shown(tmp_path) as world:
        address = f"{world.slack.base_url}/?as=U0OLGA&channel=C0OPS"
        page, phone = await open_page(address), await open_page(address, width=390, height=844)
        for words, part in (
            ("network", "2 subnets"),
            ("network lab-net", "Largest free"),
            ("dhcp", "DHCP is on for 1 VLAN"),
            ("racks", "all well"),
            ("sshkeys list", "has no SSH key"),
        ):
            for where, size in ((page, 1280), (phone, 390)):
                await type_in(where, f"/maas {words}")
                await expect(last(where)).to_contain_text(part)
                await shoot(where, f"network-{words.replace(' ', '-')}-{size}")
        await type_in(page, "/maas dhcp enable 10.99.0.0/24")
        await expect(last(page)).to_contain_text("Enable DHCP for 10.99.0.0/24?")
        await shoot(page, "network-dhcp-plan-1280")
        await last(phone).scroll_into_view_if_needed()
        await shoot(phone, "network-dhcp-plan-390")
        await last(page).get_by_role("button", name="Enable DHCP").click()
        await expect(page.locator("[data-list=channel]")).to_contain_text("Enabled DHCP on fabric-0", timeout=_PATIENCE)
        await shoot(page, "network-dhcp-done-1280")
        await type_in(page, "/maas sshkeys generate")
        await last(page).get_by_role("button", name="Make a key").click()
        window = page.get_by_role("dialog", name="New SSH key")
        await expect(window).to_contain_text("BEGIN OPENSSH PRIVATE KEY")
        await shoot(page, "network-key-1280")
