"""A real workspace stand-in with a small app on it, its page, and Chromium to look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright

from bot.app import Bot
from bot.pace import Pace
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.maas.faults import Faults as RegionFaults
from sandbox.page import mount
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from sandbox.switches import Switches
from tests.browser.app import TinyApp
from tests.support.harness import QUICK, until
from tests.support.require import require_chromium

#: Where screenshots go, for whoever wants to look.
OUTPUT = Path(__file__).parents[2] / ".test-output" / "browser"

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HINTS = {"U0OLGA": "operator", "U0ANDREA": "approver", "U0VICTOR": "viewer", "U0ADAM": "admin"}


@dataclass
class Demo:
    """The running workspace and what is on it."""

    workspace: Workspace
    server: SlackServer
    app: TinyApp
    region_faults: RegionFaults

    def url(self, person: str = "U0OLGA", channel: str = "C0OPS", **more: str) -> str:
        extra = "".join(f"&{name}={value}" for name, value in more.items())
        return f"{self.server.base_url}/?as={person}&channel={channel}{extra}"


Open = Callable[..., Awaitable[Page]]
#: Settings of the bot; what depends on the world is asked of it.
Settings = dict[str, str | Callable[[World], str]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = require_chromium()
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    workspace = Workspace()
    server = SlackServer(workspace)
    region_faults = RegionFaults()
    mount(server.app, workspace, faults={"Slack": workspace.faults, "MAAS": region_faults}, hints=HINTS)
    await server.start()
    app = TinyApp(server)
    await app.start()
    yield Demo(workspace, server, app, region_faults)
    app.gate.set()
    await app.stop()
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """Opens an address in a browser window of its own; the test fails on any error of the page's script."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def opened(url: str, *, width: int = 1280, height: int = 860, **more: Any) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            timezone_id="Asia/Tokyo",
            locale="en-GB",
            has_touch=width < 500,
            **more,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        await page.wait_for_selector("body[data-live]")
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert not errors


async def shoot(page: Page, name: str) -> None:
    """A picture of the page as it is, for people."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=OUTPUT / f"{name}.png")


async def type_in(page: Page, text: str, where: str = "channel") -> None:
    """Types into a message box and presses Enter."""
    box = page.locator(f"[data-composer={where}] textarea")
    await box.fill(text)
    await box.press("Enter")


@asynccontextmanager
async def shown(
    state: Path,
    *,
    pace: Pace = QUICK,
    extra: Settings | None = None,
    prepare: Callable[[World], None] = lambda _world: None,
    **options: Any,
) -> AsyncIterator[World]:
    """The demo's world with its page and the bot, quicker than life; `extra` are settings of the bot.

    `prepare` changes it before the bot sees it.
    """
    world = World.build(state, strict_timing=False, **{"speed": 15.0, **options})
    prepare(world)
    faults: dict[str, Switches[Any]] = {"Slack": world.workspace.faults, "MAAS": world.region.faults}
    if world.host is not None:
        faults["Host"] = world.host.faults
    mount(world.slack.app, world.workspace, faults=faults, hints=HINTS)
    await world.start()
    world.extra |= {name: value(world) if callable(value) else value for name, value in (extra or {}).items()}
    bot = Bot(world.settings(), build_catalog(), overview, pace=pace)
    try:
        await bot.start()
        await until(lambda: bot.regions["default"].fleet.status.filled_at, what="the fleet view to fill")
        await bot.regions["default"].watcher.wait_for_snapshot(10)
        yield world
    finally:
        await bot.stop()
        await world.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Such a world, as most tests want it."""
    async with shown(tmp_path) as it:
        yield it


def at(world: World, person: str = "U0OLGA", channel: str = "C0OPS") -> str:
    return f"{world.slack.base_url}/?as={person}&channel={channel}"


def roots(page: Page) -> Locator:
    return page.locator("[data-list=channel] .message")


def last(page: Page) -> Locator:
    return roots(page).last


async def fits(page: Page) -> None:
    """Nothing runs out of the screen at its side."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
