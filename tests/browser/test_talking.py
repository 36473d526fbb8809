"""Commands, messages, threads and ephemerals, as people see them."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Demo, Open, shoot, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_slash_command_is_offered_and_answered(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    box = page.get_by_role("combobox", name="Message #ops")
    await box.press_sequentially("/ma")
    offer = page.get_by_role("option", name="/maas")
    await expect(offer).to_contain_text("Bare metal: status, commissioning, approvals")
    await shoot(page, "slash-1280")
    await box.press("Enter")
    await expect(box).to_have_value("/maas ")
    await box.press_sequentially("status")
    await box.press("Enter")
    message = page.get_by_role("article", name="Message from MAAS")
    await expect(message).to_contain_text("Region is up, seen 1 times")
    await expect(message.locator(".badge")).to_have_text("APP")
    await expect(box).to_have_value("")
    await shoot(page, "status-1280")


async def test_a_click_edits_the_message_in_place_and_keeps_the_table_as_it_was(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas status")
    message = page.locator(".message").last
    await message.get_by_role("searchbox").fill("node-1")
    await message.get_by_role("button", name="Cores").click()
    await message.get_by_role("button", name="Cores").click()
    await message.get_by_role("button", name="Refresh").click()
    await expect(message).to_contain_text("seen 2 times")
    await expect(message).to_contain_text("(edited)")
    assert await page.locator(".message").count() == 1
    await expect(message.locator("tbody tr:visible th")).to_have_text(["node-12", "node-11", "node-10", "node-1"])
    await expect(message.locator(".page-where")).to_have_text("1–4 of 4 (12 in all)")
    await expect(message.locator("[aria-sort=descending]")).to_have_text("Cores")


async def test_a_table_pages(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas status")
    rows = page.locator(".data-table tbody tr:visible th")
    await expect(rows).to_have_text([f"node-{number}" for number in range(1, 6)])
    await page.get_by_role("button", name="Next page").click()
    await page.get_by_role("button", name="Next page").click()
    await expect(rows).to_have_text(["node-11", "node-12"])
    await expect(page.get_by_role("button", name="Next page")).to_be_disabled()


async def test_a_confirmation_can_be_declined(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas status")
    release = page.get_by_role("button", name="Release")
    await release.click()
    dialog = page.get_by_role("dialog", name="Release node-3?")
    await expect(dialog).to_contain_text("Its disks are erased.")
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".message")).to_contain_text("seen 1 times")
    await release.click()
    await dialog.get_by_role("button", name="Release").click()
    await expect(page.locator(".message")).to_contain_text("seen 2 times")


async def test_a_click_without_an_answer_leaves_a_mark(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas status")
    await page.get_by_role("button", name="Dead").click()
    await expect(page.locator(".message").get_by_role("alert")).to_contain_text("trouble connecting")
    await expect(page.locator(".toast")).to_contain_text("trouble connecting")
    await shoot(page, "dead-click-1280")


async def test_a_command_without_an_answer_says_so(demo: Demo, open_page: Open) -> None:
    demo.workspace.timing.ack = 0.3
    page = await open_page(demo.url())
    await type_in(page, "/maas silent")
    message = page.get_by_role("article", name="Message from Slackbot")
    await expect(message).to_contain_text("operation_timeout")
    await expect(message).to_contain_text("Only visible to you")
    await type_in(page, "/nothing here")
    await expect(page.get_by_role("article").last).to_contain_text("/nothing is not a valid command")


async def test_a_thread_fills_while_it_is_open(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas commission node-1 node-2")
    root = page.locator("[data-list=channel] .message")
    await expect(root.locator("[data-task-id=node-1]")).to_have_attribute("data-status", "in_progress")
    await root.hover()
    await root.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator(".message")).to_have_count(1)
    demo.app.gate.set()
    await expect(thread.locator(".message").nth(1)).to_contain_text("node-1 is testing")
    await expect(thread.locator("[data-task-id=node-1]")).to_have_attribute("data-status", "complete")
    await expect(root.locator("[data-task-id=node-1]")).to_have_attribute("data-status", "complete")
    await expect(root.get_by_role("button", name="1 reply")).to_be_visible()
    await type_in(page, "@maas what now?", "thread")
    await expect(thread.locator(".message").last).to_contain_text("I heard: @MAAS what now?")
    await expect(root.get_by_role("button", name="3 replies")).to_be_visible()
    await expect(page.locator("[data-list=channel] .message")).to_have_count(1)
    await shoot(page, "thread-1280")
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()


async def test_commands_are_refused_in_threads(demo: Demo, open_page: Open) -> None:
    ts = await demo.workspace.say("U0OLGA", "C0OPS", "Morning")
    page = await open_page(demo.url(thread=ts))
    await type_in(page, "/maas status", "thread")
    thread = page.locator("[data-list=thread]")
    await expect(thread.locator(".message").last).to_contain_text("/maas is not supported in threads")
    await expect(page.locator("[data-list=channel] .message")).to_have_count(1)
    assert demo.workspace.call_counts["chat.postMessage"] == 0


async def test_mentions_are_completed(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    box = page.get_by_role("combobox", name="Message #ops")
    await box.press_sequentially("Hello @ma")
    await box.press("Tab")
    await expect(box).to_have_value("Hello @maas ")
    await box.press("Enter")
    message = page.locator("[data-list=channel] .message")
    await expect(message.locator(".mention")).to_have_text("@MAAS")
    await message.get_by_role("button", name="1 reply").click()
    await expect(page.locator("[data-list=thread] .message").last).to_contain_text("I heard")


async def test_an_ephemeral_message_is_for_one_person(demo: Demo, open_page: Open) -> None:
    olga = await open_page(demo.url())
    victor = await open_page(demo.url("U0VICTOR"))
    await type_in(olga, "/maas whoami")
    await expect(olga.locator(".message.ephemeral")).to_contain_text("You are @Olga Operator")
    await expect(olga.locator(".mention.me")).to_have_text("@Olga Operator")
    await type_in(olga, "Everybody sees this")
    await expect(victor.locator(".message")).to_have_count(1)
    await expect(victor.locator(".message")).to_contain_text("Everybody sees this")
    await victor.reload()
    await expect(victor.locator(".message")).to_have_count(1)


async def test_a_click_on_what_was_just_edited_still_counts(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    await type_in(page, "/maas status")
    message = page.locator(".message")
    await expect(message).to_contain_text("seen 1 times")
    await message.get_by_role("button", name="Refresh").evaluate("button => button.dataset.blockId = 'before'")
    await message.get_by_role("button", name="Refresh").click()
    await expect(message).to_contain_text("seen 2 times")


async def test_what_is_no_json_or_nobodys_is_refused(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    send = f"{demo.server.base_url}/client/send"
    form = await page.request.post(send, form={"as": "U0OLGA", "channel": "C0OPS", "text": "x"})
    assert form.status == 400
    nobody = await page.request.post(send, data={"as": "U0MAASBOT", "channel": "C0OPS", "text": "x"})
    assert nobody.status == 400
    outside = await page.request.post(send, data={"as": "U0GUEST", "channel": "C0APPROVE", "text": "x"})
    assert outside.status == 400
    assert "can't see" in (await outside.json())["error"]
    assert demo.workspace.messages("C0OPS", "U0OLGA") == []
