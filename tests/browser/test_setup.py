"""An empty region, set up in the browser until machines can boot; and what people see of its network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open, last, shoot, shown, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PATIENCE = 30_000  # ms
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"


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


async def test_an_empty_region_is_set_up_until_machines_can_boot(tmp_path: Path, open_page: Open) -> None:
    async with shown(tmp_path, fresh=True, speed=8.0) as world:
        address = f"{world.slack.base_url}/?as=U0OLGA&channel=C0OPS"
        page, phone = await open_page(address), await open_page(address, width=390, height=844)
        await type_in(page, "/maas status")
        await expect(last(page)).to_contain_text("off on every VLAN")
        await shoot(page, "setup-before-1280")
        # A window that a person has open shows on all of their screens: the phone's is closed before the other opens.
        for where, size in ((phone, 390), (page, 1280)):
            await type_in(where, "/maas setup")
            await expect(last(where)).to_contain_text("the form shows today's values")
            await last(where).get_by_role("button", name="Set up MAAS").click()
            form = where.get_by_role("dialog", name="Set up MAAS")
            await expect(form.get_by_label("Region name")).to_have_value("maas-region", timeout=_PATIENCE)
            await shoot(where, f"setup-form-{size}")
            if where is phone:
                await form.get_by_role("button", name="Close").first.click()
                await expect(page.get_by_role("dialog")).to_have_count(0, timeout=_PATIENCE)
        await form.get_by_label("Region name").fill("lab")
        await form.get_by_label("DNS servers for what MAAS does not know").fill("8.8.8.8 banana")
        await form.get_by_label("Releases").fill("focal jammy")
        await form.get_by_label("SSH public keys").fill(KEY)
        await form.get_by_role("button", name="Go on").click()
        await expect(form).to_contain_text("banana in upstream_dns is no IP address")
        await shoot(page, "setup-form-fault-1280")
        await form.get_by_label("DNS servers for what MAAS does not know").fill("8.8.8.8")
        await form.get_by_role("button", name="Go on").click()
        plan = last(page)
        await expect(plan).to_contain_text("Set up region default?")
        await expect(plan).to_contain_text("focal (amd64), jammy (amd64)")
        await shoot(page, "setup-plan-1280")
        await shoot(phone, "setup-plan-390")
        await plan.get_by_role("button", name="Set up region default").click()
        await expect(plan).to_contain_text("% of", timeout=_PATIENCE)
        await shoot(page, "setup-import-1280")
        await expect(plan).to_contain_text("ubuntu/focal amd64 can be booted", timeout=2 * _PATIENCE)
        await expect(plan).to_contain_text("all 9 steps done")
        await shoot(page, "setup-done-1280")
        await shoot(phone, "setup-done-390")
        await type_in(page, "/maas status")
        await expect(last(page)).to_contain_text("on for fabric-1 untagged")
        await shoot(page, "setup-after-1280")
