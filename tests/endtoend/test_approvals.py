"""Approvals over real sockets: a second person decides, once, on the plan that was shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.slack import HomeRef, Message
from tests.endtoend.approving import ASK, fill_in, open_form
from tests.endtoend.steps import buttons, operation_id, said
from tests.support.harness import ANDREA, OLGA, VICTOR, Running, running, until

CARDS = "C0APPROVE"


async def asked(
    it: Running, words: str, reason: str = "disk is dying", typed: str | None = None
) -> tuple[Message, Message]:
    """Plan, then ask through the form; returns the root message and the card."""
    root = await it.talk.ask(words)
    workspace = it.world.workspace
    await it.talk.click(root, "ask.approval")
    opened = await until(lambda: workspace.views(OLGA), what="the form")
    values: dict[str, Any] = {"reason": {"decide.reason": reason}}
    if typed is not None:
        values["typed"] = {"decide.typed": typed}
    outcome = await workspace.submit_view(OLGA, opened[-1].id, values)
    assert not outcome.errors, outcome.errors
    card = await until(
        lambda: [one for one in workspace.messages(CARDS, ANDREA) if "Approval wanted" in one.text], what="the card"
    )
    return root, card[-1]


async def test_an_approval_channel_that_takes_no_card(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        workspace.faults.set("channel-archived", channel=CARDS)
        root = await it.talk.ask("release node-1")
        form = await open_form(it, root, ASK)
        assert not await fill_in(it, form, "disk is dying")

        def thread() -> str:
            replies = workspace.messages(root.channel_id, ANDREA, root.ts)
            return " ".join(f"{one.text} {one.blocks}" for one in replies)

        await until(lambda: "can't post in the approval channel" in thread(), what="it is said where it was asked")
        assert "the channel is archived" in thread() and f"/maas approve {operation_id(root)}" in thread()
        assert "S0APPROVE" in thread(), "those who may decide are called"
        await it.talk.ask(f"approve {operation_id(root)}", user=ANDREA)
        await it.talk.reads(root, "Released node-1")
        assert thread().count("can't post in the approval channel, the channel is archived") == 1


def refusals(it: Running, user: str, channel: str = CARDS) -> list[str]:
    return [one.text for one in it.world.workspace.messages(channel, user) if one.ephemeral_to == user]


async def test_another_person_approves_and_it_is_done(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = "node-1"
        system_id = it.bot.regions["default"].fleet.find(name)[0].system_id
        root, card = await asked(it, f"release {name}")
        assert "waiting for approval" in it.talk.read(root).lower()
        text = it.talk.read(card, ANDREA)
        assert "disk is dying" in text
        assert name in text
        assert "S0APPROVE" in str(it.talk.now(card, ANDREA).blocks), "those who may decide are called"
        assert it.world.region.effects["release", system_id] == 0

        await it.talk.click(card, "approval.approve", user=OLGA)
        await until(lambda: refusals(it, OLGA))
        assert "yourself" in refusals(it, OLGA)[-1]
        await it.talk.click(card, "approval.approve", user=VICTOR)
        await until(lambda: refusals(it, VICTOR))
        assert it.world.region.effects["release", system_id] == 0

        await asyncio.gather(*(it.talk.click(card, "approval.approve", user=ANDREA) for _ in range(3)))
        await it.talk.reads(root, "Released", "1 of 1 done")
        text = await it.talk.reads(card, "approved and done", "Approved by", user=ANDREA)
        assert "approval.approve" not in str(it.talk.now(card, ANDREA).blocks)
        assert it.world.region.effects["release", system_id] == 1


async def test_denied_with_a_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = "node-1"
        root, card = await asked(it, f"release {name}")
        workspace = it.world.workspace
        await it.talk.click(card, "approval.deny", user=ANDREA)
        view = (await until(lambda: workspace.views(ANDREA)))[-1]
        outcome = await workspace.submit_view(ANDREA, view.id, {"reason": {"decide.reason": "no"}})
        assert "reason" in (outcome.errors or {})
        await workspace.submit_view(ANDREA, view.id, {"reason": {"decide.reason": "wrong machine"}})
        await it.talk.reads(root, "was denied", "wrong machine")
        await it.talk.reads(card, "denied", "wrong machine", user=ANDREA)
        assert not it.world.region.effects


async def test_by_words_and_from_home(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        root, card = await asked(it, "release node-1")
        operation = operation_id(root)
        answer = await it.talk.ask(f"approve {operation}", user=OLGA)
        assert "yourself" in answer.text
        answer = await it.talk.ask(f"approve {operation}", user=ANDREA)
        assert "You approved" in answer.text
        await it.talk.reads(root, "Released")
        answer = await it.talk.ask(f"deny {operation} too late", user=ANDREA)
        assert "waits for no approval" in answer.text

        second, card = await asked(it, "release node-11", reason="from home")
        await it.talk.click(card, "approval.details", user=VICTOR)
        details = await until(lambda: [one for one in alone(it, VICTOR) if "from home" in said(one)], what="details")
        assert "What will be lost" in said(details[-1])
        assert not buttons(details[-1].blocks), "a copy is no second place to decide"
        await workspace.open_home(ANDREA)
        await until(lambda: "approval.approve" in str(getattr(workspace.home(ANDREA), "blocks", "")), what="her home")
        button = buttons(workspace.home(ANDREA).blocks)["approval.approve"]  # type: ignore[union-attr]
        await workspace.click(ANDREA, HomeRef(), "approval.approve", block_id=button["block_id"], value=button["value"])
        await it.talk.reads(second, "Released node-11", "approved by andrea")


def alone(it: Running, user: str) -> list[Message]:
    return [one for one in it.world.workspace.messages(CARDS, user) if one.ephemeral_to == user]


async def test_withdrawn_and_expired(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_APPROVAL_TTL": "4s"}) as it:
        name = "node-1"
        root, card = await asked(it, f"release {name}")
        await it.talk.click(root, "operation.withdraw")
        await it.talk.reads(card, "withdrawn", user=ANDREA)
        root, card = await asked(it, f"release {name}", reason="again please")
        await it.talk.reads(root, "has expired", "Nobody decided within 4 s")
        await it.talk.reads(card, "expired undecided", user=ANDREA)
        assert not it.world.region.effects


async def test_a_changed_machine_voids_the_approval_and_says_what_changed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = "node-1"
        root, card = await asked(it, f"release {name}")
        it.world.region.world.alter(name, owner="somebody-else")
        await it.talk.click(card, "approval.approve", user=ANDREA)
        await it.talk.reads(root, "is void", "→ somebody-else")
        await it.talk.reads(card, "void", user=ANDREA)
        assert not it.world.region.effects


async def test_a_request_that_nobody_could_approve_is_refused_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_APPROVERS": OLGA}) as it:
        answer = await it.talk.ask("release node-1")
        assert "nobody could" in answer.text.lower()


async def test_an_irreversible_one_needs_the_name_typed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = "node-1"
        root = await it.talk.ask(f"delete {name}")
        workspace = it.world.workspace
        await it.talk.click(root, "ask.approval")
        view = (await until(lambda: workspace.views(OLGA)))[-1]
        values = {"reason": {"decide.reason": "scrapped"}, "typed": {"decide.typed": "node"}}
        outcome = await workspace.submit_view(OLGA, view.id, values)
        assert "typed" in (outcome.errors or {})
        values["typed"] = {"decide.typed": name}
        outcome = await workspace.submit_view(OLGA, view.id, values)
        assert not outcome.errors
        await it.talk.reads(root, "Waiting for approval")


@pytest.mark.parametrize("value", ["op-xxxx:nonce", "", "op-xxxx", ":::", "'; drop table operations; --:x"])
async def test_a_made_up_button_value_has_no_effect(tmp_path: Path, value: str) -> None:
    async with running(tmp_path) as it:
        root, card = await asked(it, "release node-1")
        block = next(block for block in card.blocks if block["type"] == "actions")
        from sandbox.slack import MessageRef

        try:
            await it.world.workspace.click(
                ANDREA,
                MessageRef(card.channel_id, card.ts),
                "approval.approve",
                block_id=block["block_id"],
                value=value,
            )
        except Exception as error:  # the stand-in may refuse a value that the button does not have
            assert "value" in str(error).lower() or "no such" in str(error).lower()
        await asyncio.sleep(0.5)
        assert "Waiting for approval" in it.talk.read(root)
        assert not it.world.region.effects


async def test_a_group_that_was_emptied_meanwhile_decides_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_APPROVERS": "S0APPROVE"}) as it:
        root, card = await asked(it, "release node-1")
        it.world.workspace.usergroups["S0APPROVE"].users.clear()
        await it.talk.click(card, "approval.approve", user=ANDREA)
        await until(lambda: refusals(it, ANDREA))
        assert "can't decide" in refusals(it, ANDREA)[-1]
        assert "Waiting for approval" in it.talk.read(root)
        assert not it.world.region.effects
