"""Edits of many messages at once: newest wins, budgets hold, final states arrive whatever happens."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest

from bot.message import Message, Table, say
from bot.slack.outbound import Budget, Outbound
from bot.slack.outbound.budget import BUDGETS, Gate
from tests.slack.conftest import CHANNEL, PERSON, Bench, FastClock, until


def most_in_a_minute(times: list[float]) -> int:
    times = sorted(times)
    return max(sum(start <= time < start + 60 for time in times) for start in times)


async def roots(bench: Bench, outbound: Outbound, count: int) -> list[str]:
    """Post many messages with keys; the channel's own limit is not what is looked at here."""
    bench.workspace.rates.generous = True
    keys = [f"op-{n}" for n in range(count)]
    await asyncio.gather(*(outbound.post(CHANNEL, say(f"{key}: planned"), key=key) for key in keys))
    bench.workspace.rates.generous = False
    return keys


FAST = {"chat.postMessage": Budget(100_000, 90_000), "chat.postMessage/channel": Budget(100_000, 90_000)}


async def test_the_newest_state_wins_and_the_others_are_not_sent(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("0"), key="op-1")
    for n in range(1, 500):
        outbound.show("op-1", say(str(n)))
    await until(lambda: bench.posted()[0].text == "499")
    assert len(bench.calls("chat.update")) <= 2


async def test_an_unchanged_state_is_not_sent(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("same"), key="op-1")
    outbound.show("op-1", say("same"))
    outbound.show("op-1", say("same"), final=True)
    await outbound.close(2)
    assert bench.calls("chat.update") == []


@pytest.mark.parametrize("speed", [60.0])
async def test_budgets_hold_with_200_messages_changing_for_minutes(bench: Bench) -> None:
    outbound = bench.writer(budgets=FAST)
    keys = await roots(bench, outbound, 200)
    begin = bench.clock.now()
    count = 0
    while bench.clock.now() < begin + 300:
        count += 1
        for key in keys:
            outbound.show(key, say(f"{key}: {count}"))
        if count == 20:
            asked = bench.clock.now()
            outbound.show("op-7", say("cancelled by olga"), urgent=True)
            await until(lambda: any(message.text == "cancelled by olga" for message in bench.posted()))
            assert bench.clock.now() - asked < 10
        await bench.clock.sleep(3)
    edits = [call for call in bench.calls("chat.update") if call.at >= begin]
    assert bench.outcomes("chat.update")["ratelimited"] == 0
    assert most_in_a_minute([call.at for call in edits]) <= BUDGETS["chat.update"].per_minute
    # Worth the budget, and fair: nobody is edited a third time before nearly everybody was edited once.
    assert len(edits) > 150
    per_message = {ts: sum(call.args["ts"] == ts for call in edits) for ts in {call.args["ts"] for call in edits}}
    assert len(per_message) > 150
    assert max(per_message.values()) <= 3


@pytest.mark.parametrize("speed", [60.0])
async def test_final_states_come_first_and_all_arrive_in_a_storm(bench: Bench) -> None:
    outbound = bench.writer(budgets=FAST)
    keys = await roots(bench, outbound, 60)
    bench.workspace.faults.set("rate-limit", method="chat.update", times=8, retry_after=3)
    for key in keys:
        outbound.show(key, say(f"{key}: running"))
    for key in keys[:30]:
        outbound.show(key, say(f"{key}: done"), final=True)
    await asyncio.sleep(0.1)
    bench.workspace.faults.clear()
    bench.workspace.faults.set("server-error", method="chat.update", times=8)
    texts = [f"{key}: done" for key in keys[:30]] + [f"{key}: running" for key in keys[30:]]
    await until(lambda: sorted(message.text for message in bench.posted()) == sorted(texts), 20)
    done = [call for call in bench.calls("chat.update") if call.ok]
    assert sum("done" in call.args["text"] for call in done[:35]) == 30


async def test_lost_answers_of_edits_are_repeated(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("0"), key="op-1")
    bench.workspace.faults.set("drop-answer", method="chat.update", times=3)
    outbound.show("op-1", say("end"), final=True)
    await outbound.close(5)
    assert [message.text for message in bench.posted()] == ["end"]
    assert len(bench.calls("chat.update")) == 4


async def test_a_final_state_outlives_the_process(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("running"), key="op-1")
    bench.workspace.faults.set("server-error", method="chat.update", times=0)
    outbound.show("op-1", say("done"), final=True)
    await until(lambda: bench.outcomes("chat.update")["http_503"] >= 2)
    await bench.kill(outbound)
    bench.workspace.faults.clear()
    assert bench.posted()[0].text == "running"
    second = bench.writer()
    assert await second.resume() == 1
    await until(lambda: bench.posted()[0].text == "done")
    await second.close(5)
    assert await bench.writer().resume() == 0
    # A late replay of the first post does not bring the past back.
    third = bench.writer()
    await third.post(CHANNEL, say("running"), key="op-1")
    await third.close(5)
    assert bench.posted()[0].text == "done"


async def test_close_sends_what_is_final(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("running"), key="op-1")
    outbound.show("op-1", say("done"), final=True)
    await outbound.close(5)
    assert bench.posted()[0].text == "done"


async def test_a_restart_does_not_take_an_old_note_for_what_slack_shows(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("planned"), key="op-1")
    outbound.show("op-1", say("running"))
    await until(lambda: bench.posted()[0].text == "running")
    await bench.kill(outbound)
    bench.writer().show("op-1", say("planned"))
    await until(lambda: bench.posted()[0].text == "planned")


async def test_a_deleted_message_is_posted_anew_once(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("running"), key="op-1")
    bench.workspace.store.delete(bench.posted()[0])
    outbound.show("op-1", say("done"))
    await until(lambda: [message.text for message in bench.posted()] == ["done"])
    # Slack has the message a moment before the bot has written down which one it is.
    async with asyncio.timeout(8):
        while await outbound.ts_of("op-1") is None:
            await asyncio.sleep(0.01)
    assert await outbound.ts_of("op-1") == bench.posted()[0].ts
    bench.workspace.store.delete(bench.posted()[0])
    outbound.show("op-1", say("again"))
    await until(lambda: bench.outcomes("chat.update")["message_not_found"] == 2)
    await asyncio.sleep(0.2)
    assert bench.posted() == []


async def test_files_go_along_with_the_final_state_alone(bench: Bench, outbound: Outbound) -> None:
    def table(count: int) -> Message:
        rows = [(f"node-{n}", "Ready") for n in range(count)]
        return Message(f"{count}", (Table(("Name", "State"), rows, "Machines"),))

    ref = await outbound.post(CHANNEL, table(3), key="op-1")
    outbound.show("op-1", table(300))
    await until(lambda: bench.posted()[0].text == "300")
    assert "machines.txt" not in json.dumps(bench.posted()[0].blocks)
    assert not bench.workspace.files
    outbound.show("op-1", table(300), final=True)
    await outbound.close(5)
    assert "machines.txt" in json.dumps(bench.posted()[0].blocks)
    assert len(bench.workspace.files) == 1
    assert len(bench.workspace.thread(CHANNEL, ref.ts, PERSON)) == 2


async def test_refused_native_blocks_are_edited_in_plain_form(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("planned"), key="op-1")
    bench.workspace.faults.set("no-native-blocks")
    outbound.show("op-1", Message("table", (Table(("Name",), (("a",),)),)))
    await until(lambda: bench.posted()[0].text == "table")
    assert [block["type"] for block in bench.posted()[0].blocks] == ["rich_text"]


async def test_a_state_of_a_message_that_was_never_posted_harms_nobody(bench: Bench, outbound: Outbound) -> None:
    outbound.show("op-unknown", say("x"), final=True)
    await outbound.post(CHANNEL, say("planned"), key="op-1")
    outbound.show("op-1", say("done"), final=True)
    await outbound.close(5)
    assert bench.posted()[0].text == "done"


async def test_an_archived_channel_keeps_the_final_state_for_the_next_start(bench: Bench, outbound: Outbound) -> None:
    await outbound.post(CHANNEL, say("running"), key="op-1")
    bench.workspace.faults.set("channel-archived", channel=CHANNEL)
    outbound.show("op-1", say("done"), final=True)
    await outbound.close(3)
    bench.workspace.faults.clear()
    assert await bench.writer().resume() == 1
    await until(lambda: bench.posted()[0].text == "done")


async def test_a_gate_spreads_calls() -> None:
    clock = FastClock(200.0)
    gate = Gate(Budget(30, 10, 3), clock)
    times: list[float] = []

    async def call(urgent: bool) -> None:
        await gate.enter(urgent=urgent)
        times.append(clock.now())

    patient = [asyncio.create_task(call(False)) for _ in range(40)]
    await clock.sleep(1)
    assert len(times) == 7
    await asyncio.gather(*(call(True) for _ in range(3)))
    assert len([task for task in patient if task.done()]) <= 8
    await asyncio.gather(*patient)
    assert most_in_a_minute(times) <= 31
    # Three urgent calls spent the reserve, which fills up again before others go on: 4 tokens at one in 3 s.
    assert all(later - earlier < 13.5 for earlier, later in pairwise(times))


class StillClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


async def test_a_gate_feels_its_way_where_no_limit_is_known() -> None:
    clock = StillClock()
    gate = Gate(Budget(120, 20, floor=12), clock)

    async def pace() -> float:
        """Calls a second, once nothing is left of what may come at once."""
        while gate.take():
            pass
        await clock.sleep(gate.delay())
        assert gate.take()
        return 1 / gate.delay()

    full = await pace()
    assert full == pytest.approx(100 / 60)
    gate.hold(1.0)
    await clock.sleep(1.0)
    halved = await pace()
    assert halved == pytest.approx(full / 2, rel=0.05)
    for _ in range(10):
        gate.hold(1.0)
    await clock.sleep(1.0)
    assert 12 / 60 <= await pace() < 15 / 60, "never below the floor"
    await clock.sleep(150.0)
    assert halved < await pace() < full
    await clock.sleep(150.0)
    assert await pace() == pytest.approx(full), "and back to the full pace"


@pytest.mark.parametrize("numbers", [(10, 10, 0), (10, 5, 5), (10, 5, -1)])
def test_a_senseless_budget_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Budget(*numbers)


async def test_an_edit_that_waited_does_not_cover_the_end_that_another_bot_has_told(bench: Bench) -> None:
    one, other = bench.writer(), bench.writer()
    await one.post(CHANNEL, say("asked"), key="op-1")
    one.show("op-1", say("waiting"))
    await until(lambda: bench.posted()[0].text == "waiting")
    other.show("op-1", say("done"), final=True)
    await until(lambda: bench.posted()[0].text == "done")
    before = len(bench.calls("chat.update"))
    one.show("op-1", say("still waiting"), urgent=True)
    await one.close(2)
    assert bench.posted()[0].text == "done"
    assert len(bench.calls("chat.update")) == before
