"""The demo as a newcomer meets it: the page, and the real bot on its stand-ins behind it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.demo import World
from tests.browser.conftest import Open, at, fits, roots, shoot, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PATIENCE = 20_000  # ms


async def test_status_then_commission_until_ready(world: World, open_page: Open) -> None:
    page = await open_page(at(world))
    await type_in(page, "/maas status")
    status = roots(page).last
    await expect(status).to_contain_text("MAAS 3.4.10 is up")
    await expect(status).to_contain_text("Needs attention")
    await expect(status).to_contain_text("Only visible to you")
    await shoot(page, "demo-status-1280")

    await type_in(page, "/maas commission node-3")
    plan = roots(page).last
    await expect(plan).to_contain_text("Commission node-3?")
    await expect(plan).to_contain_text("boots over the network")
    await shoot(page, "demo-plan-1280")
    await plan.get_by_role("button", name="Commission node-3").click()
    await expect(plan).to_contain_text("Commissioning node-3")
    await expect(plan.locator("[data-status=in_progress]")).to_have_count(1)
    await shoot(page, "demo-under-way-1280")
    await plan.hover()
    await plan.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator(".message").nth(1)).to_contain_text("1 Ready", timeout=_PATIENCE)
    await expect(thread.locator(".message").nth(1)).to_contain_text("@Olga Operator")
    await expect(plan).to_contain_text("Commissioned node-3")
    await expect(plan.locator("[data-status=complete]")).to_have_count(1)
    await expect(plan.get_by_role("button", name="Cancel")).to_have_count(0)
    await shoot(page, "demo-ready-1280")
    assert world.region.world.machine("node-3").status_name == "Ready"


async def test_a_failure_on_a_phone(world: World, open_page: Open) -> None:
    page = await open_page(at(world), width=390, height=844)
    await type_in(page, "/maas status")
    await expect(roots(page).last).to_contain_text("MAAS 3.4.10 is up")
    await fits(page)
    await shoot(page, "demo-status-390")
    await type_in(page, "/maas commission node-3 node-4")
    plan = roots(page).last
    await expect(plan).to_contain_text("Commission 2 machines?")
    await fits(page)
    await shoot(page, "demo-plan-390")
    await plan.get_by_role("button", name="Commission 2 machines").click()
    await expect(plan).to_contain_text("1 of 2 failed", timeout=_PATIENCE)
    await shoot(page, "demo-failed-390")
    await plan.get_by_role("button", name="replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("maas-lshw failed")
    await expect(thread).to_contain_text("lshw: terminated by signal 9")
    await fits(page)
    await shoot(page, "demo-failed-thread-390")


async def test_a_viewer_cannot_confirm(world: World, open_page: Open) -> None:
    olga, victor = await open_page(at(world)), await open_page(at(world, "U0VICTOR"))
    await type_in(olga, "/maas commission node-3")
    plan = roots(victor).filter(has_text="Commission node-3?")
    await plan.get_by_role("button", name="Commission node-3").click()
    refusal = roots(victor).last
    await expect(refusal).to_contain_text("needs the role operator")
    await expect(refusal).to_contain_text("Only visible to you")
    await shoot(victor, "demo-viewer-1280")
    await expect(roots(olga)).to_have_count(1)
    assert not world.region.effects
    await type_in(victor, "/maas help")
    await expect(roots(victor).last).to_contain_text("What you can do here")
    await expect(roots(victor).last).not_to_contain_text("commission")


async def test_home_and_the_form(world: World, open_page: Open) -> None:
    page = await open_page(at(world))
    await page.get_by_role("link", name="MAAS", exact=False).click()
    home = page.locator(".home")
    await expect(home).to_contain_text("MAAS 3.4.10 is up")
    await expect(home).to_contain_text("My operations")
    await shoot(page, "demo-home-1280")
    await home.get_by_role("button", name="Run a command").click()
    modal = page.get_by_role("dialog", name="MAAS")
    await expect(modal.get_by_role("button", name="Run")).to_be_visible()
    await shoot(page, "demo-form-1280")
    phone = await open_page(at(world), width=390, height=844)
    await type_in(phone, "/maas")
    modal = phone.get_by_role("dialog", name="MAAS")
    await expect(modal.get_by_role("button", name="Run")).to_be_visible()
    await fits(phone)
    await shoot(phone, "demo-form-390")


async def test_a_region_that_goes_down_is_seen(world: World, open_page: Open) -> None:
    page = await open_page(at(world))
    await expect(page.locator("body[data-live]")).to_be_visible()
    world.region.faults.set("down")
    await type_in(page, "/maas commission node-3")
    await expect(roots(page).last).to_contain_text("Nothing was changed")
    await type_in(page, "/maas status")
    await expect(roots(page).last).to_contain_text("has given no good answer")
    await shoot(page, "demo-down-1280")
