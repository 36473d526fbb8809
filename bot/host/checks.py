"""Whether a host is fit for a region: each thing that was looked at, with its remedy. Pure; reads facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from bot.host.bundle import bundle, digest
from bot.host.looks import Finding
from bot.host.protocol import PROTOCOL, Hello
from bot.host.system_facts import HostFacts

GB = 1_000_000_000
#: What MAAS's pages ask for a region and rack on one host, and what its images soon need.
_MEMORY, _DISK, _DISK_WISH = 4 * GB, 10 * GB, 40 * GB
#: MAAS refuses requests whose time is further off, in seconds; the bot warns at half of it.
_CLOCK = 150.0
#: Ports that MAAS wants for itself, and who may hold them already.
_PORTS = {
    ("tcp", 5240): "MAAS's API and pages",
    ("tcp", 5248): "images for machines that boot",
    ("tcp", 53): "DNS",
    ("udp", 53): "DNS",
    ("udp", 67): "DHCP",
    ("udp", 69): "TFTP",
}
_OWN = ("maas", "regiond", "rackd", "named", "nginx", "http", "dhcpd", "tftp", "twistd", "python3", "systemd-resolve")
_SYSTEMS = {"ubuntu": ("18.04", "20.04", "22.04", "24.04")}


def findings(hello: Hello, facts: HostFacts, now: datetime | None = None) -> Iterator[Finding]:
    """Everything that was looked at, in the order in which a person would."""
    yield helper(hello)
    yield _system(facts)
    yield _memory(facts)
    yield from _disks(facts)
    yield _snapd(facts)
    yield from _ports(facts)
    yield _clock(facts, now or datetime.now(UTC))
    yield _packages(facts)
    yield _installed(facts)
    if facts.reboot_required:
        yield Finding(name="Restart", well=False, found="the host wants a restart", remedy="Restart it when you can.")
    if facts.job:
        yield Finding(name="Job", well=True, found=f"{facts.job} runs")


def helper(hello: Hello) -> Finding:
    """Whether the program on the host is, byte by byte, the one that this bot would have installed."""
    found = f"version {hello.helper}, protocol {PROTOCOL}, jobs by {hello.jobs}"
    if hello.sha256 == _own_digest():
        return Finding(name="Helper", well=True, found=found)
    remedy = (
        "Nothing to worry about after an upgrade of the bot: run what 'maasbot host-helper install-script' prints. "
        "If nobody upgraded it, find out who changed it: it runs as root."
    )
    return Finding(name="Helper", well=False, found=f"{found}; not the program that this bot installs", remedy=remedy)


@cache
def _own_digest() -> str:
    return digest(bundle())


def _system(facts: HostFacts) -> Finding:
    known = _SYSTEMS.get(facts.os_id)
    well = known is None or facts.os_version in known
    found = f"{facts.os}, kernel {facts.kernel}, {facts.architecture}, {facts.cpus} CPUs, load {facts.load:.2f}"
    if facts.os_id != "ubuntu":
        return Finding(
            name="System", well=False, found=found, remedy="MAAS is made for Ubuntu LTS; elsewhere nobody has tried it."
        )
    remedy = "" if well else "MAAS supports Ubuntu LTS releases."
    return Finding(name="System", well=well, found=found, remedy=remedy)


def _memory(facts: HostFacts) -> Finding:
    well = facts.memory >= _MEMORY * 0.95
    found = f"{facts.memory / GB:.1f} GB, {facts.memory_free / GB:.1f} GB free"
    return Finding(name="Memory", well=well, found=found, remedy="" if well else "MAAS wants 4 GB or more.")


def _disks(facts: HostFacts) -> Iterator[Finding]:
    seen: set[tuple[int, int]] = set()
    for disk in facts.disks:
        if (disk.total, disk.free) in seen:
            continue  # the same file system under another path
        seen.add((disk.total, disk.free))
        found = f"{disk.free / GB:.1f} of {disk.total / GB:.0f} GB free"
        remedy = ""
        if disk.free < _DISK:
            remedy = "Make room: below 10 GB an installation or an import of images may fail in the middle."
        elif disk.free < _DISK_WISH:
            found += "; images of a few releases want 40 GB"
        yield Finding(name=f"Disk {disk.path}", well=disk.free >= _DISK, found=found, remedy=remedy)


def _snapd(facts: HostFacts) -> Finding:
    snapd = facts.snapd
    if not snapd.installed:
        return Finding(name="snapd", well=False, found="not installed", remedy="'install' installs it.")
    if not snapd.answering:
        return Finding(
            name="snapd", well=False, found="it does not answer", remedy="On the host: sudo systemctl restart snapd."
        )
    if snapd.change:
        remedy = "Wait for it: nothing else can be installed meanwhile."
        return Finding(name="snapd", well=False, found=f"{snapd.version}, busy: {snapd.change}", remedy=remedy)
    return Finding(name="snapd", well=True, found=f"{snapd.version}, answers")


def _ports(facts: HostFacts) -> Iterator[Finding]:
    taken = []
    for listener in facts.listeners:
        use = _PORTS.get((listener.protocol, listener.port))
        own = not listener.process or any(listener.process.startswith(name) for name in _OWN)
        if use is None or own or listener.address.startswith("127."):
            continue
        taken.append(f"{listener.protocol} {listener.port} ({use}) by {listener.process}")
    if taken:
        remedy = "Stop what holds them, or MAAS's own services won't start."
        yield Finding(name="Ports", well=False, found="; ".join(taken), remedy=remedy)
    else:
        held = sorted({listener.port for listener in facts.listeners})
        found = f"5240, 5248, 53, 67, 69 are free or MAAS's own (in use: {', '.join(map(str, held)) or 'none'})"
        yield Finding(name="Ports", well=True, found=found)


def _clock(facts: HostFacts, now: datetime) -> Finding:
    off = (facts.clock.time - now).total_seconds()
    if abs(off) > _CLOCK:
        remedy = "Set the clock of the host or of the bot (NTP): MAAS refuses keys when they differ by 300 s."
        return Finding(name="Clock", well=False, found=f"differs from the bot's by {off:.0f} s", remedy=remedy)
    if facts.clock.synchronised is False:
        remedy = "On the host: timedatectl set-ntp true."
        return Finding(name="Clock", well=False, found="right now, but nothing keeps it so", remedy=remedy)
    by = f", kept by {facts.clock.by}" if facts.clock.by else ""
    return Finding(name="Clock", well=True, found=f"agrees with the bot's{by}")


def _packages(facts: HostFacts) -> Finding:
    broken = [*facts.broken_packages, *(one.name for one in facts.packages if one.status.startswith("half"))]
    if broken:
        names = ", ".join(dict.fromkeys(broken))
        remedy = "On the host: sudo dpkg --configure -a, then sudo apt-get -f install."
        return Finding(name="Packages", well=False, found=f"half installed: {names}", remedy=remedy)
    return Finding(name="Packages", well=True, found="none is half installed")


def _installed(facts: HostFacts) -> Finding:
    things = [f"{one.name} {one.version} ({one.channel})" for one in facts.snaps if one.name.startswith("maas")]
    things += [f"PostgreSQL {one.version} ({one.status})" for one in facts.clusters]
    down = [one for one in facts.clusters if not one.status.startswith("online")]
    remedy = "Look at /maas logs postgresql." if down else ""
    return Finding(name="Installed", well=not down, found=", ".join(things) or "nothing of MAAS", remedy=remedy)
