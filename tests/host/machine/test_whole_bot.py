"""The whole bot, by Slack and SSH, on a real machine: install, again, and reset."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.app import Bot
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.demo import World
from tests.host.machine.conftest import MachineMaker
from tests.host.world import HOST_PACE, carried_out
from tests.support.harness import QUICK, Running, until
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@asynccontextmanager
async def relay(address: str, port: int) -> AsyncIterator[int]:
    """The region stand-in, which listens on loopback, for a machine that is not on it."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(accept, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def settings_of(machine: Machine) -> dict[str, str]:
    known = machine.folder / "pinned"
    known.write_text(machine.host_key(), encoding="utf-8")
    return {
        "MAAS_URL": f"http://{machine.address}:5240/MAAS",
        "MAAS_HOST": machine.address,
        "MAAS_SSH_PORT": "22",
        "MAAS_SSH_USER": "maasbot",
        "MAAS_SSH_KEY_FILE": str(machine.key),
        "MAAS_SSH_KNOWN_HOSTS": str(known),
    }


async def test_install_and_reset_by_chat(make_machine: MachineMaker, tmp_path: Path):
    machine = await asyncio.to_thread(make_machine)
    await asyncio.to_thread(machine.install_helper)
    world = World.build(tmp_path, strict_timing=False, bare=True, speed=60.0, machines=4)
    world.host = None  # the machine is it
    world.extra = settings_of(machine)
    await world.start()
    bot = Bot(world.settings(), build_catalog(), overview, pace=dataclasses.replace(QUICK, host=HOST_PACE))
    try:
        async with relay(machine.outside, int(urlsplit(world.region.url).port or 0)) as port:
            folder = machine.files / "etc/standin"
            folder.mkdir(exist_ok=True)
            (folder / "upstream").write_text(f"{machine.outside}:{port}", encoding="ascii")
            (folder / "key").write_text(world.region.api_key, encoding="ascii")
            await bot.start()
            it = Running(world, bot)
            await carried_out(it, "install --database production", "Installed the host", timeout=240)
            assert machine.result(verb="query", query="config")["mode"] == "region+rack"
            await until(
                lambda: bot.regions["default"].fleet.status.filled_at, timeout=30, what="the fleet view to fill"
            )
            plan = await it.talk.ask("install --database production")
            assert plan.ephemeral_to is None
            await carried_out(it, "reset", "Reset the host", timeout=240)
            inventory = await asyncio.to_thread(machine.result, verb="query", query="inventory")
            assert inventory["empty"] is True
    finally:
        await bot.stop()
        await world.stop()
    # No secret of it all is on the machine, in the bot's own files, or was said in Slack.
    key = world.region.api_key
    holders = subprocess.run(
        ["grep", "-rlF", key, str(machine.files / "var/lib/maasbot"), str(machine.files / "var/log"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [Path(one).name for one in holders.stdout.split()] in ([], ["region-default.key"])
