"""apt and dpkg: waits for their locks, mends what was cut, and believes neither exit status 0 nor 'newest version'."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, pg_names
from bot.host.helper.files import read_whole, write_whole
from bot.host.helper.postgres import Cluster, Server, clusters, wait_for_cluster
from bot.host.helper.programs import Said, Tools, must
from bot.host.helper.step import Step

_LOCK_WAIT = 600.0
#: Seconds for which package lists are fresh: the steps of one install ask the mirror for them once.
_LISTS_FRESH = 900.0
_OURS = re.compile(r"postgresql(-(client|contrib|doc|common|client-common|all|plperl|plpython3|pltcl))?(-\d[\d.]*)?")


def packages(tools: Tools, *patterns: str) -> dict[str, tuple[str, str]]:
    """Debian packages of these names: name → (status, version); the removed ones are left out."""
    said = tools.ask_once("dpkg-query", "-W", "-f", "${Package}\\t${db:Status-Status}\\t${Version}\\n", *patterns)
    found = {}
    for line in said.out.splitlines():
        words = line.split("\t")
        if len(words) == 3 and words[1] != "not-installed":
            found[words[0]] = (words[1], words[2])
    return found


def broken_packages(tools: Tools) -> list[str]:
    """Packages whose installation was cut: 'is already the newest version' is said of them, too."""
    said = tools.ask_once("dpkg-query", "-W", "-f", "${Package}\\t${db:Status-Abbrev}\\n")
    found = []
    for line in said.out.splitlines():
        name, _, status = line.partition("\t")
        if len(status) > 1 and status[1] in "HUFWt" and status[0] in "ihrp":
            found.append(name)
    return found


def apt(tools: Tools, what: str, *words: str) -> Said:
    """Run apt-get to its end, with its progress; waits for dpkg's lock.

    Raises:
        Stopped: with the cause as far as apt's words tell.
    """
    options = ["-y", "-q", "-o", "DPkg::Lock::Timeout=%d" % _LOCK_WAIT, "-o", "Dpkg::Options::=--force-confold"]

    def status(line: str) -> None:
        words = line.split(":", 3)
        if len(words) == 4 and words[0] in ("pmstatus", "dlstatus"):
            try:
                tools.at_work(f"{what}: {words[3].strip()}", int(float(words[2])))
            except ValueError:
                pass

    said = tools.do("apt-get", *options, *words, status=status)
    if said.rc and "dpkg was interrupted" in said.out:
        # A power cut between two packages leaves dpkg's journal open, and no package that looks broken.
        tools.do("dpkg", "--configure", "-a", timeout=1800)
        said = tools.do("apt-get", *options, *words, status=status)
    if said.rc or said.late:
        raise classified_apt(said, what)
    return said


def classified_apt(said: Said, what: str) -> Stopped:
    # "Waiting for cache lock: Could not get lock …" is no error: it got it in the end.
    causes = (
        ("apt_lists_lock", r"/var/lib/apt/lists/lock", "Another apt runs. Run it again when that has ended."),
        ("dpkg_lock", r"(^|[\r\n])E: .*(Could not get lock|dpkg frontend lock)",
         "Another apt runs. Run it again when that has ended."),
        ("disk_full", r"[Nn]o space left on device|enough free space", "Make room on /var, then run it again."),
        ("mirror_down", r"Failed to fetch|Unable to fetch|Temporary failure resolving|Unable to locate package",
         "Check that the host reaches its package mirror (also proxy and DNS), then run it again."),
        ("half_installed", r"dpkg was interrupted|returned an error code|Unmet dependencies|unmet dependencies",
         "On the host: dpkg --configure -a && apt-get -f install"),
    )  # fmt: skip
    for cause, pattern, remedy in causes:
        if re.search(pattern, said.out):
            return Stopped(cause, f"{what} failed: {said.last}", remedy)
    return Stopped("timeout" if said.late else "failed", f"{what} failed: {said.last}")


def repair(tools: Tools) -> None:
    """Bring what was cut by power or a full disk to its end."""
    if not broken_packages(tools):
        return
    tools.at_work("mending packages whose installation was cut")
    tools.do("dpkg", "--configure", "-a", timeout=1800)
    apt(tools, "mending packages", "-f", "install")


def update_lists(tools: Tools) -> bool:
    """Bring the package lists up to date; False when the mirror can't be reached. apt does not wait for their lock."""
    deadline = time.monotonic() + _LOCK_WAIT
    while True:
        tools.at_work("updating the package lists")
        said = tools.do("apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any", timeout=900)
        if "lists/lock" not in said.out:
            return not said.rc and not said.late
        if time.monotonic() > deadline:
            raise classified_apt(said, "apt-get update")
        tools.at_work("waiting: another program holds apt's lists")
        tools.sleep(5)


def install_packages(tools: Tools, *names: str) -> None:
    """Install Debian packages."""
    repair(tools)
    what = "installing " + ", ".join(names)
    if _just_updated(tools):
        try:
            apt(tools, what, "install", *names)
        except Stopped as stop:
            if stop.cause != "mirror_down":
                raise
            tools.note("trying again with fresh package lists")
        else:
            return
    if update_lists(tools):
        _note_update(tools)
    else:
        # One broken source among several is no reason to give up, if the packages are there nevertheless.
        tools.note("the package lists are not all fresh; trying with what is there")
    apt(tools, what, "install", *names)


def _update_mark(tools: Tools) -> str:
    """In memory, so it is gone with the next start; a name that no job can have, as jobs' secrets lie beside it."""
    return os.path.join(tools.place.run, ".lists-updated")


def _just_updated(tools: Tools) -> bool:
    """Whether an earlier step brought the lists up to date: the mirror is then not asked for them again."""
    try:
        return 0 <= time.time() - os.stat(_update_mark(tools)).st_mtime < _LISTS_FRESH
    except OSError:
        return False


def _note_update(tools: Tools) -> None:
    os.makedirs(tools.place.run, mode=0o700, exist_ok=True)
    with open(_update_mark(tools), "w", encoding="ascii"):
        os.utime(_update_mark(tools))


class PostgresqlInstall(Step):
    name = "postgresql-install"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = packages(tools, "postgresql").get("postgresql")
        broken = broken_packages(tools)
        if broken:
            return todo("packages are half installed: " + ", ".join(broken[:5]), "mend them, then install postgresql")
        if there is None or there[0] != "installed":
            return todo("postgresql is not installed", "install postgresql with apt")
        try:
            server = Server.production(tools)
            version = server.value("SHOW server_version;")
        except Stopped as stop:
            return todo("postgresql is installed, but: " + stop.message, "start it", cause=stop.cause)
        return done("PostgreSQL %s answers on port %d" % (version.split()[0], server.port), facts={"version": version})

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        there = packages(tools, "postgresql").get("postgresql")
        if there is None or there[0] != "installed" or broken_packages(tools):
            install_packages(tools, "postgresql")
        found = clusters(tools)
        if not found:
            version = _newest_server(tools)
            must(tools.do("pg_createcluster", version, "main", timeout=120), "making a PostgreSQL cluster")
            found = clusters(tools)
        if not any(one.online for one in found):
            _start_cluster(tools, found[-1])
        wait_for_cluster(tools)


def _newest_server(tools: Tools) -> str:
    servers = [name.rpartition("-")[2] for name in packages(tools, "postgresql-[0-9]*") if name.count("-") == 1]
    if not servers:
        raise Stopped("half_installed", "postgresql is installed without a server package")
    return max(servers, key=lambda one: [int(part) for part in one.split(".") if part.isdigit()])


def _start_cluster(tools: Tools, cluster: Cluster) -> None:
    if tools.place.systemd:
        said = tools.do("systemctl", "start", cluster.unit, timeout=120)
    else:
        said = tools.do("pg_ctlcluster", cluster.version, cluster.name, "start", timeout=120)
    if said.rc:
        raise Stopped("cluster_down", "PostgreSQL did not start: " + said.last, "See its log: logs postgresql")


def _stop_cluster(tools: Tools, cluster: Cluster) -> None:
    if tools.place.systemd:
        tools.do("systemctl", "stop", cluster.unit, timeout=120)
    else:
        tools.do("pg_ctlcluster", cluster.version, cluster.name, "stop", timeout=120)


def _judged_file(tools: Tools) -> str:
    return os.path.join(os.path.dirname(tools.place.jobs), "purging")


def _control(tools: Tools, cluster: Cluster) -> str:
    """A digest of what PostgreSQL writes at each start and stop of a cluster; "" where that is gone already."""
    try:
        with open(os.path.join(tools.place.at(cluster.directory), "global", "pg_control"), "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except FileNotFoundError:
        return ""


class PostgresqlPurge(Step):
    name = "postgresql-purge"
    fields = Fields(optional={"databases": (pg_names, ())})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = self._there(tools)
        if not there:
            return done("no package of PostgreSQL is installed")
        guard = self._guard(tools, given["databases"])
        if guard is not None:
            return guard
        lost = [f"package {name}" for name in there]
        lost += [f"cluster {one.version}/{one.name} in {one.directory}" for one in clusters(tools)]
        return todo("PostgreSQL is installed: " + ", ".join(there), "purge it with its clusters", lost=lost)

    def _there(self, tools: Tools) -> list[str]:
        return sorted(name for name in packages(tools, "postgresql*") if _OURS.fullmatch(name))

    def _guard(self, tools: Tools, known: tuple[str, ...]) -> dict[str, Any] | None:
        found = clusters(tools)
        judged = read_whole(_judged_file(tools)) or {}
        down = [
            one
            for one in found
            if not one.online
            and os.path.isdir(tools.place.at(one.directory))
            and not (one.directory in judged and _control(tools, one) in ("", judged[one.directory]))
        ]
        if down:
            return blocked(
                "cluster_down",
                f"cluster {down[0].version}/{down[0].name} does not run, so nobody can say what is in it",
                f"Start it, or drop it by hand: pg_dropcluster {down[0].version} {down[0].name}",
            )
        for one in (one for one in found if one.online):
            server = Server(tools, "production", one)
            others = [name for name in server.names_quietly() if name != "postgres" and name not in known]
            for base in ("postgres", "template1"):
                if server.value(OWN_TABLES, base) != "0":
                    others.append("tables in " + base)
            if others:
                return blocked(
                    "other_databases",
                    "other databases are on this host: " + ", ".join(others),
                    "Purging PostgreSQL would destroy them. Leave it installed, or move them away first.",
                    facts={"databases": others},
                )
        tried = tools.ask("apt-get", "-s", "-o", "Debug::NoLocking=1", "purge", *self._there(tools), timeout=120)
        taken = {line.split()[1] for line in tried.out.splitlines() if line.startswith(("Remv ", "Purg "))}
        foreign = sorted(name for name in taken if not _OURS.fullmatch(name))
        if foreign:
            return blocked(
                "other_packages",
                "other packages need PostgreSQL: " + ", ".join(foreign),
                "Purging PostgreSQL would remove them. Leave it installed, or remove them first.",
            )
        return None

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        repair(tools)
        self._stop_judged(tools)
        apt(tools, "purging PostgreSQL", "purge", *self._there(tools))
        try:
            os.unlink(_judged_file(tools))
        except FileNotFoundError:
            pass

    def _stop_judged(self, tools: Tools) -> None:
        """Stop the clusters, and keep in mind that the look a moment ago found nothing else in them.

        A power cut in the middle of the purge leaves them with their data and without the program that could say what
        is in it. As long as nobody has started them since, it is what was looked at now.
        """
        for one in clusters(tools):
            if one.online:
                _stop_cluster(tools, one)
        judged = {one.directory: _control(tools, one) for one in clusters(tools) if not one.online}
        write_whole(_judged_file(tools), judged)


OWN_TABLES = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%';"
)
