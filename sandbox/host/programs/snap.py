"""`snap`, with snapd's texts and exit codes; `snap --daemon` is snapd. A change outlives its asker, and a power cut."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import Any

from sandbox.host.programs.standin import (
    POSTGRES,
    SNAP_DATA,
    VERSIONS,
    fail,
    fault,
    module,
    pause,
    read_state,
    say,
    state,
)

HEAD = "ID   Status  Spawn               Ready               Summary"
KNOWN = ("maas", "maas-test-db", "maas-cli")


def main(words: list[str]) -> None:
    if fault("snapd-down"):
        time.sleep(float(fault("snapd-down")))
        fail(
            "error: cannot communicate with server: Get http://localhost/v2/snaps:"
            " dial unix /run/snapd.socket: connect: connection refused"
        )
    command, *rest = words or ["help"]
    options = [one for one in rest if one.startswith("-")]
    names = [one for one in rest if not one.startswith("-")]
    if command == "--daemon":
        daemon()
    elif command == "version":
        say("snap    2.67\nsnapd   2.67\nseries  16")
    elif command == "list":
        listed(names)
    elif command == "changes":
        changes()
    elif command in ("change", "watch"):
        one_change(command, names[0])
    elif command == "saved":
        saved()
    elif command in ("start", "stop", "restart"):
        service(command, names[0])
    elif command == "wait":
        return
    elif command in ("install", "refresh", "remove", "enable"):
        ask(command, names[0], options)
    else:
        fail(f"error: unknown command \"{command}\", see 'snap help'.")


def listed(names: list[str]) -> None:
    snaps = read_state()["snaps"]
    chosen = {name: snaps[name] for name in sorted(snaps) if not names or name in names}
    if not chosen:
        if names:
            fail("error: no matching snaps installed")
        fail("No snaps are installed yet. Try 'snap install hello-world'.", 0)
    say("Name          Version                  Rev    Tracking       Publisher   Notes")
    for name, one in chosen.items():
        say(f"{name:<13} {one['version']:<24} {one['revision']:<6} {one['channel']:<14} canonical✓  -")


def changes() -> None:
    found = read_state()["changes"]
    if not found:
        fail("error: no changes found")
    say(HEAD)
    for one in found:
        ready = "today at 07:00 UTC" if one["status"] in ("Done", "Error") else "-                 "
        say(f"{one['id']:<4} {one['status']:<7} today at 07:00 UTC  {ready}  {one['summary']}")
    say("")


def one_change(command: str, number: str) -> None:
    while True:
        found = next((one for one in read_state()["changes"] if one["id"] == number), None)
        if found is None:
            fail(f'error: cannot find change with id "{number}"')
        assert found is not None
        if command == "change":
            say("Status  Spawn               Ready               Summary")
            say(f"{found['status']:<7} today at 07:00 UTC  -                   {found['task']}")
            return
        if found["status"] == "Done":
            say(found["text"])
            return
        if found["status"] == "Error":
            fail("error: " + found["text"])
        time.sleep(0.05)


def saved() -> None:
    found = read_state()["snapshots"]
    if not found:
        fail("No snapshots found.", 0)
    say("Set  Snap  Age    Version  Rev    Size    Notes")
    for one in found:
        say(f"{one['set']:<4} {one['snap']}  5d1h   2.9.3    9001   12MB    auto")


def refused(command: str, name: str, channel: str) -> str | None:
    """What the store or snapd says to it at once."""
    held = read_state()
    busy = next((one for one in held["changes"] if one["status"] == "Doing" and one["snap"] == name), None)
    if command == "remove":
        return None
    if busy:
        return f'10:error: snap "{name}" has "{busy["kind"]}-snap" change in progress'
    if fault("store-down"):
        time.sleep(float(fault("store-down")))
        return (
            f'1:error: cannot {command} "{name}": Post "https://api.snapcraft.io/v2/snaps/refresh":'
            " dial tcp: lookup api.snapcraft.io: Temporary failure in name resolution"
        )
    if name not in KNOWN:
        return f'1:error: snap "{name}" not found'
    if channel and channel.partition("/")[0] not in VERSIONS:
        return (
            f'1:error: snap "{name}" is not available on {channel} but is available to install on the following tracks:'
        )
    return None


def ask(command: str, name: str, options: list[str]) -> None:
    if os.geteuid() != 0:
        fail("error: access denied (try with sudo)")
    channel = next((one.partition("=")[2] for one in options if one.startswith("--channel=")), "")
    found = refused(command, name, channel)
    if found:
        code, _, text = found.partition(":")
        fail(text, int(code))
    with state() as held:
        there = held["snaps"].get(name)
        if command == "install" and there:
            fail(f"snap \"{name}\" is already installed, see 'snap help refresh'", 0)
        if command == "remove" and not there:
            fail(f'snap "{name}" is not installed', 0)
        number = str(len(held["changes"]) + 1)
        said = {"install": "Install", "refresh": "Refresh", "remove": "Remove", "enable": "Enable"}[command]
        source = f' from "{channel}" channel' if channel else ""
        held["changes"].append(
            {
                "id": number,
                "status": "Doing",
                "snap": name,
                "kind": command,
                "channel": channel,
                "summary": f'{said} "{name}" snap{source}',
                "task": f'Download snap "{name}" (9001) from channel "{channel}"' if channel else f'{said} "{name}"',
                "text": "",
                "purge": "--purge" in options,
            }
        )
    if "--no-wait" in options:
        say(number)
    else:
        one_change("watch", number)


def daemon() -> None:
    """Work off what is to be done, also what a power cut left half done."""
    while True:
        for one in read_state()["changes"]:
            if one["status"] == "Doing":
                work_off(one["id"])
        time.sleep(0.05)


def work_off(number: str) -> None:
    """Do what a change is for; snapd's own part."""
    doing = {"install": installed, "refresh": refreshed, "remove": removed, "enable": enabled}
    one = next(one for one in read_state()["changes"] if one["id"] == number)
    for percent in (17.21, 48.9, 93.02):
        pause("snap-download", 0.1)
        if one["channel"]:
            update(number, task=f'Download snap "{one["snap"]}" (9001) from channel "{one["channel"]}" ({percent}%)')
    try:
        if fault("snap-disk-full"):
            raise OSError(
                f"cannot write file part: write /var/lib/snapd/snaps/{one['snap']}_9001.snap.partial:"
                " no space left on device"
            )

        text = doing[one["kind"]](one)
    except OSError as error:
        update(number, status="Error", text=f"cannot perform the following tasks:\n- {one['task']} ({error})")
        return
    update(number, status="Done", text=text)


def update(number: str, **fields: str) -> None:
    with state() as held:
        for one in held["changes"]:
            if one["id"] == number:
                one.update(fields)


def installed(one: dict[str, Any]) -> str:
    name, channel = one["snap"], one["channel"]
    version = VERSIONS[channel.split("/")[0]] if name == "maas" else "12.4-30-g.0e2f4b1"
    os.makedirs("/snap/bin", exist_ok=True)
    for part in ("common", "9001"):
        os.makedirs(f"/var/snap/{name}/{part}", exist_ok=True)
    if not os.path.lexists(f"/var/snap/{name}/current"):
        os.symlink("9001", f"/var/snap/{name}/current")
    if name == "maas":
        os.makedirs(f"{SNAP_DATA}/common/log", exist_ok=True)
        link("maas", "maas")
        unit("snap.maas.supervisor.service", module("region"))
    elif name == "maas-test-db":
        link("maas-test-db.psql", "testdb")
        os.makedirs("/snap/maas-test-db", exist_ok=True)
        if not os.path.lexists("/snap/maas-test-db/current"):
            os.symlink(POSTGRES, "/snap/maas-test-db/current")
        unit("snap.maas-test-db.postgres.service", module("testdb") + " --serve")
    with state() as held:
        held["snaps"][name] = {"version": version, "revision": "9001", "channel": channel}
    return f"{name} ({channel}) {version} from Canonical✓ installed"


def refreshed(one: dict[str, Any]) -> str:
    text = installed(one).replace("installed", "refreshed")
    service("restart", one["snap"])
    return text


def removed(one: dict[str, Any]) -> str:
    name = one["snap"]
    pause("snap-remove", 0)
    for service_name in SERVICES.get(name, ()):
        subprocess.run(["systemctl", "disable", "--now", service_name], check=False, capture_output=True)
        if os.path.exists(f"/etc/systemd/system/{service_name}"):
            os.unlink(f"/etc/systemd/system/{service_name}")
    subprocess.run(["systemctl", "daemon-reload"], check=False)
    for program in ("maas",) if name == "maas" else ("maas-test-db.psql",) if name == "maas-test-db" else ():
        if os.path.lexists(f"/snap/bin/{program}"):
            os.unlink(f"/snap/bin/{program}")
    if os.path.lexists(f"/snap/{name}/current"):
        os.unlink(f"/snap/{name}/current")
    shutil.rmtree(f"/var/snap/{name}", ignore_errors=True)
    with state() as held:
        held["snaps"].pop(name, None)
        if not one["purge"]:
            held["snapshots"].append({"set": str(len(held["snapshots"]) + 1), "snap": name})
    return f"{name} removed"


def link(name: str, program: str) -> None:
    path = f"/snap/bin/{name}"
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(f'#!/bin/sh\nexec {module(program)} "$@"\n')
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


def unit(name: str, command: str) -> None:
    with open(f"/etc/systemd/system/{name}", "w", encoding="utf-8") as stream:
        stream.write(f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={command}\n")
        stream.write("Restart=on-failure\nRestartSec=0.3\n[Install]\nWantedBy=multi-user.target\n")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "enable", "--quiet", "--now", name], check=True)


SERVICES = {"maas": ("snap.maas.supervisor.service",), "maas-test-db": ("snap.maas-test-db.postgres.service",)}


def service(command: str, name: str) -> None:
    if name not in read_state()["snaps"]:
        fail(f'error: snap "{name}" not found')
    for one in SERVICES.get(name, ()):
        subprocess.run(["systemctl", command, one], check=True)
    say({"start": "Started.", "stop": "Stopped.", "restart": "Restarted."}[command])


def enabled(one: dict[str, Any]) -> str:
    return f"{one['snap']} enabled"


if __name__ == "__main__":
    main(sys.argv[1:])
