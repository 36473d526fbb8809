"""Posts, answers, views and look-ups, over a socket."""

from __future__ import annotations

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from bot.message import Button, Buttons, File, Message, Paragraph, Table, Task, Tasks, TaskState, say
from bot.slack.outbound import (
    Budget,
    ChannelRefused,
    Outbound,
    PaidPlanOnly,
    Ref,
    ResponseUrlSpent,
    SlackError,
    SlackFatal,
    SlackUnavailable,
    ViewRefused,
)
from bot.storage import Database, StorageUnavailableError
from tests.slack.conftest import CHANNEL, PERSON, Bench, until
from tests.slack.messages import ALL

MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "MAAS"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "One moment"}}],
}


def plan(*states: TaskState) -> Message:
    tasks = [Task(f"n{n}", f"node-{n}", state) for n, state in enumerate(states)]
    return Message("Commission", (Tasks("Commission", tasks), Buttons((Button("Stop", "stop", "op-1"),))))


@pytest.mark.parametrize("name", sorted(ALL))
async def test_slack_takes_every_golden_message(bench: Bench, outbound: Outbound, name: str) -> None:
    await outbound.post(CHANNEL, ALL[name])
    assert bench.outcomes("chat.postMessage") == {"ok": 1}


async def test_what_does_not_fit_follows_as_a_file(bench: Bench, outbound: Outbound) -> None:
    rows = [(f"node-{n}", "Ready") for n in range(300)]
    ref = await outbound.post(CHANNEL, Message("300 machines", (Table(("Name", "State"), rows, "Machines"),)))
    await until(lambda: bench.workspace.files)
    (file,) = bench.workspace.files.values()
    assert file.name == "machines.txt"
    assert b"node-299" in file.content
    root, reply = bench.workspace.thread(CHANNEL, ref.ts, PERSON)
    assert "200 of 300 shown; all of it is in machines.txt" in json.dumps(root.blocks)
    assert reply.thread_ts == ref.ts


async def test_a_key_is_posted_once(bench: Bench, outbound: Outbound) -> None:
    refs = await asyncio.gather(*(outbound.post(CHANNEL, say("one"), key="op-1") for _ in range(5)))
    assert len(set(refs)) == 1
    again = await outbound.post(CHANNEL, say("two"), key="op-1")
    assert again == refs[0]
    await until(lambda: [message.text for message in bench.posted()] == ["two"])
    assert await outbound.ts_of("op-1") == again.ts


async def test_a_restart_edits_instead_of_posting_anew(bench: Bench, outbound: Outbound) -> None:
    ref = await outbound.post(CHANNEL, say("before"), key="op-1")
    await bench.kill(outbound)
    assert await bench.writer().post(CHANNEL, say("after"), key="op-1") == ref
    await until(lambda: [message.text for message in bench.posted()] == ["after"])


async def test_a_lost_answer_does_not_post_twice_where_slack_knows_the_id(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("drop-answer", method="chat.postMessage", times=1)
    ref = await outbound.post(CHANNEL, say("root"), key="op-1")
    assert [message.ts for message in bench.posted()] == [ref.ts]
    assert bench.outcomes("chat.postMessage") == {"connection": 1, "ok": 1}
    first, second = bench.calls("chat.postMessage")
    assert first.args["client_msg_id"] == second.args["client_msg_id"]


async def test_a_lost_answer_is_spoken_of_where_slack_does_not_know_the_id(
    bench: Bench, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.workspace.store, "by_client_id", lambda *_: None)
    bench.workspace.faults.set("drop-answer", method="chat.postMessage", times=1)
    ref = await outbound.post(CHANNEL, say("root"), key="op-1")
    older, newer = bench.posted()
    assert newer.ts == ref.ts
    assert "an older copy" in json.dumps(newer.blocks)
    assert "an older copy" not in json.dumps(older.blocks)


async def test_a_kill_between_post_and_note_is_made_good(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("drop-answer", method="chat.postMessage", times=0)
    posting = asyncio.create_task(outbound.post(CHANNEL, say("before"), key="op-1"))
    await until(bench.posted)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    await bench.kill(outbound)
    bench.workspace.faults.clear()
    ref = await bench.writer().post(CHANNEL, say("after"), key="op-1")
    await until(lambda: [(message.ts, message.text) for message in bench.posted()] == [(ref.ts, "after")])


async def test_server_errors_are_outlasted(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("server-error", method="chat.postMessage", times=3)
    await outbound.post(CHANNEL, say("root"), key="op-1")
    (message,) = bench.posted()
    assert "older copy" not in json.dumps(message.blocks)
    assert bench.outcomes("chat.postMessage") == {"http_503": 3, "ok": 1}


async def test_a_slack_that_stays_down_is_given_up(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("server-error", method="chat.postMessage", times=0)
    with pytest.raises(SlackUnavailable):
        await outbound.post(CHANNEL, say("root"), key="op-1")
    bench.workspace.faults.clear()
    await outbound.post(CHANNEL, say("root"), key="op-1")
    (message,) = bench.posted()
    assert "older copy" not in json.dumps(message.blocks)


async def test_a_slack_that_can_not_be_reached(bench: Bench, outbound: Outbound) -> None:
    await bench.server.stop()
    with pytest.raises(SlackUnavailable, match="could not be reached"):
        await outbound.post(CHANNEL, say("root"))


async def test_retry_after_holds_every_caller_at_once(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("rate-limit", method="chat.postEphemeral", times=1, retry_after=10)
    await outbound.ephemeral(CHANNEL, PERSON, say("first"))
    limited, accepted = bench.calls("chat.postEphemeral")
    assert accepted.at - limited.at >= 10
    bench.workspace.faults.set("rate-limit", method="chat.postEphemeral", times=1, retry_after=10)
    before = len(bench.calls("chat.postEphemeral"))
    await asyncio.gather(*(outbound.ephemeral(CHANNEL, PERSON, say(str(n))) for n in range(6)))
    limited, *others = sorted(
        bench.calls("chat.postEphemeral")[before:], key=lambda call: (call.status != 429, call.at)
    )
    early = [call for call in others if call.at < limited.at + 9]
    # Those that were on their way with it, and nobody who came after it.
    assert all(call.at - limited.at < 2 for call in early)
    assert bench.outcomes("chat.postEphemeral")["ratelimited"] == 2


async def test_urgent_posts_overtake(bench: Bench) -> None:
    outbound = bench.writer(budgets={"chat.postMessage/channel": Budget(20, 2, 1)})
    slow = [asyncio.create_task(outbound.post(CHANNEL, say(f"log {n}"))) for n in range(6)]
    await until(bench.posted)
    await outbound.post(CHANNEL, say("answer"), urgent=True)
    assert not all(task.done() for task in slow)
    await asyncio.gather(*slow)


async def test_posts_to_one_channel_are_never_limited_by_slack(bench: Bench, outbound: Outbound) -> None:
    await asyncio.gather(*(outbound.post(CHANNEL, say(str(n))) for n in range(25)))
    assert bench.outcomes("chat.postMessage") == {"ok": 25}


@pytest.mark.parametrize(("fault", "code"), [("channel-archived", "is_archived"), ("bot-removed", "not_in_channel")])
async def test_a_closed_channel_is_a_typed_refusal(bench: Bench, outbound: Outbound, fault: str, code: str) -> None:
    bench.workspace.faults.set(fault, channel=CHANNEL)
    with pytest.raises(ChannelRefused) as refusal:
        await outbound.post(CHANNEL, say("root"), key="op-1")
    assert refusal.value.code == code
    bench.workspace.faults.clear()
    await outbound.post(CHANNEL, say("root"), key="op-1")
    (message,) = bench.posted()
    assert "older copy" not in json.dumps(message.blocks)


async def test_a_revoked_token_is_fatal_and_stays_secret(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("revoke-token")
    with pytest.raises(SlackFatal) as fatal, capture_logs() as logs:
        await outbound.post(CHANNEL, say("root"))
    assert fatal.value.code == "token_revoked"
    assert [error.code for error in bench.fatal] == ["token_revoked"]
    assert bench.workspace.app.bot_token not in f"{fatal.value!r} {fatal.value} {logs}"


async def test_plain_blocks_where_native_ones_are_refused(bench: Bench, outbound: Outbound) -> None:
    bench.workspace.faults.set("no-native-blocks")
    await outbound.post(CHANNEL, plan(TaskState.RUNNING))
    (message,) = bench.posted()
    assert [block["type"] for block in message.blocks] == ["rich_text", "actions"]
    assert bench.outcomes("chat.postMessage") == {"invalid_blocks": 1, "ok": 1}
    await outbound.post(CHANNEL, plan(TaskState.DONE))
    assert bench.outcomes("chat.postMessage") == {"invalid_blocks": 1, "ok": 2}
    bench.workspace.faults.clear()
    # A table was not refused, so it is still tried; and a plan is tried again after an hour.
    await outbound.post(CHANNEL, Message("s", (Table(("Name",), (("a",),)),)))
    assert bench.posted()[-1].blocks[0]["type"] == "data_table"
    bench.clock._begin -= 3601 / bench.clock.speed
    await outbound.post(CHANNEL, plan(TaskState.DONE))
    assert bench.posted()[-1].blocks[0]["type"] == "plan"


async def test_private_words_reach_one_person(bench: Bench, outbound: Outbound) -> None:
    await outbound.ephemeral(CHANNEL, PERSON, say("only you"))
    assert [m.text for m in bench.workspace.messages(CHANNEL, PERSON) if m.is_ephemeral] == ["only you"]
    assert not [m for m in bench.workspace.messages(CHANNEL, "U0VICTOR") if m.text == "only you"]
    with pytest.raises(ChannelRefused):
        await outbound.ephemeral(CHANNEL, "U0NOBODY", say("not a member"))


async def test_a_response_url_is_used_five_times_and_never_spoken_of(bench: Bench, outbound: Outbound) -> None:
    response = bench.workspace.tickets.response(PERSON, CHANNEL, kind="commands")
    url = bench.server.base_url + response.path
    bench.workspace.faults.set("no-native-blocks")
    await outbound.respond(url, plan(TaskState.DONE))
    bench.workspace.faults.clear()
    for n in range(3):
        await outbound.respond(url, say(str(n)), ephemeral=n != 2)
    with pytest.raises(ResponseUrlSpent) as spent, capture_logs() as logs:
        await outbound.respond(url, say("six"))
    assert response.path not in f"{spent.value} {spent.value!r} {logs}"
    assert response.uses == 5


async def test_a_strange_response_url_is_spent(bench: Bench, outbound: Outbound) -> None:
    with pytest.raises(ResponseUrlSpent):
        await outbound.respond(bench.server.base_url + "/commands/1/abc", say("x"))
    with pytest.raises(ResponseUrlSpent):
        await outbound.respond("", say("x"))


async def test_views(bench: Bench, outbound: Outbound) -> None:
    trigger = bench.workspace.tickets.trigger(PERSON)
    view_id = await outbound.open_view(trigger, MODAL)
    await outbound.update_view(view_id, {**MODAL, "submit": {"type": "plain_text", "text": "Run"}})
    assert bench.workspace.views(PERSON)[0].id == view_id
    with pytest.raises(ViewRefused):
        await outbound.open_view(trigger, MODAL)
    with pytest.raises(ViewRefused):
        await outbound.update_view(view_id, MODAL, view_hash="1.old")


@pytest.mark.parametrize("name", sorted(ALL))
async def test_home_takes_every_golden_message(bench: Bench, outbound: Outbound, name: str) -> None:
    await outbound.publish_home(PERSON, ALL[name])
    assert bench.outcomes("views.publish") == {"ok": 1}


async def test_people_are_looked_up_once_a_minute(bench: Bench, outbound: Outbound) -> None:
    people = await asyncio.gather(*(outbound.user_info(PERSON) for _ in range(5)))
    assert {person["id"] for person in people} == {PERSON}
    assert len(bench.calls("users.info")) == 1
    await outbound.user_info(PERSON, fresh=True)
    assert len(bench.calls("users.info")) == 2
    await bench.clock.sleep(61)
    await outbound.user_info(PERSON)
    assert len(bench.calls("users.info")) == 3


async def test_a_rush_of_decisions_shares_its_look_ups(bench: Bench, outbound: Outbound) -> None:
    """Slack lists the members of a group 20 times a minute. Forty decisions in 20 s are not to wait for that."""
    group = next(iter(bench.workspace.usergroups))
    members = bench.workspace.usergroups[group].users
    longest = 0.0
    for _ in range(40):
        asked = bench.clock.now()
        assert "U0ANDREA" in await outbound.usergroup_members(group, fresh=True)
        longest = max(longest, bench.clock.now() - asked)
        await bench.clock.sleep(0.5)
    assert longest < 1.0
    assert bench.outcomes("usergroups.users.list") == {"ok": len(bench.calls("usergroups.users.list"))}
    assert 8 <= len(bench.calls("usergroups.users.list")) <= 18
    members.remove("U0ANDREA")
    await bench.clock.sleep(10)
    assert "U0ANDREA" not in await outbound.usergroup_members(group, fresh=True), "even in a rush nothing is older"
    await bench.clock.sleep(60)
    members.append("U0ANDREA")
    assert "U0ANDREA" in await outbound.usergroup_members(group, fresh=True), "at other times it is as of now"


async def test_only_a_request_that_is_not_out_yet_is_shared(bench: Bench, outbound: Outbound) -> None:
    group = next(iter(bench.workspace.usergroups))
    ask = outbound.usergroup_members
    before = await asyncio.gather(*(ask(group, fresh=True) for _ in range(5)))
    assert len(bench.calls("usergroups.users.list")) == 1 and len(set(before)) == 1
    bench.workspace.faults.set("slow", method="usergroups.users.list", seconds=0.3)
    slow = asyncio.ensure_future(ask(group, fresh=True))
    await until(lambda: len(bench.calls("usergroups.users.list")) == 2)
    bench.workspace.usergroups[group].users.clear()
    assert await ask(group, fresh=True) == frozenset(), "who asks now is not told what was so before"
    await slow


async def test_an_old_answer_is_never_given_for_a_missing_one(bench: Bench, outbound: Outbound) -> None:
    group = next(iter(bench.workspace.usergroups))
    assert await outbound.usergroup_members(group)
    await bench.clock.sleep(61)
    bench.workspace.faults.set("paid-teams-only")
    with pytest.raises(PaidPlanOnly):
        await outbound.usergroup_members(group)
    bench.workspace.faults.clear()
    bench.workspace.faults.set("server-error", method="users.info", times=0)
    with pytest.raises(SlackUnavailable):
        await outbound.user_info(PERSON)
    with pytest.raises(SlackError):
        await outbound.user_info("U0NOBODY")


async def test_permalinks_and_files(bench: Bench, outbound: Outbound) -> None:
    ref = await outbound.post(CHANNEL, say("root"))
    assert await outbound.permalink(ref) == await outbound.permalink(Ref(ref.channel, ref.ts))
    assert len(bench.calls("chat.getPermalink")) == 1
    bench.workspace.faults.set("rate-limit", method="files.getUploadURLExternal", times=1, retry_after=2)
    await outbound.upload(CHANNEL, ref.ts, File("a.txt", "A", "text"))
    assert [file.name for file in bench.workspace.files.values()] == ["a.txt"]


async def test_without_a_note_of_the_intent_nothing_is_posted(bench: Bench) -> None:
    bench.database = Database("sqlite:////nowhere/at/all.sqlite")
    outbound = bench.writer()
    with pytest.raises(StorageUnavailableError):
        await outbound.post(CHANNEL, say("root"), key="op-1")
    assert bench.posted() == []
    await outbound.post(CHANNEL, Message("answer", (Paragraph(("no key, no note",)),)))
    assert len(bench.posted()) == 1
