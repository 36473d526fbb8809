"""Facts of the machine that a region runs on: its system, disks, ports, snaps, packages, clock and network."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.host.looks import Told


class Disk(Told):
    """One file system that something of MAAS's lies on; bytes."""

    path: str
    total: int
    free: int


class Listener(Told):
    """Something that listens; `process` empty when the kernel does not tell."""

    protocol: Literal["tcp", "udp"]
    port: int
    address: str
    process: str = ""


class InstalledSnap(Told):
    name: str
    version: str
    revision: str
    channel: str
    notes: str = ""


class Package(Told):
    """A Debian package by dpkg's words; `status` is `installed`, `half-installed`, `config-files` and so on."""

    name: str
    version: str
    status: str


class Cluster(Told):
    """One PostgreSQL cluster of the host's own."""

    version: str
    name: str
    port: int
    status: str
    directory: str


class Snapd(Told):
    """`change` is what snapd works on just now. `answering` False with `installed` True: it hangs or is down."""

    installed: bool
    answering: bool
    version: str = ""
    change: str = ""


class Clock(Told):
    time: datetime
    synchronised: bool | None = Field(None, description="None when nothing on the host tells")
    by: str = ""


class HostFacts(Told):
    hostname: str
    os: str = Field(description="like Ubuntu 20.04.6 LTS")
    os_id: str
    os_version: str
    kernel: str
    architecture: str
    cpus: int
    memory: int = Field(description="bytes")
    memory_free: int
    uptime: float = Field(description="seconds")
    load: float
    disks: tuple[Disk, ...]
    snapd: Snapd
    clock: Clock
    listeners: tuple[Listener, ...] = Field(description="on MAAS's and PostgreSQL's ports alone")
    snaps: tuple[InstalledSnap, ...]
    packages: tuple[Package, ...] = Field(description="of PostgreSQL, MAAS and snapd alone")
    clusters: tuple[Cluster, ...]
    broken_packages: tuple[str, ...] = ()
    reboot_required: bool = False
    job: str | None = Field(None, description="the job that runs")


class Interface(Told):
    name: str
    kind: str = Field(description="ethernet, loopback, bridge, bond, vlan, virtual")
    mac: str
    up: bool
    carrier: bool = Field(description="False: no link, so no address is in use yet")
    addresses: tuple[str, ...] = Field(description="with prefix, like 10.0.0.1/24")


class Route(Told):
    to: str = Field(description="default, or a network with prefix")
    via: str = ""
    interface: str = ""


class Network(Told):
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    forwarding: bool
    nameservers: tuple[str, ...]
