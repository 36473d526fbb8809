"""Backups of a region: its database by pg_dump, its files, and a note of both; whole or not there at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import tarfile
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, job_id
from bot.host.helper.hba import hba_file
from bot.host.helper.jobs import now, read_whole, write_whole
from bot.host.helper.maas import region_server
from bot.host.helper.postgres import SOCKETS, TEST_ROLE, Server, literal, name_in
from bot.host.helper.programs import Tools
from bot.host.helper.region import RegionConfig, region_config
from bot.host.helper.snaps import installed
from bot.host.helper.step import Step

_DUMP, _PACKED, _NOTE = "database.dump", "files.tar.gz", "backup.json"
#: Small files that make the region what it is. Images and logs are not: MAAS fetches the ones, and the others pass.
_SMALL = ("/var/snap/maas/current/*.conf", "/var/snap/maas/current/snap_mode", "/var/snap/maas/common/maas")
_LARGEST = 20_000_000
_MARKS = ("django_migrations", "maasserver_node", "auth_user")


def folder(tools: Tools, backup: str) -> str:
    return os.path.join(tools.place.backups, backup)


def note_of(tools: Tools, backup: str) -> dict[str, Any] | None:
    """What a backup says of itself; `whole` when its files have the sizes that were noted."""
    note = read_whole(os.path.join(folder(tools, backup), _NOTE))
    if not isinstance(note, dict) or "files" not in note:
        return None
    whole = True
    for name, facts in note["files"].items():
        try:
            whole = whole and os.stat(os.path.join(folder(tools, backup), name)).st_size == facts["size"]
        except OSError:
            whole = False
    return {**note, "whole": whole}


def backups(tools: Tools) -> dict[str, Any]:
    """All backups, newest first."""
    found = []
    for path in glob.glob(os.path.join(tools.place.backups, "*", _NOTE)):
        name = os.path.basename(os.path.dirname(path))
        note = note_of(tools, name)
        if note is not None and not name.endswith(".part"):
            told = {key: note[key] for key in ("made", "database", "database_name", "maas_version", "tables", "whole")}
            told["backup"] = name
            told["size"] = sum(one["size"] for one in note["files"].values())
            found.append(told)
    there = tools.place.backups
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    usage = os.statvfs(there)
    found.sort(key=lambda one: str(one["made"]), reverse=True)
    return {"folder": tools.place.backups, "free": usage.f_bavail * usage.f_frsize, "backups": found}


def program(tools: Tools, name: str, major: int | None) -> str | None:
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
            return found[-1]
    return tools.find(name)


def files(tools: Tools) -> list[str]:
    found = [path for one in _SMALL for path in glob.glob(tools.place.at(one))]
    return sorted(found)


class Backup(Step):
    name = "backup"
    fields = Fields({"backup": job_id})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        note = note_of(tools, given["backup"])
        if note is not None:
            if not note["whole"]:
                return blocked(
                    "bad_backup", "backup {} is there, and is damaged".format(given["backup"]), "Use another id."
                )
            return done("backup %s is there, %d tables" % (given["backup"], note["tables"]), facts=_told(note))
        config = region_config(tools)
        if not config.is_region:
            return blocked("not_initialised", "there is no region on this host", "There is nothing to back up.")
        try:
            server = region_server(tools, config)
            if server is None:
                return blocked("not_installed", f"the database is on {config.host}", "Back it up there.")
            if not server.has_database(config.database):
                return blocked("not_initialised", "there is no database " + config.database)
            size = int(server.value(f"SELECT pg_database_size({literal(config.database)});"))
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        if program(tools, "pg_dump", server.major()) is None or program(tools, "pg_restore", server.major()) is None:
            return blocked(
                "no_backup_program", "pg_dump is not on this host", "On the host: apt install postgresql-client"
            )
        free = backups(tools)["free"]
        if free < size + _LARGEST:
            text = "%d MB are free in %s, the database has %d MB" % (free >> 20, tools.place.backups, size >> 20)
            return blocked("disk_full", text, "Make room, then run it again.")
        return todo("database %s has %d MB" % (config.database, (size >> 20) + 1), "dump it, with the region's files")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        final = folder(tools, given["backup"])
        part = final + ".part"
        os.makedirs(tools.place.backups, mode=0o700, exist_ok=True)
        os.chmod(tools.place.backups, 0o700)
        shutil.rmtree(part, ignore_errors=True)
        os.mkdir(part, 0o700)
        try:
            self._fill(tools, part)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        os.rename(part, final)

    def _fill(self, tools: Tools, part: str) -> None:
        config = region_config(tools, password=True)
        server = region_server(tools, config)
        assert server is not None
        dump = os.path.join(part, _DUMP)
        tools.at_work("dumping database " + config.database)
        _dump(tools, server, config, dump)
        tools.at_work("verifying the dump by reading its list back")
        tables = listed(tools, server, dump)
        missing = [one for one in _MARKS if one not in tables]
        if missing:
            raise Stopped("bad_backup", "the dump lacks " + ", ".join(missing))
        tools.at_work("packing the region's files")
        packed = os.path.join(part, _PACKED)
        extra = [hba_file(tools, server)] if server.kind == "production" else []
        _pack(tools, packed, [*files(tools), *extra])
        there = installed(tools, "maas")
        note = {
            "made": now(),
            "database": server.kind,
            "database_name": config.database,
            "maas_version": there.version if there else "",
            "tables": len(tables),
            "files": {
                name: {"size": os.stat(os.path.join(part, name)).st_size, "sha256": digest(os.path.join(part, name))}
                for name in (_DUMP, _PACKED)
            },
        }
        write_whole(os.path.join(part, _NOTE), note)


def _told(note: dict[str, Any]) -> dict[str, Any]:
    size = sum(one["size"] for one in note["files"].values())
    return {"tables": note["tables"], "size": size, "made": note["made"], "maas_version": note["maas_version"]}


def digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def _dump(tools: Tools, server: Server, config: RegionConfig, path: str) -> None:
    """pg_dump into a file of root's; the password, where one is needed, by a file in memory."""
    tool = program(tools, "pg_dump", server.major())
    assert tool is not None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    words = [tool, "--format=custom", "--dbname=" + config.database]
    secret = ""
    if server.kind == "production":
        words.append("--port=%d" % server.port)
    else:
        words += ["--host=" + tools.place.at(SOCKETS), "--username=" + (config.role or TEST_ROLE)]
        secret = _password_file(tools, config)
    try:
        tools.note("$ " + " ".join(words))
        environ = {"PGPASSFILE": secret} if secret else {}
        with os.fdopen(descriptor, "wb") as stream:
            process = _start_tool(tools, words, server.user, environ, stdin=subprocess.DEVNULL, stdout=stream)
            _finish(tools, process, "pg_dump", 3600)
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        if secret:
            os.unlink(secret)


def _password_file(tools: Tools, config: RegionConfig) -> str:
    if not config.password:
        return ""
    path = os.path.join(tools.place.run, "pgpass-" + (tools.job or "query"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    escaped = config.password.replace("\\", "\\\\").replace(":", "\\:")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"*:*:*:*:{escaped}\n")
    return path


def _start_tool(
    tools: Tools, words: list[str], user: str, environ: dict[str, str], **streams: Any
) -> subprocess.Popen[bytes]:
    if environ:
        words = [tools.find("env") or "/usr/bin/env", *("{}={}".format(*one) for one in environ.items()), *words]
    return tools.start(words, user, stderr=subprocess.PIPE, **streams)


def _finish(tools: Tools, process: subprocess.Popen[bytes], what: str, timeout: float) -> None:
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


def listed(tools: Tools, server: Server, dump: str) -> list[str]:
    """The tables whose data a dump holds, by its own list.

    Raises:
        Stopped: pg_restore can't read it.
    """
    tool = program(tools, "pg_restore", server.major())
    if tool is None:
        raise Stopped(
            "no_backup_program", "pg_restore is not on this host", "On the host: apt install postgresql-client"
        )
    with open(dump, "rb") as stream:
        process = tools.start([tool, "--list"], stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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


def _pack(tools: Tools, path: str, sources: list[str]) -> None:
    root = tools.place.at("/")

    def chosen(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if not (info.isfile() or info.isdir()) or info.size > _LARGEST:
            return None
        if any(part in ("boot-resources", "image-storage", "log") for part in info.name.split("/")):
            return None
        return info

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz") as packed:
            for source in sources:
                packed.add(source, arcname=os.path.relpath(source, root), filter=chosen)
        stream.flush()
        os.fsync(stream.fileno())
    with tarfile.open(path, mode="r:gz") as packed:
        packed.getnames()


class Restore(Step):
    """The database of a backup in place of the region's, in one transaction: all of it, or nothing was changed."""

    name = "restore"
    fields = Fields({"backup": job_id})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name = given["backup"]
        note = note_of(tools, name)
        if note is None:
            return blocked("no_such_backup", "there is no backup " + name, "See backup list.")
        if not note["whole"] or any(
            digest(os.path.join(folder(tools, name), each)) != facts["sha256"] for each, facts in note["files"].items()
        ):
            return blocked("bad_backup", f"backup {name} is damaged", "Choose another: backup list.")
        config = region_config(tools)
        if not config.is_region:
            return blocked("not_initialised", "there is no region on this host", "Install it first.")
        try:
            server = region_server(tools, config)
            if server is None or not server.has_database(config.database):
                return blocked("not_initialised", "the region's database is not on this host")
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        there = installed(tools, "maas")
        version = there.version if there else ""
        if there and there.series and _series(note) and _series(note) > there.series:
            text = "the backup is of MAAS {}, the host has {}".format(note["maas_version"], version)
            return blocked("downgrade", text, "Upgrade the host first.")
        return todo(
            "backup of %s, MAAS %s, %d tables" % (note["made"], note["maas_version"], note["tables"]),
            "stop MAAS, put its database in place of today's, run the migrations, start MAAS",
            lost=["everything in database {} since {}".format(config.database, note["made"])],
            facts=_told(note),
        )

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        config = region_config(tools, password=True)
        server = region_server(tools, config)
        assert server is not None
        dump = os.path.join(folder(tools, given["backup"]), _DUMP)
        tools.at_work("stopping MAAS")
        tools.do("snap", "stop", "maas", timeout=300)
        try:
            tools.at_work("putting the database back")
            self._load(tools, server, config, dump)
            self._secret_files(tools, given["backup"])
        finally:
            tools.at_work("starting MAAS")
            tools.do("snap", "start", "maas", timeout=300)
        tools.at_work("running the migrations")
        tools.do("maas", "migrate", timeout=1800, flood=400_000)

    def _load(self, tools: Tools, server: Server, config: RegionConfig, dump: str) -> None:
        tool = program(tools, "pg_restore", server.major())
        if tool is None:
            raise Stopped("no_backup_program", "pg_restore is not on this host")
        role = config.role or TEST_ROLE
        server.rows(
            "SELECT 1 FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = {literal(config.database)} AND pid <> pg_backend_pid()) AS ended;"
        )
        schemas = server.rows(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema';",
            config.database,
        )
        head = ["BEGIN;", *(f"DROP SCHEMA {name_in(one[0])} CASCADE;" for one in schemas)]
        head += [f"CREATE SCHEMA public AUTHORIZATION {name_in(role)};", f"SET ROLE {name_in(role)};", ""]
        mark = f"RESET ROLE;\nCOMMENT ON DATABASE {name_in(config.database)} IS {literal(_mark(tools))};\n"
        with open(dump, "rb") as stream:
            reader = tools.start(
                [tool, "--no-owner", "--no-privileges", "--file=-"],
                stdin=stream,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        writer = tools.start(
            server._line(config.database),
            server.user,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert reader.stdout is not None
        assert writer.stdin is not None
        try:
            writer.stdin.write("\n".join(head).encode())
            for block in iter(lambda: reader.stdout.read(1 << 16), b""):  # type: ignore[union-attr]
                # Made by older tools for a public schema of their own: ours is there.
                writer.stdin.write(block)
            reader.stdout.close()
            whole = reader.wait(60) == 0
            writer.stdin.write(("\n" + (mark + "COMMIT;\n" if whole else "ROLLBACK;\n")).encode())
        except BrokenPipeError:
            tools.end(reader)
            whole = False
        except BaseException:
            tools.end(reader)
            tools.end(writer)
            raise
        _finish(tools, writer, "putting the database back", 3600)
        if not whole:
            raise Stopped("bad_backup", "the dump could not be read to its end; the database is as it was")

    def _secret_files(self, tools: Tools, backup: str) -> None:
        """The secret that region and racks share goes with the database that knows it."""
        wanted = "var/snap/maas/common/maas/secret"
        target = tools.place.at("/" + wanted)
        with tarfile.open(os.path.join(folder(tools, backup), _PACKED), mode="r:gz") as packed:
            try:
                stream = packed.extractfile(wanted)
            except KeyError:
                return
            if stream is None or not os.path.isdir(os.path.dirname(target)):
                return
            content = stream.read(4096)
        descriptor = os.open(target + ".maasbot", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        os.rename(target + ".maasbot", target)

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        config = region_config(tools)
        server = region_server(tools, config)
        if server is None:
            return blocked("not_initialised", "the region's database is not on this host")
        comment = server.value(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database"
            f" WHERE datname = {literal(config.database)};"
        )
        count = server.migrations(config.database)
        if comment != _mark(tools) or not count:
            return todo("the database is not the backup's", "put it back", cause="failed")
        return done("backup %s is in place, %d migrations ran" % (given["backup"], count))


def _mark(tools: Tools) -> str:
    return "maasbot restored " + (tools.job or "by hand")


def _series(note: dict[str, Any]) -> tuple[int, int]:
    words = str(note["maas_version"]).split(".")
    try:
        return int(words[0]), int(words[1])
    except (ValueError, IndexError):
        return (0, 0)
