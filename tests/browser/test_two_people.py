"""The story of two people: one asks for what destroys, another decides, both see what comes of it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.demo import World
from tests.browser.conftest import Open, at, fits, roots, shoot, type_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PATIENCE = 20_000  # ms


async def test_request_card_approval_progress_outcome_audit(world: World, open_page: Open) -> None:
    olga, andrea = await open_page(at(world)), await open_page(at(world, "U0ANDREA", "C0APPROVE"))
    await type_in(olga, "/maas release node-1 --erase")
    plan = roots(olga).last
    await expect(plan).to_contain_text("What will be lost")
    await expect(plan).to_contain_text("node-1")
    await expect(plan.get_by_role("button", name="Ask for approval")).to_be_visible()
    await shoot(olga, "two-1-plan")

    await plan.get_by_role("button", name="Ask for approval").click()
    form = olga.get_by_role("dialog", name="Ask for approval")
    await form.locator("textarea").fill("its disk is dying, ticket 4711")
    await form.locator("input[type=text], input:not([type])").last.fill("node-2")
    await form.get_by_role("button", name="Ask", exact=True).click()
    await expect(form).to_contain_text("Type node-1 to show that you mean it.")
    await shoot(olga, "two-2-form")
    await form.locator("input[type=text], input:not([type])").last.fill("node-1")
    await form.get_by_role("button", name="Ask", exact=True).click()
    await expect(plan).to_contain_text("Waiting for approval")
    await expect(plan.get_by_role("button", name="Withdraw")).to_be_visible()
    await shoot(olga, "two-3-waiting")

    card = roots(andrea).filter(has_text="Approval wanted").last
    await expect(card).to_contain_text("its disk is dying, ticket 4711")
    await expect(card).to_contain_text("@Olga Operator")
    await expect(card).to_contain_text("What will be lost")
    await shoot(andrea, "two-4-card")
    own = await open_page(at(world, "U0OLGA", "C0APPROVE"))
    await roots(own).filter(has_text="Approval wanted").last.get_by_role("button", name="Approve").click()
    await expect(roots(own).last).to_contain_text("another person has to decide")
    assert not world.region.effects

    await card.get_by_role("button", name="Approve").click()
    await expect(plan).to_contain_text("node-1", timeout=_PATIENCE)
    await expect(plan.locator("[data-status=in_progress]")).to_have_count(1, timeout=_PATIENCE)
    await shoot(olga, "two-5-progress")
    await expect(plan).to_contain_text("1 of 1 done (1 Ready)", timeout=_PATIENCE)
    await expect(plan).to_contain_text("approved by")
    await expect(plan.get_by_role("button", name="Cancel")).to_have_count(0)
    await shoot(olga, "two-6-outcome")
    decided = roots(andrea).filter(has_text="approved and done")
    await expect(decided).to_contain_text("Approved by", timeout=_PATIENCE)
    await expect(decided.get_by_role("button")).to_have_count(await decided.get_by_role("button", name="repl").count())
    await shoot(andrea, "two-7-decided")

    await type_in(olga, "/maas audit node-1")
    told = roots(olga).last
    for word in ("asked for approval", "approved", "started", "whole"):
        await expect(told).to_contain_text(word)
    await shoot(olga, "two-8-audit")
    assert world.region.effects["release", world.region.world.machine("node-1").system_id] == 1


async def test_an_approver_decides_on_a_phone(world: World, open_page: Open) -> None:
    olga, andrea = (
        await open_page(at(world)),
        await open_page(at(world, "U0ANDREA", "C0APPROVE"), width=390, height=844),
    )
    await type_in(olga, "/maas power off node-1")
    plan = roots(olga).last
    await plan.get_by_role("button", name="Ask for approval").click()
    form = olga.get_by_role("dialog", name="Ask for approval")
    await form.locator("textarea").fill("it floods the network")
    await form.get_by_role("button", name="Ask", exact=True).click()
    card = roots(andrea).filter(has_text="Approval wanted").last
    await expect(card).to_contain_text("it floods the network")
    await fits(andrea)
    await shoot(andrea, "two-phone-card")
    await card.get_by_role("button", name="Deny").click()
    why = andrea.get_by_role("dialog", name="Deny")
    await why.locator("textarea").fill("that is the database, call me")
    await shoot(andrea, "two-phone-deny")
    await why.get_by_role("button", name="Deny", exact=True).click()
    await expect(plan).to_contain_text("was denied")
    await expect(plan).to_contain_text("that is the database, call me")
    await fits(andrea)
    await shoot(andrea, "two-phone-denied")
    await shoot(olga, "two-denied")
    assert not world.region.effects
