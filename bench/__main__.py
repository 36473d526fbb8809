"""`python -m bench [NAME…] [--out FILE]`: run the measures and print their tables as Markdown."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import ack, approvals, audit, bulk, decode, doctor, host, host_thread, start, status, takeover
from bench.report import Report, machine_note

MEASURES: dict[str, Callable[[], Awaitable[Report]]] = {
    "decode": decode.measure,
    "start": start.measure,
    "status": status.measure,
    "ack": ack.measure,
    "audit": audit.measure,
    "approvals": approvals.measure,
    "bulk": bulk.measure,
    "takeover": takeover.measure,
    "doctor": doctor.measure,
    "host": host.measure,
    "host_thread": host_thread.measure,
}


async def run(names: list[str], out: Path | None = None) -> str:
    """Run them one after the other; returns the whole text. Progress goes to standard error.

    What there is goes to `out` after each: a run that is broken off has not been in vain.
    """
    texts = [f"Measured on {machine_note()}\n"]
    for name in names:
        began = time.monotonic()
        sys.stderr.write(f"{name} …")
        sys.stderr.flush()
        texts.append((await MEASURES[name]()).markdown())
        if out is not None:
            out.write_text("\n".join(texts) + "\n", encoding="utf-8")
        sys.stderr.write(f" {time.monotonic() - began:.0f} s\n")
    return "\n".join(texts)


def main() -> int:
    """The entry point. SIGINT and SIGTERM end it and everything that it started."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description="Measure the bot; see bench/.")
    known = ", ".join(MEASURES)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"some of {known}; all by default")
    arguments.add_argument("--out", type=Path, help="write the tables to this file as well")
    given = arguments.parse_args()
    if unknown := [name for name in given.names if name not in MEASURES]:
        arguments.error(f"no such measure: {', '.join(unknown)}; there are {known}")

    async def watched() -> str:
        task = asyncio.ensure_future(run(given.names or list(MEASURES), given.out))
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)
        return await task

    try:
        with tempfile.TemporaryDirectory(prefix="maasbot-bench-") as folder:
            os.environ["PYTHONPYCACHEPREFIX"] = folder
            text = asyncio.run(watched())
    except asyncio.CancelledError:
        return 130
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
