"""Walks a page of docs/ in the browser as a newcomer would: by the commands that the page quotes, all of them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import fits, roots, shoot, type_in

DOCS = Path(__file__).parents[2] / "docs"
PATIENCE = 30_000  # ms
_QUOTED = re.compile(r"^    ([/@]maas .+)$|`([/@]maas [^`]+)`", re.MULTILINE)


def quoted(page: str) -> list[str]:
    """The commands that a page of docs/ quotes, in its order, each once."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return list(dict.fromkeys(" ".join((a or b).split()) for a, b in _QUOTED.findall(text)))


class Walk:
    """One person who reads the page and types, and another one who approves."""

    def __init__(self, page: str, olga: Page, andrea: Page) -> None:
        self.olga, self.andrea = olga, andrea
        self._page = page
        self._left = quoted(page)
        self._shots = 0

    async def types(self, command: str, **words: str) -> Locator:
        """Type a command of the page, with some of its words replaced, and return the answer to it."""
        assert command in quoted(self._page), f"{self._page} does not say {command}"
        self._left = [one for one in self._left if one != command]
        typed = command
        for old, new in words.items():
            typed = re.sub(rf"(?<![\w-]){re.escape(old.replace('_', '-'))}(?![\w-])", new, typed)
        before = await roots(self.olga).count()
        await type_in(self.olga, typed)
        answer = roots(self.olga).nth(before + (1 if typed.startswith("@") else 0))
        if typed.startswith("@"):
            asked = roots(self.olga).nth(before)
            answer = (await self.opens(asked)).locator(".message").nth(1)
        await expect(answer).not_to_have_text("", timeout=PATIENCE)
        await self.look()
        return answer

    def thread(self) -> Locator:
        """The thread that is open beside the channel."""
        return self.olga.get_by_role("complementary", name="Thread")

    async def finds(self, words: str) -> Locator:
        """The newest message that says this, in the channel or the open thread, whatever becomes of its words."""
        found = self.olga.locator(".message").filter(has_text=words).last
        await expect(found).to_be_visible(timeout=PATIENCE)
        return self.olga.locator(f".message[data-ts='{await found.get_attribute('data-ts')}']").last

    async def opens(self, message: Locator) -> Locator:
        """Open the thread below a message."""
        await message.hover()
        await message.get_by_role("button", name="Reply in thread").click()
        return self.thread()

    async def agrees(self, plan: Locator, *ends: str) -> None:
        """Confirm a plan, or have it approved, and wait until its message holds all of these words and its end."""
        confirm, asks = (plan.locator(f"[data-action-id^='{name}']") for name in ("operation.confirm", "ask.approval"))
        await expect(confirm.or_(asks).first).to_be_visible(timeout=PATIENCE)
        if await asks.count():
            await asks.click()
            form = self.olga.get_by_role("dialog", name="Ask for approval")
            await form.locator("textarea").fill("as the page says")
            await form.get_by_role("button", name="Ask", exact=True).click()
            await expect(plan).to_contain_text("Waiting for approval")
            card = roots(self.andrea).filter(has_text="Approval wanted").last
            await card.get_by_role("button", name="Approve").click(timeout=PATIENCE)
        else:
            await confirm.first.click()
        for words in ends:
            await expect(plan).to_contain_text(words, timeout=PATIENCE)
        # Its row may say these words a moment before it has ended, and the next one would find its machine at work.
        await expect(plan).to_contain_text(", ended ", timeout=PATIENCE)
        await self.look()

    async def look(self) -> None:
        """A picture for people, and nothing runs out of the screen."""
        self._shots += 1
        await fits(self.olga)
        await shoot(self.olga, f"{self._page.removesuffix('.md')}-{self._shots:02}")

    def over(self) -> None:
        """Nothing that the page says was left out."""
        assert self._left == [], f"{self._page} says more than was tried"
