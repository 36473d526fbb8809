"""The snap maas-test-db: a PostgreSQL of its own on a socket, and `maas-test-db.psql`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from sandbox.host.programs.standin import SOCKETS, fault, tool

DATA = "/var/snap/maas-test-db/common/postgres/data"
USER = 584788  # snap_daemon


def _as_user(*words: str) -> list[str]:
    return ["runuser", "-u", "snap_daemon", "--", *words]


def serve() -> None:
    """Make the cluster at the first start, then be the server."""
    time.sleep(float(fault("test-db-late", 0)))
    # snapd makes this user, too.
    if subprocess.run(["getent", "passwd", str(USER)], check=False, capture_output=True).returncode:
        subprocess.run(["useradd", "--system", "--no-create-home", f"--uid={USER}", "snap_daemon"], check=True)
    _make_folder(SOCKETS, 0o755)
    os.chown(os.path.dirname(DATA), USER, 0)
    if not os.path.exists(DATA):
        # Made whole or not at all: snapd does a task anew that a power cut had ended.
        part = DATA + ".part"
        shutil.rmtree(part, ignore_errors=True)
        _make_folder(part, 0o700)
        subprocess.run(
            _as_user(
                *tool("initdb"), "-D", part, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8"
            ),
            check=True,
        )
        os.rename(part, DATA)
    line = _as_user(*tool("postgres"), "-D", DATA, "-k", SOCKETS, "-c", "listen_addresses=", "-c", "fsync=off")
    server = subprocess.Popen(line)
    for _ in range(300):
        made = subprocess.run(_psql("-c", "SELECT 1"), capture_output=True, check=False)
        if made.returncode == 0:
            break
        time.sleep(0.1)
    sql = (
        "SELECT 'CREATE ROLE maas LOGIN SUPERUSER PASSWORD ''test-db-s3cret''' WHERE NOT EXISTS"
        " (SELECT FROM pg_roles WHERE rolname = 'maas') \\gexec\n"
        "SELECT 'CREATE DATABASE maasdb OWNER maas' WHERE NOT EXISTS"
        " (SELECT FROM pg_database WHERE datname = 'maasdb') \\gexec\n"
    )
    subprocess.run(_psql(), input=sql, text=True, check=True)
    sys.exit(server.wait())


def _make_folder(path: str, mode: int) -> None:
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    os.chown(path, USER, 0)


def _psql(*words: str) -> list[str]:
    return [*tool("psql"), "-h", SOCKETS, "-U", "postgres", *words]


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    os.execvp("env", _psql(*sys.argv[1:]))
