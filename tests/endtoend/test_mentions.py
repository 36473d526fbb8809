"""`@maas …` in a channel and in a thread: the same words, answered in that thread, once however often delivered."""

from __future__ import annotations

from pathlib import Path

from sandbox.slack import Message, payloads
from tests.endtoend.steps import CONFIRM, asked, said, stays, told
from tests.support.harness import OLGA, OPS, RANDOM, VICTOR, Running, running, until


def from_bot(it: Running, channel: str = OPS, thread: str | None = None) -> list[Message]:
    return [one for one in it.world.workspace.messages(channel, OLGA, thread) if one.bot_id]


async def test_a_mention_is_answered_in_its_thread(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        answer = await it.talk.mention("status")
        assert "MAAS 3.4.10 is up" in said(answer)
        assert answer.ephemeral_to is None and answer.thread_ts
        assert not from_bot(it), "the channel itself stays quiet"
        again = await it.talk.mention("machine node-3", thread=answer.thread_ts)
        assert again.thread_ts == answer.thread_ts
        assert "node-3 is New" in said(again)
        wrong = await it.talk.mention("frobnicate", user=VICTOR)
        assert "is no command" in said(wrong) and wrong.ephemeral_to == VICTOR
        assert "commands" in said(await it.talk.mention("")), "the bare mention is a call for help"
        assert "machines" in said(await it.talk.mention("HELP"))


async def test_a_commission_runs_in_the_thread_where_it_was_asked(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        ts = await it.world.workspace.say(VICTOR, OPS, "node-3 has a new disk")
        plan = await it.talk.mention("commission node-3 —skip-networking", thread=ts)
        assert plan.thread_ts == ts and "Commission node-3?" in said(plan)
        assert "Kept as configured: network" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")
        await until(lambda: len(from_bot(it, OPS, ts)) == 2, what="the last reply, in that thread")
        assert not from_bot(it)
        assert asked(it, "node-3") == 1


async def test_a_mention_delivered_twice_acts_once(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("redeliver")
        plan = await it.talk.mention("commission node-3")
        await it.world.workspace.settle()
        await stays(lambda: len(from_bot(it, OPS, plan.thread_ts)) == 1, 0.7, "one plan")
        it.world.workspace.faults.clear()
        it.world.workspace.faults.set("lost-ack", times=1)
        answer = await it.talk.mention("status")
        await stays(lambda: len(from_bot(it, OPS, answer.thread_ts)) == 1, 2.0, "Slack tries again; the bot does not")


async def test_other_bots_are_not_heard(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        ts = await workspace.say(OLGA, OPS, "hello")
        event = {
            "type": "app_mention",
            "user": "U0OTHERBOT",
            "bot_id": "B0OTHER",
            "text": f"<@{workspace.app.bot_user_id}> commission node-3",
            "ts": ts,
            "channel": OPS,
            "event_ts": ts,
        }
        ack = await workspace.courier.deliver("events_api", payloads.event_callback(workspace, event, shared=False))
        assert ack.ok
        human = {**event, "user": workspace.app.bot_user_id, "bot_id": None}
        await workspace.courier.deliver("events_api", payloads.event_callback(workspace, human, shared=False))
        await stays(lambda: len(workspace.messages(OPS, OLGA, ts)) == 1, 0.7, "no answer")
        assert "no operation yet" in said(await it.talk.ask("ops"))


async def test_a_mention_in_a_channel_that_is_not_listed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.channels[RANDOM].members.append(it.world.workspace.app.bot_user_id)
        ts = await it.world.workspace.say(OLGA, RANDOM, f"<@{it.world.workspace.app.bot_user_id}> status")
        await told(it.talk, OLGA, "this channel is not in MAASBOT_CHANNELS", channel=RANDOM, thread=ts)
        assert not from_bot(it, RANDOM)
