"""Slack in trouble: nothing is shown twice, nothing is lost, and the end is always told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Message
from tests.endtoend.steps import CONFIRM, asked, confirmed, machine_of, operation_id, said, told
from tests.support.harness import OLGA, OPS, Running, running, until, words_of


def roots(it: Running) -> list[str]:
    return [one.ts for one in it.world.workspace.messages(OPS, OLGA) if one.bot_id and not one.ephemeral_to]


async def _farewell(it: Running, root: Message) -> list[Message]:
    def replies() -> list[Message]:
        return [one for one in it.talk.replies(root) if OLGA in str(one.blocks)]

    found: list[Message] = await until(replies, 30, "the last reply")
    return found


@pytest.mark.long
async def test_a_storm_of_rate_limits(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        faults = it.world.workspace.faults
        faults.set("rate-limit", method="chat.postMessage", times=2, retry_after=1)
        plan = await it.talk.ask("commission node-3", timeout=30)
        faults.set("rate-limit", method="*", times=6, retry_after=1)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3", timeout=60)
        await until(lambda: len(it.talk.replies(plan)) == 1, 30, "the last reply")
        assert asked(it, "node-3") == 1
        assert roots(it) == [plan.ts]


@pytest.mark.long
async def test_server_errors_and_lost_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        faults = it.world.workspace.faults
        for fault in ("server-error", "drop-answer"):
            faults.set(fault, method="chat.postMessage", times=2)
            name = "node-3" if fault == "server-error" else "node-7"
            before = len(roots(it))
            plan = await it.talk.ask(f"commission {name} --skip-storage", timeout=30)
            await it.world.workspace.settle()
            await asyncio.sleep(0.3)
            assert len(roots(it)) == before + 1, f"{fault}: one plan, shown once"
            faults.set(fault, method="chat.update", times=3)
            faults.set(fault, method="*", times=3)
            await it.talk.click(plan, CONFIRM)
            await it.talk.reads(plan, "1 of 1", timeout=60)
            await _farewell(it, plan)
            await asyncio.sleep(0.5)
            assert len(await _farewell(it, plan)) == 1, f"{fault}: told once"
            assert asked(it, name) == 1


async def test_the_answer_to_a_read_survives_trouble(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        faults = it.world.workspace.faults
        await it.talk.ask("whoami")
        faults.set("server-error", method="users.info", times=2)
        assert "is up" in said(await it.talk.ask("status", timeout=30))
        faults.set("slow", seconds=1, method="*")
        assert "node-3 is New" in said(await it.talk.ask("machine node-3", timeout=30))


async def test_sockets_come_and_go(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        root = await confirmed(it.talk, "commission node-3")
        for mode in ("abrupt", "refresh"):
            workspace.faults.set("disconnect", mode=mode)
            await asyncio.sleep(1.3)
            await workspace.app_connected(30)
            assert "is up" in said(await it.talk.ask("status", timeout=30))
        await it.talk.reads(root, "Commissioned node-3")
        assert asked(it, "node-3") == 1


async def test_plain_blocks_where_the_newer_ones_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("no-native-blocks")
        assert "node-12" in said(await it.talk.ask("machines"))
        root = await confirmed(it.talk, "commission node-3 node-4")
        text = await it.talk.reads(root, "1 of 2 failed", "node-3: Ready", "node-4: Failed commissioning")
        kinds = {block["type"] for block in it.talk.now(root).blocks}
        assert not kinds & {"plan", "task_card", "data_table"}, text
        assert roots(it) == [root.ts]


async def test_a_plan_for_an_archived_channel(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("channel-archived", channel=OPS)
        outcome = said(await it.talk.ask("commission node-3"))
        assert "the channel is archived" in outcome and "Ask in another channel" in outcome
        assert "/invite" not in outcome, "nobody can be invited into an archived channel"


@pytest.mark.long
async def test_a_channel_archived_half_way_and_opened_again(tmp_path: Path) -> None:
    async with running(tmp_path, speed=15.0) as it:
        workspace = it.world.workspace
        root = await confirmed(it.talk, "commission node-3")
        await until(lambda: machine_of(it, "node-3").status_name == "Commissioning")
        workspace.faults.set("channel-archived", channel=OPS)
        await until(lambda: machine_of(it, "node-3").status_name == "Ready", 30)
        direct = workspace.direct_message(OLGA).id

        def private() -> str:
            return " ".join(f"{one.text} {words_of(one.blocks)}" for one in workspace.messages(direct, OLGA))

        await until(lambda: "has ended" in private(), 20, "who asked is told in a direct message")
        assert operation_id(root) in private() and "the channel is archived" in private()
        listed = said(await it.talk.ask("ops", channel="C0APPROVE"))
        assert "1 Ready" in listed, "the work itself went on"
        assert "can't be kept up to date: the channel is archived" in listed
        one = said(await it.talk.ask(f"op {operation_id(root)}", channel="C0APPROVE"))
        assert "can't be kept up to date: the channel is archived" in one and "node-3" in one
        await workspace.open_home(OLGA)
        await until(
            lambda: "kept up to date: the channel is archived" in str(workspace.home(OLGA)), what="Home says so"
        )
        calls = len(workspace.calls)
        await asyncio.sleep(3)
        assert len(workspace.calls) - calls < 4, "no hammering on a closed door"
        workspace.faults.clear()
        await it.talk.reads(root, "Commissioned node-3", timeout=45)
        await until(lambda: [one for one in it.talk.replies(root) if OLGA in str(one.blocks)], 30, "the last reply")
        assert "can't be kept" not in said(await it.talk.ask("ops"))


async def test_a_message_deleted_by_somebody_is_posted_anew(tmp_path: Path) -> None:
    async with running(tmp_path, speed=10.0) as it:
        workspace = it.world.workspace
        root = await confirmed(it.talk, "commission node-3")
        await until(lambda: machine_of(it, "node-3").status_name == "Commissioning")
        await it.talk.reads(root, "node-3: Commissioning")
        await workspace.call("chat.delete", {"channel": OPS, "ts": root.ts}, workspace.app.bot_token)
        await until(
            lambda: [one for one in workspace.messages(OPS, OLGA) if one.bot_id and "Commissioned node-3" in one.text],
            40,
            "the outcome in a new message",
        )
        assert asked(it, "node-3") == 1


async def test_a_missing_scope_is_told_to_who_asked(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("missing-scope", scope="chat:write")
        text = said(await it.talk.ask("commission node-3", timeout=30))
        assert "missing_scope" in text and "Nothing was started" in text
        assert "is up" in said(await it.talk.ask("status")), "answers to one person need no scope"
        it.world.workspace.faults.clear()
        assert "withdrawn" in said(await it.talk.ask("ops"))


async def test_slack_does_not_say_who_somebody_is(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("missing-scope", scope="users:read")
        text = said(await it.talk.ask("commission node-3", timeout=30))
        assert "did not tell me who you are" in text and "Nothing was done" in text
        it.world.workspace.faults.clear()
        plan = await it.talk.ask("commission node-3")
        it.world.workspace.faults.set("missing-scope", scope="users:read")
        await it.talk.click(plan, CONFIRM)
        await told(it.talk, OLGA, "did not tell me who you are", "click again")
        it.world.workspace.faults.clear()
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")


async def test_a_copy_whose_answer_was_lost_says_so_at_a_click(tmp_path: Path) -> None:
    """Slack took a message, its answer was lost, and it was posted again: nobody knows of the first one."""
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        slack = it.world.slack
        client = AsyncWebClient(token=slack.workspace.app.bot_token, base_url=slack.api_url)
        copy = await client.chat_postMessage(channel=OPS, text=plan.text, blocks=plan.blocks)
        found = next(one for one in it.world.workspace.messages(OPS, OLGA) if one.ts == copy["ts"])
        await it.talk.click(found, CONFIRM)
        await it.talk.reads(found, f"This is a second copy of {operation_id(plan)}", "It goes on in the other one")
        assert CONFIRM not in str(it.talk.now(found).blocks)
        await it.talk.reads(plan, "Commissioned node-3")
        assert asked(it, "node-3") == 1, "the click counted, once"
