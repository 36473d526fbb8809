"""Child processes that end with us, whatever happens."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class ChildError(Exception):
    """A child did not do what it is there for. Holds the end of its log."""


class Child:
    """One Python process. One that `talks` is spoken to in JSON lines over its standard input and output."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        talks: bool = True,
    ) -> None:
        self._name = name
        self._talks = talks
        self._arguments = [sys.executable, *arguments]
        self._folder = folder
        self._log = folder / f"{name}.log"
        ours = ("SLACK_", "MAAS_", "MAASBOT_")
        base = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        # An installed bot has its bytecode at hand; where writing it is forbidden, every start would compile.
        base.pop("PYTHONDONTWRITEBYTECODE", None)
        base["PYTHONPATH"] = str(ROOT)
        base.setdefault("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        self._environment = {**base, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Launch it; it need not be ready when this returns."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE if self._talks else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._talks else log,
                stderr=log,
                limit=2**24,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    async def read(self, timeout: float = 60.0) -> Any:
        """The next line that it prints.

        Raises:
            ChildError: it ended, or is silent for too long.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), timeout)
        except TimeoutError:
            raise self.error(f"said nothing for {timeout:g} s") from None
        if not line:
            raise self.error("ended")
        return json.loads(line)

    async def write(self, value: Any) -> None:
        """Give it a line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")
        await self._process.stdin.drain()

    async def ask(self, value: Any, timeout: float = 60.0) -> Any:
        """Give it a line and read its answer."""
        await self.write(value)
        return await self.read(timeout)

    @property
    def ended(self) -> bool:
        """It does not run any more."""
        return self._process is None or self._process.returncode is not None

    @property
    def process(self) -> psutil.Process:
        """For its memory and CPU time."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def error(self, what: str) -> ChildError:
        """An error that quotes the end of its log."""
        log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:] if self._log.exists() else ""
        return ChildError(f"{self._name} {what}\n{log}")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 15.0)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time spent so far, in user and kernel mode."""
    times = process.cpu_times()
    return float(times.user + times.system)
