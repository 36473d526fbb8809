"""People, channels, the app's home, modals, files, faults, and coming back after the server was away."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from sandbox.slack.model import File
from tests.browser.app import HOSTILE, hostile
from tests.browser.conftest import Demo, Open, shoot, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_one_browser_tells_a_story_of_two_people(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.server.base_url)
    await expect(page.locator("[data-person=U0OLGA]")).to_have_attribute("aria-current", "true")
    await type_in(page, "Please look, @andrea")
    await page.get_by_role("link", name="Andrea Approver approver").click()
    await page.wait_for_url("**/?as=U0ANDREA&channel=C0OPS")
    await expect(page.locator(".message .author")).to_have_text("Olga Operator")
    await expect(page.locator(".mention.me")).to_have_text("@Andrea Approver")
    await type_in(page, "I looked")
    await expect(page.locator(".message .author")).to_have_text(["Olga Operator", "Andrea Approver"])


async def test_a_guest_sees_only_the_guests_channel(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url("U0GUEST", "C0APPROVE"))
    await expect(page.locator("[data-go-channel] .channel-name")).to_have_text(["ops"])
    await expect(page.get_by_role("heading", name="#ops")).to_be_visible()


async def test_another_channel_is_marked_until_it_is_read(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await expect(page.locator("[data-go-channel=C0APPROVE]")).to_be_visible()
    await demo.workspace.say("U0ADAM", "C0APPROVE", "A card is waiting")
    link = page.locator("[data-go-channel=C0APPROVE]")
    await expect(link.locator(".unread")).to_be_visible()
    await link.click()
    await expect(page.locator(".message")).to_contain_text("A card is waiting")
    await expect(link.locator(".unread")).to_be_hidden()
    await page.go_back()
    await expect(page.get_by_role("heading", name="#ops")).to_be_visible()
    await expect(page.locator(".message")).to_have_count(0)
    await expect(link.locator(".unread")).to_be_hidden()


async def test_the_home_tab_is_published_when_it_is_opened(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await page.get_by_role("link", name="MAAS", exact=False).click()
    await expect(page.locator(".home")).to_contain_text("Home of U0OLGA")
    await expect(page.locator("[data-composer=channel]")).to_be_hidden()
    await page.reload()
    await expect(page.locator(".home")).to_contain_text("Home of U0OLGA")


async def test_a_modal_searches_complains_and_submits(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    victor = await open_page(demo.url("U0VICTOR"))
    await type_in(page, "/maas")
    modal = page.get_by_role("dialog", name="Commission")
    machine = modal.get_by_role("combobox", name="Machine")
    await machine.press_sequentially("node-3")
    await expect(modal.get_by_role("option")).to_have_count(11)
    await shoot(page, "modal-1280")
    await modal.get_by_role("option", name="node-31").click()
    await expect(machine).to_have_value("node-31")
    submit = modal.get_by_role("button", name="Commission")
    await submit.click()
    await expect(modal.locator("[data-block-id=reason] .input-error")).to_have_text(
        "Please complete this required field."
    )
    await modal.get_by_label("Reason").fill("because")
    await submit.click()
    await expect(modal.locator("[data-block-id=reason] .input-error")).to_have_text("Say it in a sentence.")
    await expect(machine).to_have_value("node-31")
    await shoot(page, "modal-error-1280")
    assert await victor.locator("dialog.modal").count() == 0
    await modal.get_by_label("Reason").fill("it is new")
    await modal.get_by_label("Reason").press("Enter")
    await expect(modal).to_have_count(0)
    await expect(page.locator(".message")).to_contain_text("@Olga Operator commissions node-31: it is new")


async def test_escape_closes_a_modal(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas")
    modal = page.get_by_role("dialog", name="Commission")
    await expect(modal).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    assert demo.workspace.views("U0OLGA") == []


async def test_markup_from_outside_stays_text(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, HOSTILE)
    workspace = demo.workspace
    workspace.store.post("C0OPS", workspace.app.bot_user_id, HOSTILE, hostile(), bot_id=workspace.app.bot_id)
    messages = page.locator(".message")
    await expect(messages).to_have_count(2)
    for message in await messages.all():
        await expect(message.locator(".content")).to_contain_text(HOSTILE)
        assert (
            await message.locator("script, img, .content svg, [onerror], [onload], [href^='javascript']").count() == 0
        )
    assert await page.evaluate("window.hit") is None
    policy = (await page.request.get(demo.url())).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_a_file_shows_its_beginning_and_is_downloaded_by_members_only(demo: Demo, open_page: Open) -> None:
    workspace = demo.workspace
    content = "\n".join(f"line {number}" for number in range(1, 101)).encode()
    workspace.files["F1"] = File(
        "F1", "node-3.log", "node-3.log", "text/plain", "text", workspace.app.bot_user_id, 0, len(content)
    )
    workspace.files["F1"].content, workspace.files["F1"].uploaded = content, True
    workspace.files["F1"].channels = ["C0APPROVE"]
    workspace.store.post("C0APPROVE", workspace.app.bot_user_id, "The log", files=["F1"], bot_id=workspace.app.bot_id)
    page = await open_page(demo.url(channel="C0APPROVE"))
    shown = page.locator(".file")
    await expect(shown).to_contain_text("line 12")
    await expect(shown).to_contain_text("88 more lines")
    async with page.expect_download() as started:
        await shown.get_by_role("link", name="Download").click()
    download = await started.value
    assert download.suggested_filename == "node-3.log"
    assert (await asyncio.to_thread((await download.path()).read_bytes)) == content
    refused = await page.request.get(f"{demo.server.base_url}/client/files/F1?as=U0GUEST")
    assert refused.status == 404


async def test_dates_are_in_the_browsers_time_zone(demo: Demo, open_page: Open) -> None:
    demo.workspace.store.post("C0OPS", demo.workspace.app.bot_user_id, "<!date^1763800000^{date_num} {time}|then>")
    page = await open_page(demo.url())
    await expect(page.locator(".message .text time")).to_have_text("2025-11-22 17:26")


async def test_the_page_comes_back_with_what_it_missed(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "Before")
    await expect(page.locator(".message")).to_have_count(1)
    port = int(demo.server.base_url.rpartition(":")[2])
    await demo.server.stop()
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await type_in(page, "Said while it was away")
    await expect(page.locator(".toast")).to_contain_text("Nothing was sent")
    await expect(page.get_by_role("combobox", name="Message #ops")).to_have_value("Said while it was away")
    demo.workspace.store.post("C0OPS", "U0ADAM", "Missed")
    await demo.server.start(port=port)
    await expect(page.locator(".message")).to_have_count(2, timeout=15_000)
    await expect(page.locator(".message").last).to_contain_text("Missed")
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()
    demo.workspace.store.post("C0OPS", "U0ADAM", "Live again")
    await expect(page.locator(".message").last).to_contain_text("Live again")


async def test_faults_are_set_and_cleared(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await page.get_by_role("button", name="Faults").click()
    panel = page.get_by_role("complementary", name="Faults")
    form = panel.locator("[data-panel=Slack] [data-fault-set=rate-limit]")
    await form.get_by_label("times").fill("3")
    await form.get_by_role("button", name="Set Rate limit").click()
    await expect(panel.get_by_role("list", name="Active faults of Slack")).to_contain_text("times 3")
    assert demo.workspace.faults.active()["rate-limit"]["times"] == 3
    await panel.get_by_role("button", name="Set Dead rack").click()
    await expect(page.locator(".faults-count")).to_have_text("2")
    assert demo.region_faults.is_active("dead-rack")
    await shoot(page, "faults-1280")
    await panel.get_by_role("button", name="Clear Rate limit").click()
    await expect(panel.get_by_role("list", name="Active faults of Slack")).to_have_count(0)
    await panel.locator("[data-panel=MAAS]").get_by_role("button", name="Clear all").click()
    await expect(page.locator(".faults-count")).to_be_hidden()
    assert demo.region_faults.active() == {}
