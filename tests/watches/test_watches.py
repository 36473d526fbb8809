"""What a channel is told of by itself: new machines, failures, what takes too long, the region; and only once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from bot.watches.delivery import DeliveryPace
from bot.watches.service import WatchPace
from sandbox.maas import machine as states
from sandbox.slack import MessageRef
from tests.support.harness import ADAM, OLGA, OPS, VICTOR, until
from tests.watches.steps import OTHER, labels, place, press, said


async def test_a_new_machine_is_announced_once_with_buttons(tmp_path: Path) -> None:
    async with place(tmp_path, speed=160.0) as it:
        await it.watch("machines")
        fresh = it.appears("fresh-1", power_type="manual")
        told = await it.hears("fresh-1 appeared in MAAS")
        text = said(told)
        assert "boots from 52:54:" in text
        assert "Power: manual, so somebody has to press its button" in text
        assert {"Commission", "Ignore"} <= set(labels(told))

        await press(it.talk, told, "Commission", user=VICTOR)
        refusal = await until(lambda: [one for one in it.talk.replies(told, VICTOR) if one.ephemeral_to == VICTOR])
        assert "needs the role operator" in said(refusal[0])

        await press(it.talk, told, "Commission")
        plan = await it.hears("Commission fresh-1?")
        assert plan.thread_ts in {None, plan.ts}, "an operation has its own thread"
        assert it.world.region.effects["commission", fresh.system_id] == 0, "a click shows the plan, and no more"

        await it.talk.click(plan, "operation.confirm")
        await it.talk.reads(told, "Ready, amd64/generic", timeout=30)

        await press(it.talk, told, "Ignore", user=VICTOR)
        await until(lambda: len([one for one in it.talk.replies(told, VICTOR) if one.ephemeral_to == VICTOR]) == 2)
        assert labels(it.talk.now(told))
        await press(it.talk, told, "Ignore")
        await it.talk.reads(told, "Ignored by olga")
        assert not labels(it.talk.now(told))
        assert len(it.about("fresh-1 appeared")) == 1


async def test_a_machine_that_enlists_without_a_word_in_the_log(tmp_path: Path) -> None:
    """MAAS logs nothing of it: it is found when the machines are counted again."""
    async with place(tmp_path) as it:
        await it.watch("machines")
        before = set(it.world.region.world.machines)
        it.world.region.faults.set("machine-appears")
        fresh = await until(lambda: set(it.world.region.world.machines) - before, what="the machine")
        name = it.world.region.world.machines[fresh.pop()].hostname
        told = await it.hears(f"{name} appeared in MAAS")
        assert "New, amd64/generic" in said(told)


async def test_many_at_once_come_in_one_message(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        await it.watch("machines")
        for number in range(8):
            it.appears(f"many-{number}")
        told = await it.hears("8 machines appeared in MAAS")
        assert all(f"many-{number}" in said(told) for number in range(8))
        assert not it.about("many-1 appeared in MAAS")
        await press(it.talk, told, "Commission all 8")
        await it.hears("Commission 8 machines?")


async def test_a_failure_comes_with_its_cause_its_log_and_next_steps(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        await it.watch("failures")
        await it.talk.click(await it.talk.ask("commission node-4"), "operation.confirm")
        told = await it.hears("node-4 Failed commissioning: maas-lshw failed (exit status 1).", "asked for by olga")
        assert {"Commission", "Power check", "Ignore"} <= set(labels(told))
        replies = await until(lambda: [one for one in it.talk.replies(told) if one.files], what="the log in the thread")
        file = it.world.workspace.files[replies[0].files[0]]
        text = bytes(file.content).decode()
        assert "lshw: terminated by signal 9" in text
        assert "What MAAS logged of this run, oldest first:" in text
        assert "User starting node commissioning" in text

        await press(it.talk, told, "Power check")
        await until(lambda: [one for one in it.talk.replies(told) if "its BMC (ipmi) answers" in one.text])


async def test_failures_that_are_alike_are_counted(tmp_path: Path) -> None:
    async with place(tmp_path, machines=24) as it:
        await it.watch("failures")
        for number in range(14, 20):
            it.fails(
                f"node-{number}",
                states.FAILED_DEPLOYMENT,
                f"Power on for the node failed: node node-{number} has no fuse",
            )
        told = await it.hears("6 machines failed")
        assert (
            "6 × Failed deployment: The power action failed. MAAS: Power on for the node failed: the node has no fuse"
            in said(told)
        )
        await press(it.talk, told, "Show all failed")
        await until(lambda: [one for one in it.talk.replies(told) if "status:failed" in said(one)])


async def test_a_restart_neither_repeats_nor_skips(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        await it.watch("machines")
        await it.watch("failures", channel=OTHER)
        it.appears("before-1")
        it.fails("node-2", states.FAILED_TESTING)
        it.fails("node-7", states.FAILED_COMMISSIONING)
        await it.hears("before-1 appeared")
        await it.hears("node-2 Failed testing", channel=OTHER)
        await it.hears("node-7 Failed commissioning", channel=OTHER)
        await asyncio.sleep(1.0)  # the place in the log is written down a while after
        await it.stop()

        it.appears("meanwhile-1")
        it.fails("node-10", states.FAILED_DEPLOYMENT)
        it.is_well("node-2", states.READY)
        it.fails("node-2", states.FAILED_TESTING)
        await it.start()
        await it.hears("meanwhile-1 appeared")
        await it.hears("node-10 Failed deployment", channel=OTHER)
        await until(lambda: len(it.about("node-2 Failed testing", channel=OTHER)) == 2, what="the failure anew")

        await it.stop()
        await it.start()
        it.appears("after-1")
        await it.hears("after-1 appeared")
        for once in ("before-1 appeared", "meanwhile-1 appeared"):
            assert len(it.about(once)) == 1, once
        for once in ("node-10 Failed", "node-7 Failed"):
            assert len(it.about(once, channel=OTHER)) == 1, once
        assert len(it.about("node-2 Failed testing", channel=OTHER)) == 2


async def test_what_was_decided_before_a_crash_goes_out_once(tmp_path: Path) -> None:
    """The bot died between deciding on a message and posting it, and after posting before it was noted."""
    async with place(tmp_path) as it:
        await it.watch("machines")
        it.appears("first-1")
        await it.hears("first-1 appeared")
        await until(lambda: not _rows(tmp_path, "SELECT 1 FROM notices WHERE posted_at IS NULL"))
        await it.stop()
        # Posted, and not noted; seen and decided, and not posted.
        _rows(tmp_path, "UPDATE notices SET posted_at = NULL WHERE subject != 'watch'")
        it.appears("second-1")
        await it.start()
        await it.hears("second-1 appeared")
        await until(lambda: not _rows(tmp_path, "SELECT 1 FROM notices WHERE posted_at IS NULL"))
        assert len(it.about("first-1 appeared")) == 1
        assert len(it.about("second-1 appeared")) == 1


async def test_longer_than_usual(tmp_path: Path) -> None:
    pace = WatchPace(look=0.1, scale=0.0005, delivery=DeliveryPace(gather=0.2, longest=1.0))
    async with place(tmp_path, pace=pace) as it:
        await it.watch("failures")
        now = time.time()
        spans = ", ".join(f"('s{number}', 'default', 'Commissioning', 0.2, {now})" for number in range(5))
        _rows(tmp_path, f"INSERT INTO state_spans (id, region, state, seconds, ended_at) VALUES {spans}")
        it.world.region.world.alter("node-3", never_boots=True)
        await it.talk.click(await it.talk.ask("commission node-3"), "operation.confirm")
        told = await it.hears("node-3 has been Commissioning for", "here it usually takes 0 s")
        assert "MAAS's last word:" in said(told)
        await asyncio.sleep(0.5)
        assert len(it.about("node-3 has been Commissioning for")) == 1


async def test_how_long_things_take_is_learnt(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        await it.talk.click(await it.talk.ask("commission node-3"), "operation.confirm")
        await until(
            lambda: (
                {"Commissioning", "Testing"} <= {row[0] for row in _rows(tmp_path, "SELECT state FROM state_spans")}
            ),
            what="the spans",
        )


async def test_the_region_its_racks_and_its_images(tmp_path: Path) -> None:
    pace = WatchPace(look=0.1, scale=0.01, delivery=DeliveryPace(gather=0.2, longest=1.0))
    async with place(tmp_path, pace=pace) as it:
        await it.watch("host")
        await it.watch("images", channel=OTHER)
        it.world.region.faults.set("dead-rack")
        await it.hears("is not connected any more")
        it.world.region.faults.clear()
        await it.hears("is connected again")
        it.world.region.faults.set("down")
        await it.hears("has given no good answer for")
        it.world.region.faults.clear()
        await it.hears("default answers again")
        world = it.world.region.world
        gone = next(one for one in world.images.resources.values() if one.name == "ubuntu/focal")
        del world.images.resources[gone.id]
        await it.hears("No longer in MAAS: ubuntu/focal", channel=OTHER)


async def test_an_import_that_stalls_and_the_hosts_services(tmp_path: Path) -> None:
    async with place(tmp_path, host=True) as it:
        await it.watch("images")
        await it.watch("host", channel=OTHER)
        assert it.bot is not None
        assert it.world.host is not None
        region = it.bot.regions["default"]
        it.world.region.faults.set("stalled-import")
        resource = next(iter(it.world.region.world.images.resources.values()))
        del it.world.region.world.images.resources[resource.id]
        await region.api.start_import()
        await it.hears("The import has stalled at", "/maas images doctor", timeout=40)

        await _looked(it, "services")
        it.world.host.faults.set("service-dead", service="rackd")
        await it.hears("rackd should run and is", "/maas logs rackd", channel=OTHER, timeout=40)


async def test_a_guide_waits_for_the_machine_in_its_thread_across_a_restart(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        guide = await it.talk.mention("guide pxe")
        text = said(guide)
        for part in ("Boot order: network first", "Wake-on-LAN: leave it off", "ErP", "up to a login prompt",
                     "I'll say so in this thread when it appears"):  # fmt: skip
            assert part in text
        await until(lambda: it.bot is not None and it.fleet.status.as_of)
        await _looked(it)
        await it.stop()
        it.appears("fresh-1")
        await it.start()
        root = MessageRef(OPS, guide.thread_ts or guide.ts)

        def told() -> list[str]:
            replies = it.world.workspace.messages(OPS, OLGA, root.ts)
            return [said(one) for one in replies if "fresh-1 appeared" in said(one)]

        await until(told, what="the word in the thread")
        assert f"<@{OLGA}> : this is what you waited for." in told()[0]
        assert not it.about("fresh-1 appeared"), "in the thread and nowhere else"


async def test_a_guide_warns_of_what_keeps_machines_from_booting(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        it.world.region.faults.set("dead-rack")
        for vlan in it.world.region.world.network.vlans.values():
            vlan.dhcp_on = False
        assert it.bot is not None
        snapshot = it.bot.regions["default"].watcher
        await until(lambda: not any(one.connected for one in snapshot.snapshot.racks.value or (1,)))  # type: ignore[union-attr]
        await until(lambda: not any(one.dhcp_on for one in snapshot.snapshot.vlans.value or ()))
        text = said(await it.talk.ask("guide pxe"))
        assert "First, or it will not boot" in text
        assert "No rack controller is connected" in text
        assert "DHCP is off on every VLAN" in text


async def test_watches_are_set_by_admins_and_end(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        assert "MAASBOT_ADMINS does not name you" in said(await it.talk.ask("watch machines"))
        assert "MAASBOT_ADMINS does not name you" in said(await it.talk.ask("unwatch all"))
        assert "Nothing is watched" in said(await it.talk.ask("watch list"))
        assert "names no time zone" in said(await it.talk.ask('watch machines --quiet "22:00-07:00"', user=ADAM))
        assert "It takes one of machines" in said(await it.talk.ask("watch weather", user=ADAM))
        await it.watch("machines", '--quiet "22:00-07:00 Europe/Berlin"')
        await it.watch("failures")
        listed = said(await it.talk.ask("watch list"))
        assert "not 22:00-07:00 Europe/Berlin" in listed
        assert "Set by adam" in listed
        assert "told no more of: machines in region default" in said(await it.talk.ask("unwatch machines", user=ADAM))
        it.appears("fresh-1")
        it.fails("node-2", states.FAILED_TESTING)
        await it.hears("node-2 Failed testing")
        assert not it.about("fresh-1 appeared")
        audit = said(await it.talk.ask("audit adam"))
        assert "this channel watches machines in region default, quiet 22:00-07:00 Europe/Berlin" in audit


async def test_a_channel_that_does_not_take_it_is_not_the_end(tmp_path: Path) -> None:
    """The bot is thrown out of the channel: whoever set the watch is told in its place."""
    async with place(tmp_path) as it:
        await it.watch("machines")
        it.world.workspace.channels[OPS].members.remove(it.world.workspace.app.bot_user_id)
        it.appears("fresh-1")

        def told() -> bool:
            talks = [one for one in it.world.workspace.channels.values() if one.id.startswith("D")]
            found = [said(one) for talk in talks for one in it.world.workspace.messages(talk.id, ADAM)]
            return any("fresh-1 appeared" in one for one in found)

        await until(told, what="a direct message to adam")


async def _looked(it: object, source: str = "machines") -> None:
    store = it.bot.watches.store  # type: ignore[attr-defined]
    for _ in range(200):
        if (await store.memory("default", source))[2]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it has not looked")


def _rows(state: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(state / "bot" / "maasbot.sqlite", timeout=10)
    try:
        found = connection.execute(query).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()
