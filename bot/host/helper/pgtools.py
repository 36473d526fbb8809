"""pg_dump and pg_restore: of the server's version, wherever they are; the password never as an argument."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from typing import Any

from bot.host.helper.base import Stopped
from bot.host.helper.postgres import SOCKETS, TEST_ROLE, Server
from bot.host.helper.programs import Tools
from bot.host.helper.region import RegionConfig


def program(tools: Tools, name: str, major: int | None) -> list[str] | None:
    """pg_dump or pg_restore, of the server's version where there are several; snaps bring their own."""
    patterns = [
        f"/usr/lib/postgresql/{major}/bin/",
        f"/snap/maas-test-db/current/usr/lib/postgresql/{major}/bin/",
        "/snap/maas-test-db/current/usr/lib/postgresql/*/bin/",
        "/snap/maas-test-db/current/bin/",
        "/snap/maas/current/usr/lib/postgresql/*/bin/",
        "/usr/lib/postgresql/*/bin/",
    ]
    for pattern in patterns:
        found = [one for one in sorted(glob.glob(tools.place.at(pattern + name))) if os.access(one, os.X_OK)]
        if found:
            return [*_libraries(tools, found[-1]), found[-1]]
    plain = tools.find(name)
    return [plain] if plain else None


def _libraries(tools: Tools, path: str) -> list[str]:
    """What goes before a snap's program, so that it finds the snap's own libraries outside of it."""
    there = re.match(r"(.*/snap/[a-z-]+/current)/", path)
    if there is None:
        return []
    folders = [one for kind in ("usr/lib", "lib") for one in glob.glob(f"{there.group(1)}/{kind}/*-linux-gnu")]
    return [tools.find("env") or "/usr/bin/env", "LD_LIBRARY_PATH=" + ":".join(folders)]


def dump(tools: Tools, server: Server, config: RegionConfig, path: str) -> None:
    """pg_dump into a file of root's; the password, where one is needed, by a file in memory."""
    tool = program(tools, "pg_dump", server.major())
    assert tool is not None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    words = [*tool, "--format=custom", "--dbname=" + config.database]
    secret = ""
    if server.kind == "production":
        words.append("--port=%d" % server.port)
    else:
        words += ["--host=" + tools.place.at(SOCKETS), "--username=" + (config.role or TEST_ROLE)]
        secret = password_file(tools, config)
    try:
        tools.note("$ " + " ".join(words))
        environ = {"PGPASSFILE": secret} if secret else {}
        with os.fdopen(descriptor, "wb") as stream:
            process = start_tool(tools, words, server.user, environ, stdin=subprocess.DEVNULL, stdout=stream)
            finish(tools, process, "pg_dump", 3600)
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        if secret:
            os.unlink(secret)


def password_file(tools: Tools, config: RegionConfig) -> str:
    if not config.password:
        return ""
    path = os.path.join(tools.place.run, ".pgpass-" + (tools.job or "query"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    escaped = config.password.replace("\\", "\\\\").replace(":", "\\:")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"*:*:*:*:{escaped}\n")
    return path


def start_tool(
    tools: Tools, words: list[str], user: str, environ: dict[str, str], **streams: Any
) -> subprocess.Popen[bytes]:
    if environ:
        words = [tools.find("env") or "/usr/bin/env", *("{}={}".format(*one) for one in environ.items()), *words]
    return tools.start(words, user, stderr=subprocess.PIPE, **streams)


def finish(tools: Tools, process: subprocess.Popen[bytes], what: str, timeout: float) -> None:
    """Wait for a program that writes little to its standard error."""
    try:
        _, said = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        tools.end(process)
        raise Stopped("timeout", what + " took too long and was stopped") from None
    except BaseException:
        tools.end(process)
        raise
    text = said.decode("utf-8", "replace").strip()
    for line in text.splitlines()[:200]:
        tools.note(line)
    if process.returncode:
        last = text.splitlines()[-1][:300] if text else "exit status %d" % process.returncode
        cause = "disk_full" if "No space left" in text else "failed"
        raise Stopped(cause, f"{what} failed: {last}")


def listed(tools: Tools, server: Server, path: str) -> list[str]:
    """The tables whose data a dump holds, by its own list.

    Raises:
        Stopped: pg_restore can't read it.
    """
    tool = program(tools, "pg_restore", server.major())
    if tool is None:
        raise Stopped(
            "no_backup_program", "pg_restore is not on this host", "On the host: apt install postgresql-client"
        )
    with open(path, "rb") as stream:
        process = tools.start([*tool, "--list"], stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, errors = process.communicate(timeout=600)
    if process.returncode:
        words = errors.decode("utf-8", "replace").strip()[-200:]
        raise Stopped("bad_backup", "the dump can't be read back: " + words)
    found = []
    for line in out.decode("utf-8", "replace").splitlines():
        # 3401; 0 16389 TABLE DATA public auth_user maas
        _, sign, rest = line.partition(" TABLE DATA ")
        if sign and len(rest.split()) >= 2:
            found.append(rest.split()[1])
    return found
