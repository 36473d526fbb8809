"""The whole bot, stopped or cut off in each step of an install and of a reset of a real machine, and going on.

The steps are those of the operations themselves: whatever job the bot begins on the machine is one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from bot.host.connection import ConnectionPace
from bot.host.jobs import JobPace
from bot.host.service import HostPace
from bot.operations.records import TargetState
from sandbox.slack import Message
from tests.host.machine.conftest import MachineMaker
from tests.host.machine.whole import (
    GONE,
    INSTALLED,
    STEPS,
    acting,
    at_each_step,
    changes,
    jobs_of,
    nothing_is_left,
    region_is_whole,
    whole_bot,
)
from tests.host.world import HOST_PACE
from tests.kinds.steps import CANCEL, agree, done, has, operation_id, roots, said
from tests.support.harness import Running, until
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

#: A machine that starts again after a power cut is away for some seconds.
PATIENT = dataclasses.replace(HOST_PACE, connection=dataclasses.replace(HOST_PACE.connection, connect=15.0, login=15.0))
#: As the bot comes, only that it looks more often whether the machine is back.
USUAL = HostPace(ConnectionPace(), JobPace(away=(0.5, 1.0)))


async def asked_for(it: Running, words: str) -> Message:
    """Ask, and give the yes that it wants."""
    plan = await it.talk.ask(words, timeout=40)
    assert plan.ephemeral_to is None, said(plan)
    await agree(it.talk, plan)
    return plan


async def ended(it: Running, plan: Message, *ends: str) -> str:
    """Wait for one of these ends."""
    await until(lambda: any(one in it.talk.read(plan) for one in ends), 180, "its end")
    return await done(it.talk, plan, timeout=60)


async def nothing_changes(it: Running, machine: Machine, words: str) -> None:
    """The second time: looked at again, and not even a job is begun."""
    jobs, before = jobs_of(machine), changes(machine)
    answer = await it.talk.ask(words, timeout=40)
    if answer.ephemeral_to is None:
        assert "Look again" in said(answer)
        await agree(it.talk, answer)
        await done(it.talk, answer, "Installed the host", timeout=90)
    else:
        assert "nothing of MAAS is on it" in said(answer)
    assert (jobs_of(machine), changes(machine)) == (jobs, before)


@pytest.mark.parametrize("database", ["test", "production"])
async def test_stopped_after_each_step(make_machine: MachineMaker, tmp_path: Path, database: str) -> None:
    """Each time it is asked for anew, cancelled in the first step that was not stopped at before, and ends after it.

    The link is down while it is cancelled, so that nothing else can begin meanwhile.
    """
    machine = await asyncio.to_thread(make_machine)
    machine.install_helper()

    async def cancel(job: str) -> None:
        if job.split("-", 2)[2] in stopped:
            return
        stopped.append(job.split("-", 2)[2])
        machine.link(up=False)
        try:
            await until(lambda: has(it.talk.now(plan), CANCEL), 30, f"the button, in {job}")
            await it.talk.click(plan, CANCEL)
        finally:
            machine.link(up=True)

    async with whole_bot(machine, tmp_path) as it:
        for words, end in ((f"install --database {database}", "Installed the host"), ("reset", "Reset the host")):
            stopped: list[str] = []
            for _ in range(3 * STEPS[database][0]):
                plan = await it.talk.ask(words, timeout=40)
                if plan.ephemeral_to is not None:
                    # Stopped after the last that was on the machine: of that there is nothing to go on with.
                    assert words == "reset", said(plan)
                    assert "nothing of MAAS is on it" in said(plan)
                    break
                async with at_each_step(machine, cancel) as met:
                    await agree(it.talk, plan)
                    text = await ended(it, plan, end, "was cancelled")
                rows = (await it.bot.operations.get(operation_id(plan))).targets
                assert not machine.result(verb="query", query="facts")["job"]
                # A role whose password nobody knows any more is given another one, and each reset has its own backup.
                # Nothing else is done twice.
                again = {job.split("-", 2)[2] for job in met[:-1]}
                assert again <= {"role", "backup"}, "done again, or gone on with after it was cancelled"
                if end in text:
                    break
                # What it tells is what the machine knows: this step is done, and none after it.
                assert "Not begun" in text, text
                states = [one.state for one in rows]
                last = next(number for number, one in enumerate(rows) if one.key == stopped[-1])
                assert set(states[: last + 1]) == {TargetState.DONE}, (stopped, states)
                assert set(states[last + 1 :]) == {TargetState.UNTOUCHED}, (stopped, states)
            else:
                raise AssertionError(f"it comes to no end: {stopped}")
            assert len(stopped) >= STEPS[database][words == "reset"], stopped
            if words == "reset":
                await asyncio.to_thread(nothing_is_left, machine)
            else:
                await asyncio.to_thread(region_is_whole, machine, database)
            await nothing_changes(it, machine, words)
        wanted = INSTALLED[database] + GONE[database]
        assert {one: changes(machine)[one] for one in wanted} == dict(wanted), "each effect once"


@pytest.mark.parametrize("database", ["test", "production"])
async def test_the_power_goes_in_each_step(make_machine: MachineMaker, tmp_path: Path, database: str) -> None:
    machine = await asyncio.to_thread(make_machine)
    machine.install_helper()
    machine.faults(migration_slow=0.03, snap_download=0.2)
    told: list[str] = []

    async def cut(job: str) -> None:
        await until(lambda: acting(machine, job), 30, f"{job} to act")
        await asyncio.to_thread(machine.power_off)
        # Between two jobs it says so in other words.
        await until(lambda: "Looking again" in it.talk.read(root), 60, "the thread to tell that it is away")
        told.append(job)
        await asyncio.to_thread(machine.start)

    async with whole_bot(machine, tmp_path, PATIENT) as it:
        for words, end in ((f"install --database {database}", "Installed the host"), ("reset", "Reset the host")):
            root = await it.talk.ask(words, timeout=40)
            async with at_each_step(machine, cut) as met:
                await agree(it.talk, root)
                await done(it.talk, root, end, timeout=400)
            assert len(met) >= STEPS[database][words == "reset"], met
            if words == "reset":
                await asyncio.to_thread(nothing_is_left, machine)
            else:
                await asyncio.to_thread(region_is_whole, machine, database)
            await nothing_changes(it, machine, words)
        assert len(roots(it.world)) == 3  # the two, and the second look at what was installed
        assert told
        found = changes(machine)
        assert all(found[one] == 1 for one in found if one.startswith(("Install", "Remove"))), found


@pytest.mark.parametrize("database", ["test", "production"])
@pytest.mark.parametrize("what", ["install", "reset"])
async def test_the_link_is_down_for_half_a_minute_in_each_step(
    make_machine: MachineMaker, tmp_path: Path, what: str, database: str
) -> None:
    """Thirty seconds each time, with the keepalives that the bot comes with."""
    machine = await asyncio.to_thread(make_machine)
    machine.install_helper()

    async def pull(job: str) -> None:
        machine.link(up=False)
        try:
            begun = asyncio.get_running_loop().time()
            await until(lambda: "on the host runs on" in it.talk.read(root), 30, f"the thread to tell of it in {job}")
            await asyncio.sleep(30.0 - (asyncio.get_running_loop().time() - begun))
        finally:
            machine.link(up=True)

    async with whole_bot(machine, tmp_path, USUAL) as it:
        if what == "reset":
            await done(
                it.talk, await asked_for(it, f"install --database {database}"), "Installed the host", timeout=240
            )
        end = {"install": "Installed the host", "reset": "Reset the host"}[what]
        words = f"install --database {database}" if what == "install" else "reset"
        before = changes(machine)
        root = await it.talk.ask(words, timeout=40)
        async with at_each_step(machine, pull) as met:
            await agree(it.talk, root)
            await done(it.talk, root, end, timeout=900)
        assert len(met) >= STEPS[database][what == "reset"], met
        if what == "reset":
            await asyncio.to_thread(nothing_is_left, machine)
        else:
            await asyncio.to_thread(region_is_whole, machine, database)
        assert changes(machine) - before == (GONE if what == "reset" else INSTALLED)[database], "each effect once"
        await nothing_changes(it, machine, words)
