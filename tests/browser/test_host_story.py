"""From a bare host to a region with a commissioned machine, and back, by two people in the browser: `demo --bare`."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Open, fits, roots, shoot, type_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(420),
    pytest.mark.asyncio(loop_scope="session"),
]

_PATIENCE = 90_000  # ms


@asynccontextmanager
async def bare_demo() -> AsyncIterator[str]:
    """`maasbot demo --bare` as anybody starts it, only quicker than life; yields its page's address."""
    program = "import sys; from bot.cli import main; sys.exit(main())"
    words = ["demo", "--bare", "--port", "0", "--speed", "12"]
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (found := re.search(r"(http://\S+)/\?as=", (await demo.stdout.readline()).decode())):
                pass
        yield found[1]
    finally:
        if demo.returncode is None:
            demo.terminate()
        await demo.wait()


async def asked(page: Page, words: str) -> Locator:
    """Type a command; the newest message, which is its answer."""
    before = await roots(page).count()
    await type_in(page, f"/maas {words}")
    await expect(roots(page)).not_to_have_count(before, timeout=30_000)
    return roots(page).last


async def seen(page: Page, phone: Page, name: str) -> None:
    """A picture of both screens; the phone's has nothing that runs out of it."""
    await shoot(page, f"host-{name}-1280")
    await roots(phone).last.scroll_into_view_if_needed()
    await fits(phone)
    await shoot(phone, f"host-{name}-390")


async def test_install_set_up_commission_and_reset_by_two_people(open_page: Open) -> None:
    async with bare_demo() as base:
        here = f"{base}/?as=U0OLGA&channel=C0OPS"
        page, phone = await open_page(here), await open_page(here, width=390, height=844)
        andrea = await open_page(f"{base}/?as=U0ANDREA&channel=C0APPROVE", width=390, height=844)

        await expect(await asked(page, "status")).to_contain_text("/maas install")
        await seen(page, phone, "1-bare")
        await asked(page, "host check")
        await expect(roots(page).last).to_contain_text("snapd")
        await seen(page, phone, "2-check")

        plan = await asked(page, "install")
        await expect(plan).to_contain_text("Install MAAS")
        await seen(page, phone, "3-install-plan")
        await plan.get_by_role("button", name="Confirm").click()
        await expect(plan).to_contain_text("Installing the host")
        await expect(plan.locator("[data-status=in_progress]").first).to_be_visible(timeout=_PATIENCE)
        await seen(page, phone, "4-installing")
        await expect(plan).to_contain_text("Installed the host", timeout=_PATIENCE)
        await seen(page, phone, "5-installed")
        await expect(await asked(page, "host status")).to_contain_text("all well", timeout=_PATIENCE)
        await seen(page, phone, "6-status")

        await (await asked(page, "setup")).get_by_role("button", name="Set up MAAS").click()
        form = page.get_by_role("dialog", name="Set up MAAS")
        await form.get_by_label("Region name").fill("lab", timeout=_PATIENCE)
        await form.get_by_label("Releases").fill("jammy")
        await form.get_by_role("button", name="Go on").click()
        plan = roots(page).last
        await expect(plan).to_contain_text("Set up region default?", timeout=_PATIENCE)
        await plan.get_by_role("button", name="Set up region default").click()
        await expect(plan).to_contain_text("steps done", timeout=2 * _PATIENCE)
        await seen(page, phone, "7-set-up")

        # A machine boots over the network, and the bot sees it come.
        appears = {"panel": "MAAS", "fault": "machine-appears", "params": {}}
        assert (await page.request.post(f"{base}/client/faults/set", data=appears)).ok
        async with asyncio.timeout(90):
            while not (
                found := re.search(r"\b[a-z]+-[a-z]+\b(?=\s+New)", await (await asked(page, "machines")).inner_text())
            ):
                await asyncio.sleep(2)
        await seen(page, phone, "8-machine")
        plan = await asked(page, f"commission {found[0]}")
        await plan.get_by_role("button", name=f"Commission {found[0]}").click()
        await expect(plan).to_contain_text("1 Ready", timeout=_PATIENCE)
        await seen(page, phone, "9-commissioned")

        plan = await asked(page, "reset")
        await expect(plan).to_contain_text("What will be lost")
        await expect(plan.get_by_role("button", name="Confirm")).to_have_count(0)
        await seen(page, phone, "10-reset-plan")
        await plan.get_by_role("button", name="Ask for approval").click()
        form = page.get_by_role("dialog", name="Ask for approval")
        await form.locator("textarea").fill("the lab moves to other hardware")
        typed = form.locator("input[type=text], input:not([type])").last
        await typed.fill("maas-host-2")
        await form.get_by_role("button", name="Ask", exact=True).click()
        await expect(form).to_contain_text("Type 127.0.0.1 to show that you mean it.")
        await shoot(page, "host-11-reset-form-1280")
        await shoot(phone, "host-11-reset-form-390")
        await typed.fill("127.0.0.1")
        await form.get_by_role("button", name="Ask", exact=True).click()
        await expect(plan).to_contain_text("Waiting for approval")

        own = await open_page(f"{base}/?as=U0OLGA&channel=C0APPROVE")
        await roots(own).filter(has_text="Approval wanted").last.get_by_role("button", name="Approve").click()
        await expect(roots(own).last).to_contain_text("another person has to decide")
        card = roots(andrea).filter(has_text="Approval wanted").last
        await expect(card).to_contain_text("the lab moves to other hardware")
        await expect(card).to_contain_text("What will be lost")
        await card.scroll_into_view_if_needed()
        await fits(andrea)
        await shoot(andrea, "host-12-card-390")
        await card.get_by_role("button", name="Approve").click()
        await seen(page, phone, "13-resetting")
        await expect(plan).to_contain_text("Reset the host", timeout=_PATIENCE)
        await expect(plan).to_contain_text("Nothing left")
        await expect(plan).to_contain_text("approved by")
        await seen(page, phone, "14-reset")
        await expect(await asked(page, "host status")).to_contain_text("is not installed")
        await expect(await asked(page, "audit")).to_contain_text("were checked just now: whole")
        await seen(page, phone, "15-audit")
