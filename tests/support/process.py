"""A bot in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.harness import until

_PROGRAM = """
import asyncio, sys
from bot.pace import Pace
from bot.cli import run_bot
from bot.settings import SettingsError, load_settings
try:
    settings = load_settings()
except SettingsError as error:
    sys.exit("\\n".join(error.faults))
sys.exit(asyncio.run(run_bot(settings, Pace(events=0.1, snapshot=0.5, operations=0.1, rereads=0.1))))
"""


class BotProcess:
    """`maasbot run`, only quicker on its feet."""

    def __init__(self, environment: dict[str, str], log: Path, before: str = "", *, log_level: str = "info") -> None:
        """`before` is run ahead of everything else in the process."""
        self._environment = {**environment, "MAASBOT_LOG_LEVEL": log_level}
        self._program = before + _PROGRAM
        self.log = log
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self, *, ready: bool = True) -> None:
        """Launch; with `ready`, wait until it takes commands."""
        self.port = _free_port()
        base = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAAS"))}
        environment = {
            **base,
            **self._environment,
            "MAASBOT_HTTP_PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", self._program, env=environment, stdout=log, stderr=log
            )
        if ready:
            await self.ready()

    async def ready(self, timeout: float = 60.0) -> None:
        """Wait for /readyz."""
        async with aiohttp.ClientSession() as session:
            deadline = asyncio.get_running_loop().time() + timeout
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                assert self._process is not None
                if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                    raise AssertionError(f"the bot did not become ready:\n{self.log.read_text()[-3000:]}")
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of the process; 0 before it was started."""
        return 0 if self._process is None else self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """SIGKILL, now."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, number)

    async def gone(self) -> int:
        """Wait until it has ended; returns the exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 15)

    async def terminate(self) -> int:
        """SIGTERM, and wait for the end."""
        assert self._process is not None
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGTERM)
        return await self.gone()

    async def killed_when(self, condition: Any, timeout: float = 20.0) -> None:
        """Kill as soon as `condition` holds, and wait until it is dead."""
        await until(condition, timeout, "the moment to kill")
        self.kill()
        await self.gone()


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
