"""The two PostgreSQL servers that a region may use, asked with fixed statements only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from typing import Any

from bot.host.helper.base import Stopped
from bot.host.helper.programs import Said, Tools

TEST = "maas-test-db"
TEST_DATABASE, TEST_ROLE = "maasdb", "maas"
SOCKETS = "/var/snap/maas-test-db/common/postgres/sockets"

#: What a failing statement would put into PostgreSQL's own log.
SILENT = (
    "SET log_statement='none'; SET log_min_error_statement=panic; SET log_min_duration_statement=-1;"
    " SET standard_conforming_strings=on;\n"
)


class Cluster:
    """One line of `pg_lsclusters -h`."""

    def __init__(self, words: list[str]) -> None:
        self.version, self.name = words[0], words[1]
        self.port = int(words[2]) if words[2].isdigit() else 0
        self.status = words[3]
        self.directory = words[5] if len(words) > 5 else ""

    @property
    def major(self) -> int:
        head = self.version.split(".")[0]
        return int(head) if head.isdigit() else 0

    @property
    def online(self) -> bool:
        return self.status.split(",")[0] == "online"

    @property
    def unit(self) -> str:
        """The unit that tells the truth: `postgresql` is active also when the cluster failed."""
        return f"postgresql@{self.version}-{self.name}"


def clusters(tools: Tools) -> list[Cluster]:
    """The clusters of the host's own PostgreSQL."""
    if not tools.has("pg_lsclusters"):
        return []
    said = tools.ask_once("pg_lsclusters", "-h")
    return [Cluster(line.split()) for line in said.out.splitlines() if len(line.split()) >= 5]


class Server:
    """A PostgreSQL server and how to ask it. Statements come by stdin; an error ends them (ON_ERROR_STOP)."""

    def __init__(self, tools: Tools, kind: str, cluster: Cluster | None = None) -> None:
        self.tools = tools
        self.kind = kind
        self.port = cluster.port if cluster is not None else 0
        self._version = cluster.version if cluster is not None else ""

    @staticmethod
    def test(tools: Tools) -> Server:
        return Server(tools, "test")

    @staticmethod
    def production(tools: Tools) -> Server:
        """The host's own.

        Raises:
            Stopped: it is not installed, or no cluster of it runs.
        """
        found = clusters(tools)
        if not found:
            raise Stopped(
                "not_installed", "PostgreSQL is not installed on the host", "install --database production installs it."
            )
        online = [one for one in found if one.online]
        if not online:
            units = " ".join(one.unit for one in found)
            raise Stopped("cluster_down", "no PostgreSQL cluster runs", "On the host: systemctl start " + units)
        chosen = min(online, key=lambda one: (one.port != 5432, one.port))
        return Server(tools, "production", chosen)

    @staticmethod
    def of_region(tools: Tools) -> Server | None:
        """The one that is there: the snap's when that is installed, else the host's own; None when neither answers."""
        if tools.find(TEST + ".psql") is not None:
            return Server.test(tools)
        try:
            return Server.production(tools)
        except Stopped:
            return None

    def line(self, database: str) -> list[str]:
        """The command line that takes statements for this database on its standard input."""
        options = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", database]
        if self.kind == "test":
            return [TEST + ".psql", *options]
        return [self._psql(), "-p", str(self.port), *options]

    def _psql(self) -> str:
        """The program itself: Debian's `psql` is a script that looks for it, and takes longer than a question."""
        own = self.tools.place.at(f"/usr/lib/postgresql/{self._version}/bin/psql")
        return own if os.access(own, os.X_OK) else "psql"

    @property
    def user(self) -> str:
        return "postgres" if self.kind == "production" else ""

    def said(self, sql: str, database: str = "postgres", timeout: float = 60.0) -> Said:
        return self.tools.ask(*self.line(database), stdin=(SILENT + sql).encode(), timeout=timeout, user=self.user)

    def rows(self, sql: str, database: str = "postgres") -> list[list[str]]:
        """The rows of a statement's answer.

        Raises:
            Stopped: it failed; the statement is not repeated.
        """
        said = self.said(sql, database)
        if said.rc or said.late:
            raise sql_fault(said, database)
        return [line.split("\t") for line in said.out.splitlines() if line]

    def value(self, sql: str, database: str = "postgres") -> str:
        rows = self.rows(sql, database)
        return rows[0][0] if rows else ""

    def names_quietly(self) -> list[str]:
        """The databases that it lists; none when it does not answer."""
        said = self.said("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1;", timeout=15)
        return [] if said.rc or said.late else said.out.split()

    def major(self) -> int | None:
        said = self.said("SHOW server_version_num;", timeout=15)
        words = said.out.split()
        return int(words[-1]) // 10_000 if not said.rc and words and words[-1].isdigit() else None

    def has_database(self, name: str) -> bool:
        return bool(self.rows(f"SELECT 1 FROM pg_database WHERE datname = {literal(name)};"))

    def migrations(self, name: str) -> int | None:
        """How many of MAAS's migrations ran; 0 for an empty database, None for a cut one."""
        found = self.rows(
            "SELECT to_regclass('public.django_migrations') IS NOT NULL,"
            " to_regclass('public.maasserver_node') IS NOT NULL AND to_regclass('public.auth_user') IS NOT NULL,"
            " (SELECT count(*) FROM pg_tables WHERE schemaname = 'public');",
            name,
        )[0]
        if found[0] == "f":
            return 0 if found[2] == "0" else None
        count = int(self.value("SELECT count(*) FROM django_migrations;", name) or 0)
        if found[1] == "f":
            return None if count or found[2] != "1" else 0
        return count or None


def sql_fault(said: Said, database: str) -> Stopped:
    text = said.out
    if said.late:
        return Stopped("timeout", "PostgreSQL took too long to answer")
    if said.rc == 127:
        return Stopped("not_installed", "psql is not installed")
    if "could not connect" in text or "Connection refused" in text or "connection to server" in text:
        return Stopped("cluster_down", "PostgreSQL does not answer: " + said.last)
    if "No space left on device" in text:
        return Stopped("disk_full", "PostgreSQL: no space left on device", "Make room, then run it again.")
    if "being accessed by other users" in text:
        return Stopped("database_in_use", f"database {database} is in use")
    if "objects depend on it" in text:
        return Stopped("role_in_use", "the role still owns something: " + said.last)
    return Stopped("failed", "PostgreSQL: " + said.last)


def literal(text: str) -> str:
    """Text in a statement; what is put in here was checked, and is quoted all the same."""
    if "\0" in text:
        raise ValueError("no NUL in a statement")
    return "'" + text.replace("'", "''") + "'"


def name_in(text: str) -> str:
    """A name in a statement."""
    return '"' + text.replace('"', '""') + '"'


def verifier(password: str, role: str, encryption: str) -> str:
    """PostgreSQL's own form of a password, so that the password itself never reaches the server or its log."""
    if encryption != "scram-sha-256":
        return "md5" + hashlib.md5((password + role).encode()).hexdigest()  # noqa: S324 - PostgreSQL's own form
    salt = os.urandom(16)
    return _scram(password, salt, 4096)


def fits(password: str, role: str, stored: str) -> bool:
    """Whether this is the password that PostgreSQL keeps a form of."""
    if stored.startswith("md5"):
        return hmac.compare_digest(stored, verifier(password, role, "md5"))
    if stored.startswith("SCRAM-SHA-256$"):
        try:
            count, salt = stored.split("$")[1].split(":")
            return hmac.compare_digest(stored, _scram(password, base64.b64decode(salt), int(count)))
        except (ValueError, IndexError):
            return False
    return False


def _scram(password: str, salt: bytes, count: int) -> str:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, count)
    client = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    stored = hashlib.sha256(client).digest()
    parts = [base64.b64encode(one).decode() for one in (salt, stored, server)]
    return "SCRAM-SHA-256$%d:%s$%s:%s" % (count, parts[0], parts[1], parts[2])


def wait_for_cluster(tools: Tools, seconds: float = 60.0) -> None:
    """Wait until the host's own PostgreSQL answers.

    Raises:
        Stopped: it does not, with its unit's name.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if Server.production(tools).value("SELECT 1;") == "1":
                return
        except Stopped:
            if time.monotonic() > deadline:
                raise
        tools.sleep(0.2)


def facts_of(cluster: Cluster) -> dict[str, Any]:
    return {
        "version": cluster.version,
        "name": cluster.name,
        "port": cluster.port,
        "status": cluster.status,
        "directory": cluster.directory,
    }
