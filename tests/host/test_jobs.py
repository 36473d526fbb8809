"""A job runs to its end once, whatever happens to the connection, to the bot, or to the host meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from bot.host import errors
from bot.host.client import HelperClient
from bot.host.connection import HostConnection
from bot.host.jobs import Jobs, Order, Watcher
from bot.host.protocol import JobState
from bot.host.vocabulary import NoArguments, RoleArguments, Snap, SnapArguments, StepName
from sandbox.host import HostStandIn
from tests.host.world import HOST_PACE, lone_host
from tests.support.harness import until

INSTALL = SnapArguments(snap=Snap.MAAS, channel="3.4/stable")


def order(name: str = "op-4k2f-snap") -> Order:
    return Order(name, StepName.SNAP_INSTALL, INSTALL)


class Told:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.log = ""

    def watcher(self) -> Watcher:
        return Watcher(self.notes.append, self._more)

    def _more(self, text: str) -> None:
        self.log += text


async def test_progress_and_log_arrive(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=60) as (stand_in, host):
        told = Told()
        job = await host.jobs.run(order(), told.watcher())
        assert (job.state, job.rc, job.job) == (JobState.DONE, 0, "op-4k2f-snap-1")
        assert any("Download snap" in note and "%" in note for note in told.notes)
        assert "from Canonical installed" in told.log
        assert stand_in.model.done == ["snap install maas"]
        assert (await host.jobs.run(order(), told.watcher())).job == job.job, "asked again, it is the same job"
        assert stand_in.model.done == ["snap install maas"]


async def test_a_short_step_takes_one_question(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=5, settled=True) as (stand_in, host):
        jobs = Jobs(host.helper, dataclasses.replace(HOST_PACE.jobs, wait=20.0))
        first = Order("op-4k2f-permissions", StepName.MAAS_PERMISSIONS, NoArguments(), unsent=True)
        job = await jobs.run(first, Told().watcher())
        assert (await jobs.newest(first)) == job
        assert [verb for verb, _ in stand_in.helper.requests] == ["hello", "run"]
        # What is remembered is told once; then the host is asked.
        later = await jobs.newest(first)
        assert later is not None
        assert later.job == job.job
        assert stand_in.helper.requests[-1][0] == "status"


@pytest.mark.parametrize("fault", ["drop", "drop-before", "killed", "max-sessions"])
@pytest.mark.parametrize("verb", ["run", "status"])
async def test_a_connection_that_ends_in_between(tmp_path: Path, fault: str, verb: str) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        stand_in.faults.set(fault, verb="" if fault == "max-sessions" else verb, count=2)
        told = Told()
        job = await host.jobs.run(order(), told.watcher())
        assert job.rc == 0
        assert stand_in.model.done == ["snap install maas"]
        assert any("what runs on the host runs on" in note for note in told.notes)


async def test_a_line_that_is_cut_for_a_while(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=30) as (stand_in, host):
        told = Told()
        running = asyncio.create_task(host.jobs.run(order(), told.watcher()))
        await until(lambda: stand_in.helper.table.running)
        stand_in.faults.set("link-down")
        await until(lambda: any("runs on" in note for note in told.notes), what="the loss to be noticed")
        stand_in.faults.clear()
        assert (await running).rc == 0
        assert stand_in.model.done == ["snap install maas"]


async def test_a_host_that_loses_power(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=30) as (stand_in, host):
        told = Told()
        running = asyncio.create_task(host.jobs.run(order(), told.watcher()))
        await until(lambda: stand_in.helper.table.running)
        stand_in.faults.set("off")
        await until(lambda: any("nothing listens" in note for note in told.notes))
        stand_in.faults.clear()
        assert (await running).job == "op-4k2f-snap-2"
        assert any("lost the job" in note for note in told.notes)
        assert stand_in.model.done == ["snap install maas"]


async def test_a_job_that_is_lost_after_its_work_is_not_done_twice(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=30) as (stand_in, host):
        running = asyncio.create_task(host.jobs.run(order(), Told().watcher()))
        await until(lambda: stand_in.helper.table.running)
        job = stand_in.helper.table.running
        stand_in.model.snaps["maas"] = _installed(stand_in)
        stand_in.helper.table.lose()
        ended = await running
        assert ended.job == job.job
        assert ended.outcome is not None, "the look tells how it ended"
        assert "is installed" in ended.outcome.found
        assert len(stand_in.helper.table.jobs) == 1


async def test_a_job_that_is_lost_again_and_again(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        stand_in.faults.set("lose-job")
        with pytest.raises(errors.JobLost, match="3 times"):
            await host.jobs.run(order(), Told().watcher())


async def test_two_bots_take_turns(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=6) as (stand_in, host):
        other = HostConnection(host.settings, HOST_PACE.connection)
        first, second = Told(), Told()
        mine = asyncio.create_task(host.jobs.run(order("op-aaaa-snap"), first.watcher()))
        await until(lambda: stand_in.helper.table.running)
        theirs = Jobs(HelperClient(other), HOST_PACE.jobs)
        job = await theirs.run(order("op-bbbb-snap"), second.watcher())
        assert (await mine).outcome.changed
        assert not job.outcome.changed, "it was so already"
        assert any("op-aaaa-snap-1 (snap-install) runs on this host" in note for note in second.notes)
        assert stand_in.model.done == ["snap install maas"]
        await other.close()


async def test_somebody_elses_job_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        stand_in.faults.set("busy")
        import dataclasses

        impatient = Jobs(host.helper, dataclasses.replace(HOST_PACE.jobs, patience=0.2))
        with pytest.raises(errors.HostBusy, match="op-0000-elsewhere-1") as caught:
            await impatient.run(order(), Told().watcher())
        assert caught.value.holder == "op-0000-elsewhere-1"


async def test_blocked_failed_and_passing_ends(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        role = Order("op-1-role", StepName.ROLE_DROP, RoleArguments(role="maas"))
        assert (await host.jobs.run(role, Told().watcher())).outcome.changed is False
        with pytest.raises(errors.StepBlocked, match="MAAS is not initialised"):
            await host.jobs.run(Order("op-1-restart", StepName.MAAS_RESTART, NoArguments()), Told().watcher())
        stand_in.faults.set("step-fails", cause="disk_full", count=1)
        with pytest.raises(errors.JobFailed, match="disk_full") as caught:
            await host.jobs.run(order("op-2-snap"), Told().watcher())
        assert "E: disk_full" in caught.value.tail
        told = Told()
        stand_in.faults.set("step-fails", cause="dpkg_lock", count=2)
        assert (await host.jobs.run(order("op-3-snap"), told.watcher())).job == "op-3-snap-3"
        assert any("Trying again" in note for note in told.notes)


async def test_a_request_that_does_not_fit_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        answers = [
            b'{"verb": "run", "step": "snap-install", "arguments": {"snap": "maas; id", "channel": "x"}, "job": "abc"}',
            b'{"verb": "query", "query": "log", "arguments": {"name": "../../etc/shadow"}}',
            b"not json",
        ]
        for data in answers:
            assert b"bad_request" in await stand_in.helper.answer(data)
        assert not stand_in.model.done
        assert not stand_in.helper.table.jobs
        with pytest.raises(errors.NoSuchJob):
            await host.helper.status("op-none-1")


def _installed(stand_in: HostStandIn) -> object:
    from sandbox.host.model import VERSIONS
    from sandbox.host.model import Snap as SnapOf

    return SnapOf("3.4/stable", *VERSIONS["3.4"])
