"""Backups of a region: its database by pg_dump, its files, and a note of both; whole or not there at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tarfile
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, job_id
from bot.host.helper.files import now, read_whole, write_whole
from bot.host.helper.hba import Hba
from bot.host.helper.maas import region_server
from bot.host.helper.pgtools import dump, listed, program
from bot.host.helper.postgres import literal
from bot.host.helper.programs import Tools
from bot.host.helper.region import region_config
from bot.host.helper.snapd import installed
from bot.host.helper.step import Step

DUMP, PACKED, _NOTE = "database.dump", "files.tar.gz", "backup.json"
#: Small files that make the region what it is. Images and logs are not: MAAS fetches the ones, and the others pass.
_SMALL = ("/var/snap/maas/current/*.conf", "/var/snap/maas/common/snap_mode", "/var/snap/maas/common/maas")
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
            return done("backup %s is there, %d tables" % (given["backup"], note["tables"]), facts=told_of(note))
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
        config = region_config(tools)
        server = region_server(tools, config)
        assert server is not None
        path = os.path.join(part, DUMP)
        tools.at_work("dumping database " + config.database)
        dump(tools, server, config, path)
        tools.at_work("verifying the dump by reading its list back")
        tables = listed(tools, server, path)
        missing = [one for one in _MARKS if one not in tables]
        if missing:
            raise Stopped("bad_backup", "the dump lacks " + ", ".join(missing))
        tools.at_work("packing the region's files")
        packed = os.path.join(part, PACKED)
        extra = [Hba(tools, server).path] if server.kind == "production" else []
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
                for name in (DUMP, PACKED)
            },
        }
        write_whole(os.path.join(part, _NOTE), note)


def told_of(note: dict[str, Any]) -> dict[str, Any]:
    size = sum(one["size"] for one in note["files"].values())
    return {"tables": note["tables"], "size": size, "made": note["made"], "maas_version": note["maas_version"]}


def digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


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
