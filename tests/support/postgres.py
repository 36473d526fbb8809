"""A real PostgreSQL server for tests: one a session, an empty database for whoever asks.

The fixtures `postgres` and `postgres_url` are known to every test; `postgres_server()` is for those that need the
server in a block of their own, to stop it or to look at it from another process.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support.require import require_postgresql

#: Durability is not what is tested here, and two cores are few. Shared memory by files of its own: where tests run as
#: root the server does not, and /dev/shm may be closed to it.
_CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 32MB
autovacuum = off
logging_collector = off
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] '
"""


class PostgresServer:
    """A server on a free loopback port, with its files in a folder of its own. Anyone on this host may log in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _account()
        self._made = 0

    def start(self) -> None:
        """Make the cluster at the first start, and wait until it takes connections; the port stays the same."""
        data = self.folder / "data"
        if not data.exists():
            data.mkdir(parents=True, mode=0o700)
            if self._user is not None:
                for path in (self.folder, data):
                    shutil.chown(path, self._user)
            command = [str(require_postgresql("initdb")), "-D", str(data), "-U", "maasbot", "--auth=trust"]
            self._run([*command, "--no-sync", "--locale=C", "--encoding=UTF8"])
            with (data / "postgresql.conf").open("a", encoding="utf-8") as config:
                config.write(_CONFIG)
        self.port = self.port or _free_port()
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(require_postgresql("postgres")), "-D", str(data), "-p", str(self.port)],
                user=self._user, extra_groups=None if self._user is None else (), stdout=log, stderr=log,
                cwd="/", env=self._environment(), start_new_session=True,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """Cut every connection and end it; `start` brings the same data back."""
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT is PostgreSQL's "fast" shutdown
            self._process.wait(30)
            self._process = None

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases, as MAASBOT_DATABASE_URL takes it."""
        return f"postgresql://maasbot@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._made += 1
        name = f"test_{self._made}_{secrets.token_hex(3)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command, user=self._user, extra_groups=None if self._user is None else (), capture_output=True,
            cwd="/", env=self._environment(), check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"{command[0]} failed: {done.stderr.decode()}")

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

    def _wait(self, patience: float = 30.0) -> None:
        assert self._process is not None
        end = time.monotonic() + patience
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    log = (self.folder / "server.log").read_text(errors="replace")
                    raise AssertionError(f"PostgreSQL did not start: {error}\n{log[-3000:]}") from None
            time.sleep(0.05)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server of the caller's own, to stop and start as it likes. Skips where PostgreSQL is not installed."""
    require_postgresql("initdb")
    # Not below pytest's folder: that is closed to the account that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="maasbot-postgres-"))
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server of the caller's own: the URL of an empty database on it."""
    with running_postgres() as server:
        yield server.new_database()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server: started by the first test that needs it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty database on the session's server."""
    return postgres.new_database()


def _account() -> str | None:
    """PostgreSQL refuses to run as root; whoever else runs the tests is good enough."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
