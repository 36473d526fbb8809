"""snapd and its snaps. Changes run in snapd and go on when their asker is gone, so they are watched, not awaited."""

from __future__ import annotations

import os
import re
import time
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.debian import install_packages, packages
from bot.host.helper.fields import Fields, channel, snap_name
from bot.host.helper.postgres import TEST, Server
from bot.host.helper.programs import Said, Tools, must
from bot.host.helper.step import Step

#: snapd hangs for minutes when it is down; healthy answers take well under a second.
_SNAPD_ANSWERS = 20.0
_QUIET = 600.0
_CHANGE = 3600.0


class Installed:
    """One line of `snap list`."""

    def __init__(self, words: list[str]) -> None:
        self.name, self.version, self.revision = words[0], words[1], words[2]
        self.channel = words[3] if len(words) > 3 else ""
        self.notes = words[5] if len(words) > 5 else ""

    @property
    def series(self) -> tuple[int, int] | None:
        """(2, 9) of 2.9.2-9165-g…"""
        return series(self.version)


def series(text: str) -> tuple[int, int] | None:
    """The first two numbers of a version or channel; None for `latest` and other words."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def snap(tools: Tools, *words: str, timeout: float = _SNAPD_ANSWERS) -> Said:
    """Ask snap something that it knows at once.

    Raises:
        Stopped: snapd does not answer.
    """
    said = tools.ask("snap", *words, timeout=timeout)
    if said.late or "cannot communicate with server" in said.out or "connect: connection refused" in said.out:
        raise Stopped("snapd_down", "snapd does not answer", "On the host: systemctl restart snapd.socket snapd")
    return said


def installed(tools: Tools, name: str) -> Installed | None:
    """The snap, if it is installed."""
    if not tools.has("snap"):
        return None
    said = snap(tools, "list", name)
    if said.rc:
        return None
    for line in said.out.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] == name:
            return Installed(words)
    return None


def all_installed(tools: Tools) -> list[Installed]:
    if not tools.has("snap"):
        return []
    lines = snap(tools, "list").out.splitlines()
    return [Installed(line.split()) for line in lines if len(line.split()) >= 3 and not line.startswith("Name ")]


def running_changes(tools: Tools) -> list[tuple[str, str]]:
    """What snapd works on: (id, summary)."""
    said = snap(tools, "changes")
    found = []
    for line in said.out.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0].isdigit() and words[1] in ("Do", "Doing", "Undo", "Undoing", "Abort", "Wait"):
            # ID Status Spawn Ready Summary, the times with blanks in them or without.
            found.append((words[0], re.split(r"\s{2,}", line.strip())[-1]))
    return found


def quiet(tools: Tools) -> None:
    """Wait until snapd works on nothing: what was begun and cut is first brought to its end."""
    deadline = time.monotonic() + _QUIET
    while True:
        changes = running_changes(tools)
        if not changes:
            return
        if time.monotonic() > deadline:
            raise Stopped(
                "snap_busy", "snapd is busy with: " + changes[0][1], "Wait until `snap changes` shows it done."
            )
        tools.at_work("snapd is busy with: " + changes[0][1])
        tools.sleep(1)


def change(tools: Tools, what: str, *words: str) -> None:
    """Let snapd do something, and watch it to its end.

    Raises:
        Stopped: it failed, with the cause as far as its words tell.
    """
    quiet(tools)
    # The store may take 32 s to fail.
    said = tools.do("snap", words[0], "--no-wait", *words[1:], timeout=180)
    if said.late:
        raise Stopped("snapd_down", "snapd took too long to begin: " + what)
    if said.rc:
        raise classified(said, what)
    ids = [line.strip() for line in said.out.splitlines() if line.strip().isdigit()]
    if not ids:
        return
    deadline = time.monotonic() + _CHANGE
    shown = ""
    while any(one == ids[-1] for one, _ in running_changes(tools)):
        tasks = snap(tools, "change", ids[-1]).out
        doing = [re.split(r"\s{2,}", line.strip())[-1] for line in tasks.splitlines() if line.startswith("Doing")]
        if doing:
            percent = re.search(r"\((\d+)(?:\.\d+)?%\)", doing[0])
            tools.at_work(doing[0], int(percent.group(1)) if percent else None)
            if re.sub(r"\d", "", doing[0]) != shown:
                shown = re.sub(r"\d", "", doing[0])
                tools.note(doing[0])
        if time.monotonic() > deadline:
            raise Stopped("timeout", what + " takes longer than an hour; snapd goes on with it", "See `snap changes`.")
        tools.sleep(0.2)
    watched = tools.do("snap", "watch", ids[-1], timeout=60)
    if watched.rc:
        raise classified(watched, what)


def classified(said: Said, what: str) -> Stopped:
    """What stood in snapd's way, out of its words."""
    text = said.out
    causes = (
        ("snap_busy", 'change in progress|has "[a-z-]+" change', "Wait until `snap changes` shows it done."),
        (
            "channel_not_found",
            "is not available on|no snap revision available",
            "Choose a channel that `snap info` shows.",
        ),
        ("snap_not_found", 'snap "[a-z-]+" not found', "Look on the host what `snap find maas` shows."),
        ("disk_full", "no space left on device", "Make room on /var/lib/snapd, then run it again."),
        (
            "store_unreachable",
            "persistent network error|unexpected HTTP status code 5|dial tcp|name resolution|i/o timeout|TLS handshake",
            "Check that the host reaches api.snapcraft.io (also its proxy and DNS), then run it again.",
        ),
    )
    for cause, pattern, remedy in causes:
        if re.search(pattern, text):
            return Stopped(cause, f"{what} failed: {said.last}", remedy)
    return Stopped("failed", "{} failed: {}".format(what, said.last or "exit status %d" % said.rc))


class SnapdReady(Step):
    name = "snapd"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not tools.has("snap"):
            return todo("snapd is not installed", "install it with apt, and start it")
        if self._half(tools):
            return todo("snapd is half installed", "bring its installation to its end, and start it")
        try:
            snap(tools, "list")
        except Stopped as stop:
            return todo(stop.message, "start it")
        return done("snapd is installed and answers")

    def _half(self, tools: Tools) -> bool:
        """Its program may be there, unpacked, while nothing starts it yet."""
        return packages(tools, "snapd").get("snapd", ("installed", ""))[0] not in ("installed", "config-files")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        if not tools.has("snap") or self._half(tools):
            install_packages(tools, "snapd")
        if tools.place.systemd:
            tools.do("systemctl", "enable", "--now", "snapd.socket", timeout=60)
            tools.do("systemctl", "restart", "snapd.service", timeout=120)
        tools.do("snap", "wait", "system", "seed.loaded", timeout=300)


class SnapInstall(Step):
    name = "snap-install"
    fields = Fields({"snap": snap_name, "channel": channel})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not tools.has("snap"):
            return blocked("not_installed", "snapd is not installed", "Install MAAS with install, which brings snapd.")
        name, wanted = given["snap"], given["channel"]
        there = installed(tools, name)
        if there is None:
            return todo(name + " is not installed", f"install {name} from {wanted}")
        if there.channel != wanted:
            return blocked(
                "other_channel",
                "{} {} is installed from {}".format(name, there.version, there.channel or "no channel"),
                f"Upgrade it to {wanted}, or reset the host first.",
            )
        if "disabled" in there.notes:
            return todo(f"{name} {there.version} is installed and disabled", "enable it")
        facts = {"version": there.version, "revision": there.revision, "channel": there.channel}
        text = f"{name} {there.version} is installed from {there.channel}"
        if name == TEST and not Server.test(tools).names_quietly():
            return todo(text + ", and its database does not answer", "start it and wait for its database", facts=facts)
        return done(text, facts=facts)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        name = given["snap"]
        there = installed(tools, name)
        if there is None:
            change(tools, "installing " + name, "install", "--channel=" + given["channel"], name)
        elif "disabled" in there.notes:
            change(tools, "enabling " + name, "enable", name)
        elif name == TEST:
            tools.do("snap", "start", name, timeout=120)
        if name == TEST:
            _wait_for_database(tools)


def _wait_for_database(tools: Tools) -> None:
    deadline = time.monotonic() + 90
    while not Server.test(tools).names_quietly():
        if time.monotonic() > deadline:
            raise Stopped(
                "cluster_down", "the database of maas-test-db does not answer", "See `snap logs maas-test-db`."
            )
        tools.at_work("waiting for the database of maas-test-db")
        tools.sleep(1)


class SnapRefresh(Step):
    name = "snap-refresh"
    fields = Fields({"snap": snap_name, "channel": channel})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name, wanted = given["snap"], given["channel"]
        there = installed(tools, name)
        if there is None:
            return blocked("not_installed", name + " is not installed", "Install it instead.")
        text = "{} {} is installed from {}".format(name, there.version, there.channel or "no channel")
        facts = {"version": there.version, "revision": there.revision, "channel": there.channel}
        if there.channel == wanted:
            return done(text, facts=facts)
        now, then = there.series, series(wanted)
        if now is not None and then is not None and then < now:
            return blocked(
                "downgrade", text, "MAAS can't go back to %d.%d: its database was migrated. Restore a backup." % then
            )
        if name == "maas" and then is not None:
            least = 14 if then >= (3, 5) else 12 if then >= (3, 2) else 0
            server = Server.of_region(tools)
            major = server.major() if server is not None else None
            if major is not None and major < least:
                return blocked(
                    "postgresql_too_old",
                    "%s, on PostgreSQL %d" % (text, major),
                    "MAAS %d.%d needs PostgreSQL %d or newer: upgrade it first." % (*then, least),
                )
        return todo(text, f"refresh {name} to {wanted}", facts=facts)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        change(tools, "refreshing " + given["snap"], "refresh", "--channel=" + given["channel"], given["snap"])


class SnapRemove(Step):
    name = "snap-remove"
    fields = Fields({"snap": snap_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name = given["snap"]
        there = installed(tools, name)
        if there is not None:
            lost = [f"snap {name} {there.version} with all its data"]
            return todo(f"{name} {there.version} is installed", "remove it with its data", lost=lost)
        # Said to be not installed while its installation runs: then nothing may be concluded.
        if tools.has("snap") and any(f'"{name}"' in text for _, text in running_changes(tools)):
            return todo("snapd is just changing " + name, "wait for it, then remove it with its data")
        return done(name + " is not installed")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        quiet(tools)
        if installed(tools, given["snap"]) is not None:
            change(tools, "removing " + given["snap"], "remove", "--purge", given["snap"])


class MaasRestart(Step):
    name = "maas-restart"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = installed(tools, "maas")
        if there is None:
            return blocked("not_installed", "maas is not installed", "Install it first.")
        return todo(f"maas {there.version} is installed", "restart all its services", lost=["open sessions"])

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        quiet(tools)
        must(tools.do("snap", "restart", "maas", timeout=300), "restarting maas")

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = installed(tools, "maas")
        return done("maas was restarted") if there else blocked("not_installed", "maas is not installed")


def snapshots(tools: Tools) -> list[tuple[str, str]]:
    """Saved snapshots of MAAS's snaps: (set, snap)."""
    if not tools.has("snap"):
        return []
    found = []
    for line in snap(tools, "saved").out.splitlines():
        words = line.split()
        if len(words) > 2 and words[0].isdigit() and words[1] in ("maas", TEST, "maas-cli"):
            found.append((words[0], words[1]))
    return found


def data_folder(tools: Tools, name: str, kind: str = "common") -> str:
    return os.path.join(tools.place.at("/var/snap"), name, kind)
