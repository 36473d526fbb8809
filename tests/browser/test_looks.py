"""Every block in the page, at a desk's and at a phone's width, in light and dark."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import gallery
from tests.browser.conftest import Demo, Open, shoot, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# What reaches beyond the right edge, save inside something that scrolls by itself.
_OUTSIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
    .filter(e => !e.closest('.table-scroll, .carousel, pre, .overflow-menu, .sr-only'))
    .map(e => e.outerHTML.slice(0, 120))"""
_SMALL = """() => [...document.querySelectorAll('button, .btn, select, summary.field, a[data-go-channel]')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40)
    .map(e => e.outerHTML.slice(0, 120))"""


def fill(demo: Demo) -> str:
    """Posts the gallery; returns the timestamp of the message with a thread."""
    workspace = demo.workspace
    said = {
        name: workspace.store.post("C0OPS", workspace.app.bot_user_id, name, blocks, bot_id=workspace.app.bot_id)
        for name, blocks in gallery.MESSAGES.items()
    }
    root = said["commission"]
    workspace.store.post("C0OPS", workspace.app.bot_user_id, ":white_check_mark: node-1 is Ready", thread_ts=root.ts)
    return root.ts


async def fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate(_OUTSIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_every_block_fits(demo: Demo, open_page: Open, width: int, scheme: str) -> None:
    root = fill(demo)
    page = await open_page(demo.url(), width=width, color_scheme=scheme)
    await expect(page.locator(".message")).to_have_count(len(gallery.MESSAGES))
    await fits(page)
    height = await page.evaluate("document.querySelector('.list').scrollHeight")
    await page.set_viewport_size({"width": width, "height": height + 200})
    await shoot(page, f"gallery-{width}-{scheme}")
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(demo.url(thread=root))
    await expect(page.locator("[data-list=thread] .message")).to_have_count(2)
    await fits(page)
    await shoot(page, f"gallery-thread-{width}-{scheme}")
    view = {
        "title": {"type": "plain_text", "text": "Every input"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": gallery.FORM,
    }
    demo.workspace.modals.open("U0OLGA", view)
    await expect(page.get_by_role("dialog", name="Every input")).to_be_visible()
    await fits(page)
    await shoot(page, f"gallery-modal-{width}-{scheme}")


async def test_every_input_reaches_the_app_as_it_was_chosen(demo: Demo, open_page: Open) -> None:
    page = await open_page(demo.url())
    view = {
        "title": {"type": "plain_text", "text": "Every input"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [block for block in gallery.FORM if block.get("element", {}).get("type") != "external_select"],
    }
    opened = demo.workspace.modals.open("U0OLGA", view)
    modal = page.get_by_role("dialog", name="Every input")
    await modal.get_by_label("Reason").fill("two\nlines")
    await modal.get_by_label("Release").select_option("jammy")
    await modal.locator("[data-block-id=tests] summary").click()
    await modal.get_by_label("Memory").check()
    await modal.get_by_label("Approver").select_option("U0ADAM")
    await modal.get_by_label("Where").select_option("C0RANDOM")
    await modal.get_by_label("Enable SSH").check()
    await modal.get_by_label("Secure").check()
    await modal.get_by_label("Log", exact=True).set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
    )
    await modal.get_by_role("button", name="Go").click()
    await expect(modal.locator(".modal-trouble")).to_be_visible()
    chosen = {label: state[label] for label, state in opened.values.items()}
    assert chosen["reason"]["value"] == "two\nlines"
    assert chosen["name"]["value"] == "node-3"
    assert chosen["release"]["selected_option"]["value"] == "jammy"
    assert [one["value"] for one in chosen["tests"]["selected_options"]] == ["memory"]
    assert chosen["approver"]["selected_user"] == "U0ADAM"
    assert chosen["where"]["selected_conversation"] == "C0RANDOM"
    assert [one["value"] for one in chosen["options"]["selected_options"]] == ["ssh"]
    assert chosen["erase"]["selected_option"]["value"] == "secure"
    assert chosen["until"]["selected_date"] == "2026-12-24"


async def test_a_phone_shows_one_pane_at_a_time(demo: Demo, open_page: Open) -> None:
    root = fill(demo)
    page = await open_page(demo.url(), width=390, height=844)
    await expect(page.locator(".message")).to_have_count(len(gallery.MESSAGES))
    assert await page.evaluate(_SMALL) == []
    await page.get_by_role("button", name="Back to channels").tap()
    await expect(page.get_by_role("navigation", name="Workspace")).to_be_visible()
    await expect(page.locator("main")).to_be_hidden()
    assert await page.evaluate(_SMALL) == []
    await shoot(page, "phone-list")
    await page.locator("[data-go-channel=C0OPS]").tap()
    await expect(page.locator("main")).to_be_visible()
    await page.locator(f"[data-ts='{root}'] .replies").tap()
    thread = page.get_by_role("complementary", name="Thread")
    box = await thread.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["height"]) == (0, 390, 844)
    await fits(page)
    await type_in(page, "On it", "thread")
    await expect(thread.locator(".message")).to_have_count(3)
    await shoot(page, "phone-thread")
    await thread.get_by_role("button", name="Back to channel").tap()
    await expect(thread).to_be_hidden()
    await expect(page.locator("main")).to_be_visible()
