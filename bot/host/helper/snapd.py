"""What snapd is asked. Its changes go on when their asker is gone, so they are watched, not awaited."""

from __future__ import annotations

import os
import re
import time

from bot.host.helper.base import Stopped
from bot.host.helper.postgres import TEST
from bot.host.helper.programs import Said, Tools

#: snapd hangs for minutes when it is down; healthy answers take well under a second.
_SNAPD_ANSWERS = 20.0
_QUIET = 600.0
_CHANGE = 3600.0
#: What `snap change` calls a task that is not at its end.
_WORKING = ("Do", "Doing", "Undo", "Undoing", "Abort", "Wait")


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
        if len(words) == 3 and words[0].isdigit() and words[1] in _WORKING:
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
    """Let snapd do something once it is `quiet`, and watch it to its end.

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
    pause = 0.05
    shown = ""
    while True:
        tasks = [line.strip() for line in snap(tools, "change", ids[-1]).out.splitlines()]
        if not any(line.split(None, 1)[0] in _WORKING for line in tasks if line):
            break
        doing = [re.split(r"\s{2,}", line)[-1] for line in tasks if line.startswith("Doing")]
        if doing:
            percent = re.search(r"\((\d+)(?:\.\d+)?%\)", doing[0])
            tools.at_work(doing[0], int(percent.group(1)) if percent else None)
            if re.sub(r"\d", "", doing[0]) != shown:
                shown = re.sub(r"\d", "", doing[0])
                tools.note(doing[0])
        if time.monotonic() > deadline:
            raise Stopped("timeout", what + " takes longer than an hour; snapd goes on with it", "See `snap changes`.")
        tools.sleep(pause)
        pause = min(pause * 1.5, 0.3)
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
