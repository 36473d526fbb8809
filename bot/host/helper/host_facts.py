"""Facts of the host itself: its system, memory, disks, ports, clock, network, and what is installed."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from typing import Any

from bot.host.helper.base import Stopped
from bot.host.helper.debian import broken_packages, packages
from bot.host.helper.files import now
from bot.host.helper.jobs import Jobs
from bot.host.helper.postgres import clusters, facts_of
from bot.host.helper.programs import Tools
from bot.host.helper.snapd import all_installed, running_changes

PORTS = {53, 67, 68, 69, 80, 123, 514, 3128, 5432, *range(5239, 5274), 8000}
_DISKS = ("/", "/var", "/var/snap", "/var/lib/snapd", "/var/lib/postgresql", "/var/backups")


def read_text(tools: Tools, path: str) -> str:
    try:
        with open(tools.place.at(path), encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def os_release(tools: Tools) -> dict[str, str]:
    found = {}
    for line in read_text(tools, "/etc/os-release").splitlines():
        name, sign, value = line.partition("=")
        if sign:
            found[name] = value.strip().strip('"')
    return found


def memory() -> tuple[int, int]:
    """(total, available) in bytes."""
    found = {}
    with open("/proc/meminfo", encoding="ascii") as stream:
        for line in stream:
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0]) * 1024
    return found.get("MemTotal", 0), found.get("MemAvailable", found.get("MemFree", 0))


def disks(tools: Tools) -> list[dict[str, Any]]:
    """The file systems that something of MAAS's lies on, each once."""
    found: dict[int, dict[str, Any]] = {}
    for path in _DISKS:
        try:
            there = os.stat(tools.place.at(path) or "/")
            usage = os.statvfs(tools.place.at(path) or "/")
        except OSError:
            continue
        free = usage.f_bavail * usage.f_frsize
        found.setdefault(there.st_dev, {"path": path, "total": usage.f_blocks * usage.f_frsize, "free": free})
    return list(found.values())


def listeners(tools: Tools) -> list[dict[str, Any]]:
    """What listens on MAAS's and PostgreSQL's ports. ss ends with 0 whatever it finds."""
    found = []
    for protocol, letter in (("tcp", "t"), ("udp", "u")):
        said = tools.ask("ss", "-Hnp" + letter + "l")
        for line in said.out.splitlines():
            words = line.split()
            if len(words) < 5:
                continue
            address, _, port = words[3].rpartition(":")
            if not port.isdigit() or int(port) not in PORTS:
                continue
            process = re.search(r'users:\(\("([^"]+)"', line)
            found.append(
                {
                    "protocol": protocol,
                    "port": int(port),
                    "address": address.strip("[]"),
                    "process": process.group(1) if process else "",
                }
            )
    return found


def snapd(tools: Tools) -> dict[str, Any]:
    if not tools.has("snap"):
        return {"installed": False, "answering": False}
    try:
        changes = running_changes(tools)
    except Stopped:
        return {"installed": True, "answering": False}
    version = ""
    for line in tools.ask("snap", "version", timeout=10).out.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "snapd":
            version = words[1]
    return {"installed": True, "answering": True, "version": version, "change": changes[0][1] if changes else ""}


def clock(tools: Tools) -> dict[str, Any]:
    said = tools.ask("timedatectl", "show", "-p", "NTPSynchronized", "--value", timeout=10)
    word = said.out.strip()
    by = ""
    for program in ("chronyd", "ntpd", "systemd-timesyncd"):
        if tools.ask("pidof", program, timeout=5).rc == 0:
            by = program
            break
    return {"time": now(), "synchronised": word == "yes" if word in ("yes", "no") else None, "by": by}


def host_facts(tools: Tools) -> dict[str, Any]:
    system = os_release(tools)
    total, available = memory()
    kernel = os.uname()
    snaps = []
    try:
        for one in all_installed(tools):
            snaps.append(
                {
                    "name": one.name,
                    "version": one.version,
                    "revision": one.revision,
                    "channel": one.channel,
                    "notes": one.notes,
                }
            )
    except Stopped:
        pass
    debs = packages(tools, "postgresql*", "maas*", "snapd")
    with open("/proc/uptime", encoding="ascii") as stream:
        uptime = float(stream.read().split()[0])
    return {
        "hostname": socket.gethostname(),
        "os": system.get("PRETTY_NAME", ""),
        "os_id": system.get("ID", ""),
        "os_version": system.get("VERSION_ID", ""),
        "kernel": kernel.release,
        "architecture": kernel.machine,
        "cpus": os.cpu_count() or 1,
        "memory": total,
        "memory_free": available,
        "uptime": uptime,
        "load": os.getloadavg()[0],
        "disks": disks(tools),
        "snapd": snapd(tools),
        "clock": clock(tools),
        "listeners": listeners(tools),
        "snaps": snaps,
        "packages": [{"name": name, "version": debs[name][1], "status": debs[name][0]} for name in sorted(debs)],
        "clusters": [facts_of(one) for one in clusters(tools)],
        "broken_packages": broken_packages(tools),
        "reboot_required": os.path.exists(tools.place.at("/var/run/reboot-required")),
        "job": Jobs(tools.place).running(),
    }


def network(tools: Tools) -> dict[str, Any]:
    """Interfaces and routes, as ip tells them."""
    found = []
    for one in _ip(tools, "-d", "address", "show"):
        flags = one.get("flags", [])
        info = one.get("linkinfo", {}).get("info_kind", "")
        kind = info if info in ("bridge", "bond", "vlan") else "virtual" if info else ""
        if not kind:
            kind = "loopback" if "LOOPBACK" in flags else "ethernet"
        found.append(
            {
                "name": one.get("ifname", ""),
                "kind": kind,
                "mac": one.get("address", ""),
                "up": "UP" in flags,
                "carrier": "LOWER_UP" in flags,
                "addresses": ["{}/{}".format(each["local"], each["prefixlen"]) for each in one.get("addr_info", [])],
            }
        )
    routes = [
        {"to": one.get("dst", ""), "via": one.get("gateway", ""), "interface": one.get("dev", "")}
        for family in ("-4", "-6")
        for one in _ip(tools, family, "route", "show")
    ]
    names = re.findall(r"(?m)^nameserver\s+(\S+)", read_text(tools, "/etc/resolv.conf"))
    forwarding = ""
    try:
        with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as stream:
            forwarding = stream.read().strip()
    except OSError:
        pass
    return {"interfaces": found, "routes": routes, "forwarding": forwarding == "1", "nameservers": names}


def _ip(tools: Tools, *words: str) -> list[dict[str, Any]]:
    said = tools.ask("ip", "-json", *words)
    try:
        found = json.loads(said.out or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict) and one]


def age(path: str) -> float | None:
    """Seconds since a file was changed."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return None
