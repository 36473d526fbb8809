"""A bot, a region and its host, for tests of the host: quick, and with what people do there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.host.connection import ConnectionPace
from bot.host.jobs import JobPace
from bot.host.service import HostPace, HostService
from bot.host.vocabulary import STEP_SECRETS
from bot.operations.host_steps import JobStep
from bot.pace import Pace
from bot.settings import HostSettings
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from sandbox.host import HostStandIn
from sandbox.maas import RegionStandIn
from sandbox.slack import Message
from tests.kinds.steps import agree, said
from tests.support.harness import QUICK, Running, until

#: Small enough for tests; keepalives stay far enough apart for a busy machine.
HOST_PACE = HostPace(
    ConnectionPace(connect=2.0, login=3.0, keepalive=0.5, keepalives=3),
    JobPace(wait=0.5, away=(0.05, 0.1, 0.2), patience=60.0, passing=0.2),
)


@asynccontextmanager
async def hosted(
    state: Path,
    *,
    bare: bool = False,
    speed: float = 60.0,
    settings: dict[str, str] | None = None,
    pace: Pace | None = None,
    **options: Any,
) -> AsyncIterator[Running]:
    """Stand-ins and bot; `bare`: without MAAS on the host, which the bot has no key for then."""
    world = World.build(state, strict_timing=False, host=True, bare=bare, speed=speed, machines=4, **options)
    world.extra = settings or {}
    await world.start()
    bot = Bot(world.settings(), build_catalog(), overview, pace=pace or dataclasses.replace(QUICK, host=HOST_PACE))
    try:
        await bot.start()
        if not bare:
            await until(lambda: bot.regions["default"].fleet.status.filled_at, what="the fleet view to fill")
        yield Running(world, bot)
    finally:
        await bot.stop()
        await world.stop()


@asynccontextmanager
async def lone_host(
    state: Path, *, speed: float = 200.0, settled: bool = False
) -> AsyncIterator[tuple[HostStandIn, HostService]]:
    """A host and what the bot knows of it, without a bot."""

    region = RegionStandIn(machines=2)
    stand_in = HostStandIn(region, speed=speed)
    if settled:
        stand_in.settle_in()
    await stand_in.link.serve()
    await stand_in.start()
    service = HostService.of(settings_of(stand_in, state), state / "own.key", HOST_PACE)
    try:
        yield stand_in, service
    finally:
        await service.close()
        await stand_in.stop()
        await region.stop()


def settings_of(stand_in: HostStandIn, folder: Path) -> HostSettings:
    values = stand_in.credentials(folder)
    return HostSettings(
        host=values["MAAS_HOST"],
        ssh_port=stand_in.port,
        ssh_user=values["MAAS_SSH_USER"],
        ssh_key_file=Path(values["MAAS_SSH_KEY_FILE"]),
        ssh_known_hosts=Path(values["MAAS_SSH_KNOWN_HOSTS"]),
    )


async def carried_out(it: Running, words: str, *parts: str, timeout: float = 30.0) -> Message:
    """Ask for something, give the yes that its plan wants, and wait for its end."""
    plan = await it.talk.ask(words)
    assert plan.ephemeral_to is None, said(plan)
    await agree(it.talk, plan)
    await it.talk.reads(plan, *parts, timeout=timeout)
    return plan


async def ask_privately(it: Running, words: str, user: str) -> str:
    """Type a command and read the answer, which nobody else may see."""
    answer = await it.talk.ask(words, user=user)
    assert answer.ephemeral_to == user, said(answer)
    return said(answer)


async def put_there(host: HostStandIn, steps: Sequence[JobStep]) -> None:
    """Do these steps on the host without the bot, with a password that nobody knows afterwards."""
    secrets = {"database_password": "forgotten-password", "admin_password": "forgotten-password"}
    for number, step in enumerate(steps):
        needed = {name.value: secrets[name.value] for name in STEP_SECRETS.get(step.step, ())}
        request = {
            "verb": "run",
            "job": f"by-hand-{len(host.helper.table.jobs)}-{number}",
            "step": step.step.value,
            "arguments": step.arguments("op-hand").model_dump(mode="json", exclude_none=True),
            "secrets": needed,
        }
        answer = json.loads(await host.helper.answer(json.dumps(request).encode()))
        assert "error" not in answer or answer["error"] is None, answer
        await until(lambda: host.helper.table.running is None, what="the job by hand")


def the_host(it: Running) -> HostStandIn:
    assert it.world.host is not None
    return it.world.host
