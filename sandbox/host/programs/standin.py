"""What the stand-in programs share: their state, their faults, and PostgreSQL's programs."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STATE = "/var/lib/standin/state.json"
FAULTS = "/etc/standin/faults.json"
POSTGRES = "/opt/standin/postgres"
SOCKETS = "/var/snap/maas-test-db/common/postgres/sockets"
SNAP_DATA = "/var/snap/maas"
VERSIONS = {"2.9": "2.9.3-9198-g.47d6a0c60", "3.4": "3.4.10-14347-g.3b7c0a1", "3.5": "3.5.3-16341-g.d8c7f2b"}


@contextmanager
def state() -> Iterator[dict[str, Any]]:
    """The state, to be changed by one program at a time."""
    os.makedirs(os.path.dirname(STATE), exist_ok=True)
    with open(STATE + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = read_state()
        yield held
        with open(STATE + ".new", "w", encoding="utf-8") as stream:
            json.dump(held, stream)
        os.rename(STATE + ".new", STATE)


def read_state() -> dict[str, Any]:
    try:
        with open(STATE, encoding="utf-8") as stream:
            found: dict[str, Any] = json.load(stream)
            return found
    except FileNotFoundError:
        return {"snaps": {}, "changes": [], "snapshots": []}


def fault(name: str, otherwise: Any = None) -> Any:
    """A fault that a test asked for."""
    try:
        with open(FAULTS, encoding="utf-8") as stream:
            return json.load(stream).get(name, otherwise)
    except FileNotFoundError:
        return otherwise


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str, code: int = 1) -> None:
    print(text, file=sys.stderr, flush=True)
    sys.exit(code)


def pause(name: str, otherwise: float) -> None:
    """Take as long as a test says."""
    time.sleep(float(fault(name, otherwise)))


def module(name: str) -> str:
    """The command line that runs one of the stand-in programs."""
    return f"/usr/bin/env PYTHONPATH=/usr/lib/standin /usr/bin/python3 -u -m sandbox.host.programs.{name}"


def tool(name: str) -> list[str]:
    """One of PostgreSQL's programs, which the stand-ins bring along like snaps do."""
    libraries = f"{POSTGRES}/usr/lib/x86_64-linux-gnu:{POSTGRES}/lib/x86_64-linux-gnu"
    return ["env", f"LD_LIBRARY_PATH={libraries}", f"{POSTGRES}/usr/lib/postgresql/15/bin/{name}"]


def psql(fields: dict[str, str], sql: str) -> subprocess.CompletedProcess[str]:
    """Run SQL in the region's database. The password goes by a file that is gone before anybody could look."""
    path = f"/run/standin-{os.getpid()}"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(f"*:*:*:*:{fields['pass'].replace(chr(92), chr(92) * 2).replace(':', chr(92) + ':')}\n")
    options = ["-XAtq", "-w", "-v", "ON_ERROR_STOP=1", "-h", fields["host"], "-U", fields["user"], "-d", fields["name"]]
    if fields.get("port"):
        options += ["-p", fields["port"]]
    try:
        return subprocess.run(
            [*tool("psql")[:2], f"PGPASSFILE={path}", *tool("psql")[2:], *options],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.unlink(path)
