"""The whole bot on a real machine: what a person asks for in Slack, what happens to the machine, what came of it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.app import Bot
from bot.host.helper.hba import BEGIN, END
from bot.host.service import HostPace
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from tests.host.world import HOST_PACE
from tests.support.harness import QUICK, Running
from tests.support.host_machine import Machine

JOBS = "var/lib/maasbot/jobs"
#: What the machine's programs do in an install, once; and, with `Remove` and `purge`, in a reset.
INSTALLED = {
    "test": Counter({"Install maas": 1, "Install maas-test-db": 1}),
    "production": Counter({"Install maas": 1, "install postgresql": 1}),
}
GONE = {
    "test": Counter({"Remove maas": 1, "Remove maas-test-db": 1}),
    "production": Counter({"Remove maas": 1, "purge postgresql": 1}),
}
#: How many steps have a job at least: of an install, of a reset.
STEPS = {"test": (5, 3), "production": (8, 6)}


@asynccontextmanager
async def around(machine: Machine, folder: Path) -> AsyncIterator[World]:
    """Slack, and the region that answers behind the machine's port 5240 once MAAS is installed there."""
    world = World.build(folder, strict_timing=False, bare=True, speed=60.0, machines=4)
    world.host = None  # the machine is it
    world.workspace.rates.generous = True
    known = folder / "pinned"
    known.write_text(machine.host_key(), encoding="utf-8")
    world.extra = {
        "MAAS_URL": f"http://{machine.address}:5240/MAAS",
        "MAAS_HOST": machine.address,
        "MAAS_SSH_PORT": "22",
        "MAAS_SSH_USER": "maasbot",
        "MAAS_SSH_KEY_FILE": str(machine.key),
        "MAAS_SSH_KNOWN_HOSTS": str(known),
    }
    await world.region.start(machine.outside)
    await world.slack.start()
    try:
        settings = machine.files / "etc/standin"
        settings.mkdir(exist_ok=True)
        (settings / "upstream").write_text(world.region.url.split("//")[1].split("/")[0], encoding="ascii")
        (settings / "key").write_text(world.region.api_key, encoding="ascii")
        yield world
    finally:
        await world.slack.stop()
        await world.region.stop()


@asynccontextmanager
async def whole_bot(machine: Machine, folder: Path, pace: HostPace = HOST_PACE) -> AsyncIterator[Running]:
    """The same with a bot in this process."""
    async with around(machine, folder) as world:
        bot = Bot(world.settings(), build_catalog(), overview, pace=dataclasses.replace(QUICK, host=pace))
        try:
            await bot.start()
            yield Running(world, bot)
        finally:
            await bot.stop()


def jobs_of(machine: Machine) -> list[str]:
    """The ids of all jobs that the machine has had, without the numbers of their tries."""
    names = [one.name.rpartition("-") for one in (machine.files / JOBS).iterdir()]
    return sorted({job for job, _, attempt in names if job and attempt.isdigit()})


def acting(machine: Machine, job: str) -> bool:
    """Whether this job has begun to run programs, or has ended already."""
    logs = (machine.files / JOBS).glob(f"{job}-*/log")
    return any("\n$ " in text or " ended with " in text for text in (one.read_text(errors="replace") for one in logs))


@asynccontextmanager
async def at_each_step(machine: Machine, act: Callable[[str], Awaitable[None]]) -> AsyncIterator[list[str]]:
    """Do something as soon as the first job of each step has begun; yields the list of them, by operation and step."""
    met: list[str] = []
    known = set(jobs_of(machine))

    async def watch() -> None:
        while True:
            for job in jobs_of(machine):
                if job not in known:
                    known.add(job)
                    met.append(job)
                    await act(job)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    try:
        yield met
        # What is wrong with it counts for more than what came of it.
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def changes(machine: Machine) -> Counter[str]:
    """What has really happened on the machine, and how often: from the records of its own programs."""
    done = [line for line in machine.root("snap", "changes", check=False).splitlines() if " Done " in line]
    found = Counter(" ".join(re.findall(r'(\w+) "([\w-]+)" snap', line)[0]) for line in done)
    log = machine.files / "var/log/dpkg.log"
    for line in log.read_text().splitlines() if log.exists() else []:
        words = line.split()
        if words[2] in {"install", "purge"} and words[3].startswith("postgresql-15:"):
            found[f"{words[2]} postgresql"] += 1
    return found


def region_is_whole(machine: Machine, database: str) -> None:
    """MAAS is installed, with all its migrations, one administrator and one key, and lines in pg_hba.conf once.

    To be called in a thread: its API is answered by this process.
    """
    config = machine.result(verb="query", query="config")
    found = (config["mode"], config["database"], config["migrations"], config["permissions"])
    assert found == ("region+rack", database, 40, "0640")
    services = machine.result(verb="query", query="services")
    assert services["api"] == 200
    assert all(one["running"] for one in services["services"] if one["expected"]), services
    psql = ["runuser", "-u", "postgres", "--", "psql"] if database == "production" else ["maas-test-db.psql"]
    sql = "SELECT (SELECT count(*) FROM auth_user), (SELECT count(*) FROM standin_key)"
    assert machine.root(*psql, "-XAtq", "-d", config["database_name"], "-c", sql).strip() == "1|1"
    if database == "production":
        hba = (machine.files / "etc/postgresql/15/main/pg_hba.conf").read_text()
        assert hba.count(BEGIN) == hba.count(END) == 1
    assert not machine.result(verb="query", query="facts")["job"]


def nothing_is_left(machine: Machine) -> None:
    """Neither MAAS nor its database, nor anything half done."""
    inventory = machine.result(verb="query", query="inventory")
    assert inventory["empty"], inventory
    assert machine.root("dpkg", "--audit") == ""
    assert not machine.result(verb="query", query="facts")["job"]
