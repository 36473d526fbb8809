"""Bots in processes of their own that are up in a moment: forked from one that has imported everything already.

Starting Python and importing the bot takes most of the time in which a killed bot comes back, and no test is about it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.harness import until


class WarmBot:
    """One bot process."""

    def __init__(self, stable: Stable, pid: int, port: int, log: Path) -> None:
        self._stable = stable
        self.pid = pid
        self.port = port
        self.log = log

    @property
    def code(self) -> int | None:
        """How it ended; below zero by that signal; None while it runs."""
        return self._stable.codes.get(self.pid)

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.code is None:
            os.kill(self.pid, number)

    async def gone(self, timeout: float = 20.0) -> int:
        """Wait until it has ended; returns the exit code."""
        await until(lambda: self.code is not None, timeout, "the end of a bot")
        assert self.code is not None
        return self.code

    async def ready(self, timeout: float = 60.0) -> None:
        """Wait for /readyz."""
        deadline = time.monotonic() + timeout
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                if self.code is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the bot did not become ready:\n{self.log.read_text()[-3000:]}")
                await asyncio.sleep(0.02)


class Stable:
    """The process from which bots are forked."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self._started: queue.Queue[int] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.support.warm import main; main()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, name="stable", daemon=True).start()

    def fork(self, environment: dict[str, str], log: Path, deadly: Path | None = None) -> WarmBot:
        """Start a bot with these settings. With `deadly` it kills itself where that folder says."""
        port = _free_port()
        settings = {**environment, "MAASBOT_HTTP_PORT": str(port)}
        order = {"environment": settings, "log": str(log), "deadly": str(deadly) if deadly else ""}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return WarmBot(self, self._started.get(timeout=120), port, log)

    def close(self) -> None:
        """End it; bots that still run are killed by it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "code" in told:
                self.codes[told["pid"]] = told["code"]
            else:
                self._started.put(told["pid"])


@contextmanager
def stable() -> Iterator[Stable]:
    """One for a whole session of tests."""
    it = Stable()
    try:
        yield it
    finally:
        it.close()


# -- in the process that forks -------------------------------------------------------------------------------------


def main() -> None:
    """Import all that a bot needs, then fork whenever a line asks for it, and tell of every end."""
    import tests.host.world  # noqa: F401

    children: set[int] = set()
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], 0.02)
        _reap(children)
        if not readable:
            continue
        line = sys.stdin.readline()
        if not line:
            break
        pid = os.fork()
        if pid == 0:
            _be_a_bot(json.loads(line))
        children.add(pid)
        _tell({"pid": pid})
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _reap(children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _be_a_bot(order: dict[str, Any]) -> None:
    code = 1
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name in [name for name in os.environ if name.startswith(("SLACK_", "MAAS"))]:
            del os.environ[name]
        os.environ.update(order["environment"])
        from bot.cli import run_bot
        from bot.host.connection import ConnectionPace
        from bot.maas.import_watcher import ImportPace
        from bot.pace import Pace
        from bot.settings import load_settings

        if order["deadly"]:
            from tests.chaos.deadly import arm

            arm(Path(order["deadly"]))
        from tests.host.world import HOST_PACE

        # A host that answers late is not what is tested, and killing makes the machine busy.
        host = dataclasses.replace(HOST_PACE, connection=ConnectionPace(connect=15.0, login=15.0))
        imports = ImportPace(stalled_after=10.0)
        quick = Pace(events=0.1, snapshot=0.5, operations=0.05, rereads=0.05, host=host, imports=imports)
        code = asyncio.run(run_bot(load_settings(), quick))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
