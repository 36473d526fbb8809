"""A backup put back: the database in one transaction, so all of it or nothing; then the secret that goes with it."""

from __future__ import annotations

import os
import subprocess
import tarfile
from typing import Any

from bot.host.helper.backups import DUMP, PACKED, digest, folder, note_of, told_of
from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, job_id
from bot.host.helper.maas import region_server
from bot.host.helper.pgtools import finish, program
from bot.host.helper.postgres import TEST_ROLE, Server, literal, name_in
from bot.host.helper.programs import Tools
from bot.host.helper.region import RegionConfig, region_config
from bot.host.helper.snapd import installed
from bot.host.helper.step import Step


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
            facts=told_of(note),
        )

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        config = region_config(tools)
        server = region_server(tools, config)
        assert server is not None
        dump = os.path.join(folder(tools, given["backup"]), DUMP)
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
                [*tool, "--no-owner", "--no-privileges", "--file=-"],
                stdin=stream,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        writer = tools.start(
            server.line(config.database),
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
        finish(tools, writer, "putting the database back", 3600)
        if not whole:
            raise Stopped("bad_backup", "the dump could not be read to its end; the database is as it was")

    def _secret_files(self, tools: Tools, backup: str) -> None:
        """The secret that region and racks share goes with the database that knows it."""
        wanted = "var/snap/maas/common/maas/secret"
        target = tools.place.at("/" + wanted)
        with tarfile.open(os.path.join(folder(tools, backup), PACKED), mode="r:gz") as packed:
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
