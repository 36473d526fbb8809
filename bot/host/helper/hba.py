"""The lines of pg_hba.conf that let a region in: between marks, on top, and never left so that they can't be loaded."""

from __future__ import annotations

import os
import stat
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.databases import execute
from bot.host.helper.fields import Fields, choice, pg_name
from bot.host.helper.postgres import Server
from bot.host.helper.programs import Tools
from bot.host.helper.step import Step

BEGIN = "# maasbot: begin"
END = "# maasbot: end"
_WIDE = ("0/0", "0.0.0.0/0", "::/0", "::0/0", "all")


class Hba:
    """PostgreSQL's own word on its pg_hba.conf: where it is, what it can't read in it, when it was loaded."""

    def __init__(self, tools: Tools, server: Server) -> None:
        row = server.rows(
            "SELECT current_setting('hba_file'), current_setting('password_encryption'),"
            " extract(epoch FROM pg_conf_load_time()),"
            " coalesce((SELECT string_agg(error, '; ') FROM pg_hba_file_rules WHERE error IS NOT NULL), '');"
        )[0]
        self.path = tools.place.at(row[0])
        self.method = "scram-sha-256" if row[1] == "scram-sha-256" else "md5"
        self.loaded = float(row[2] or 0)
        self.faults = row[3]


def block(database: str, role: str, reach: str, method: str) -> list[str]:
    where = "0.0.0.0/0" if reach == "wide" else "127.0.0.1/32"
    lines = [f"host    {database}    {role}    {where}    {method}"]
    if reach == "narrow":
        # localhost may well be ::1.
        lines.append(f"host    {database}    {role}    ::1/128    {method}")
    return [BEGIN, *lines, END]


def without_ours(lines: list[str]) -> list[str]:
    """The file without our block. A begin without an end (cut by hand) ends with the lines that look like ours."""
    kept: list[str] = []
    inside = False
    for line in lines:
        if line.strip() == BEGIN:
            inside = True
        elif inside and line.strip() == END:
            inside = False
        elif inside and line.split()[:1] not in (["host"], ["hostssl"]):
            inside = False
            kept.append(line)
        elif not inside:
            kept.append(line)
    return kept


def of_region(line: str, database: str, role: str) -> bool:
    """Whether a line lets exactly this role into exactly this database, as people write it by hand."""
    words = line.split("#", maxsplit=1)[0].split()
    if len(words) < 4 or words[0] not in ("host", "hostssl", "hostnossl"):
        return False
    return words[1].strip('"') == database and words[2].strip('"') == role


def read_lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read().splitlines()


def replace_file(path: str, lines: list[str]) -> None:
    """Put other lines into a file, at once, with owner and mode as they were."""
    was = os.stat(path)
    fresh = path + ".maasbot"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write("\n".join(lines) + "\n")
        stream.flush()
        if os.geteuid() == 0:
            os.fchown(stream.fileno(), was.st_uid, was.st_gid)
        os.fchmod(stream.fileno(), stat.S_IMODE(was.st_mode))
        os.fsync(stream.fileno())
    os.rename(fresh, path)


def put(tools: Tools, server: Server, hba: Hba, lines: list[str]) -> None:
    """Put the lines in, have PostgreSQL judge them, and load them; the old file comes back when it does not take them.

    A reload reports no error: PostgreSQL would go on with the old lines, and not start at its next start.
    """
    before = read_lines(hba.path)
    replace_file(hba.path, lines)
    try:
        faults = Hba(tools, server).faults
        if faults and faults != hba.faults:
            raise Stopped("bad_pg_hba", "PostgreSQL does not accept the new pg_hba.conf: " + faults)
        execute(server, "SELECT pg_reload_conf();")
    except BaseException:
        replace_file(hba.path, before)
        tools.note("pg_hba.conf was put back as it was")
        raise
    if faults:
        raise Stopped("bad_pg_hba", "pg_hba.conf has a fault of older date: " + faults, "Mend it: " + hba.path)


class PgHbaAllow(Step):
    name = "pg-hba-allow"
    fields = Fields({"database": pg_name, "role": pg_name}, {"reach": (choice("narrow", "wide"), "narrow")})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        try:
            hba = Hba(tools, Server.production(tools))
        except Stopped as stop:
            return blocked(stop.cause, stop.message, stop.remedy)
        path = hba.path
        if hba.faults:
            return blocked("bad_pg_hba", f"{path} has a fault: {hba.faults}", "Mend it, then run it again.")
        lines = read_lines(path)
        wanted = self._wanted(hba, given)
        words = [one.split() for one in wanted]
        if [one.split() for one in lines[: len(wanted)]] == words:
            if os.stat(path).st_mtime > hba.loaded:
                return todo(f"{path} is written, and not loaded yet", "load it")
            return done("{} lets {} in ({})".format(path, given["role"], given["reach"]))
        risk = ["the database is open to the whole network, as far as PostgreSQL listens"]
        return todo(
            f"{path} has no line of ours" if BEGIN not in lines else f"{path} has another line of ours",
            "put on top: " + " | ".join(wanted[1:-1]),
            lost=risk if given["reach"] == "wide" else [],
        )

    def _wanted(self, hba: Hba, given: dict[str, Any]) -> list[str]:
        return block(given["database"], given["role"], given["reach"], hba.method)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        server = Server.production(tools)
        hba = Hba(tools, server)
        put(tools, server, hba, [*self._wanted(hba, given), *without_ours(read_lines(hba.path))])


class PgHbaRemove(Step):
    name = "pg-hba-remove"
    fields = Fields({"database": pg_name, "role": pg_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        try:
            server = Server.production(tools)
        except Stopped as stop:
            if stop.cause == "not_installed":
                return done("PostgreSQL is not installed")
            return blocked(stop.cause, stop.message, stop.remedy)
        path = Hba(tools, server).path
        gone = self._gone(path, given)
        if not gone:
            return done("{} has no line for {}".format(path, given["role"]))
        return todo("%s has %d lines for %s" % (path, len(gone), given["role"]), "take them out", lost=gone)

    def _gone(self, path: str, given: dict[str, Any]) -> list[str]:
        lines = read_lines(path)
        kept = self._kept(lines, given)
        return [one for one in lines if one not in kept]

    def _kept(self, lines: list[str], given: dict[str, Any]) -> list[str]:
        return [one for one in without_ours(lines) if not of_region(one, given["database"], given["role"])]

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        server = Server.production(tools)
        hba = Hba(tools, server)
        put(tools, server, hba, self._kept(read_lines(hba.path), given))
