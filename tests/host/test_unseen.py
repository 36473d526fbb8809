"""A host that goes out of sight while a job runs there: its operation, and so its lock, does not end before the job."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import Bot
from bot.host import errors
from bot.host.jobs import Jobs
from bot.operations import locks
from bot.operations.records import OperationState
from bot.storage import Database
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.host import HostStandIn
from sandbox.slack import Message
from tests.host.test_jobs import Told, order
from tests.host.world import HOST_PACE, hosted, lone_host, the_host
from tests.kinds.steps import agree
from tests.support.harness import QUICK, Running, until

#: Every patience is over within two seconds.
_SHORT = dataclasses.replace(HOST_PACE.jobs, patience=0.3, away=(0.05,))
_IMPATIENT = dataclasses.replace(QUICK, operations=0.001, host=dataclasses.replace(HOST_PACE, jobs=_SHORT))


@pytest.mark.parametrize(("fault", "gone"), [("link-down", "link-down"), ("host-key", "host-key"), ("off", "")])
async def test_a_job_out_of_sight_is_not_taken_as_ended(tmp_path: Path, fault: str, gone: str) -> None:
    async with lone_host(tmp_path, speed=6) as (stand_in, host):
        running = asyncio.create_task(Jobs(host.helper, _SHORT).run(order(), Told().watcher()))
        await until(lambda: stand_in.helper.table.running)
        stand_in.faults.set(fault)
        await host.connection.close()
        with pytest.raises(errors.JobUnseen):
            await running
        stand_in.faults.clear(gone) if gone else stand_in.faults.clear()


async def test_an_order_whose_answer_was_lost_may_have_begun(tmp_path: Path) -> None:
    async with lone_host(tmp_path, speed=6) as (stand_in, host):
        stand_in.faults.set("drop", verb="run")
        with pytest.raises(errors.JobUnseen):
            await Jobs(host.helper, _SHORT).run(dataclasses.replace(order(), unsent=True), Told().watcher())


async def test_an_order_that_never_left_has_begun_nothing(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        stand_in.faults.set("off")
        with pytest.raises(errors.HostUnreachable):
            await Jobs(host.helper, _SHORT).run(dataclasses.replace(order(), unsent=True), Told().watcher())


async def _lost_from_sight(it: Running, fault: str, **parameters: str) -> Message:
    """An installation whose job has been out of sight for longer than anybody's patience."""
    root = await it.talk.ask("install --database production")
    await agree(it.talk, root)
    host = the_host(it)
    await until(lambda: host.helper.table.running, what="a job")
    host.faults.set(fault, **parameters)
    await it.talk.reads(root, "What was begun there may still run. Looking again until it answers", timeout=30)
    return root


@asynccontextmanager
async def _slow_host(state: Path) -> AsyncIterator[tuple[Running, HostStandIn]]:
    async with hosted(state, bare=True, speed=10.0, pace=_IMPATIENT) as it:
        yield it, the_host(it)


async def test_its_lock_holds_until_the_host_is_back(tmp_path: Path) -> None:
    async with _slow_host(tmp_path) as (it, host):
        root = await _lost_from_sight(it, "drop", verb="status")
        operation = (await it.bot.operations.recent())[0]
        assert operation.state is OperationState.RUNNING
        assert await _holder(it) == operation.id
        host.faults.clear()
        await it.talk.reads(root, "Installed the host 127.0.0.1", timeout=60)
        assert await _holder(it) is None
        assert host.model.done.count("snap install maas") == 1


async def test_a_person_can_end_the_wait_and_is_told_what_that_means(tmp_path: Path) -> None:
    async with _slow_host(tmp_path) as (it, _):
        root = await _lost_from_sight(it, "link-down")
        operation = (await it.bot.operations.recent())[0]
        await it.talk.ask(f"cancel {operation.id}")
        await it.talk.reads(root, "What was begun there may still run: look before you begin anything.", timeout=30)
        await _until_ended(it, operation.id, OperationState.CANCELLED)
        assert await _holder(it) is None


async def test_the_bot_that_comes_after_keeps_it_as_well(tmp_path: Path) -> None:
    async with _slow_host(tmp_path) as (it, host):
        root = await _lost_from_sight(it, "link-down")
        operation = (await it.bot.operations.recent())[0]
        await it.bot.stop()
        again = Bot(it.world.settings(), build_catalog(), overview, pace=_IMPATIENT)
        await again.start()
        try:
            await it.talk.reads(root, "What was begun there may still run. Looking again in a moment.")
            assert await _holder(it) == operation.id
            host.faults.clear()
            await it.talk.reads(root, "Installed the host 127.0.0.1", timeout=60)
            assert host.model.done.count("snap install maas") == 1
        finally:
            await again.stop()


async def _holder(it: Running) -> str | None:
    """The operation that has the host's lock."""
    database = Database(it.world.settings().own_database_url())
    try:
        held = await database.run(lambda connection: locks.holders(connection, "default", ["@host"]))
    finally:
        database.close()
    return held.get("@host")


async def _until_ended(it: Running, operation_id: str, state: OperationState) -> None:
    async with asyncio.timeout(20):
        while (await it.bot.operations.get(operation_id)).state is not state:
            await asyncio.sleep(0.05)
