"""What is read out of a host's facts: each finding with what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.host import checks, network_look
from bot.host.protocol import Hello
from bot.host.system_facts import Clock, Cluster, Disk, HostFacts, Interface, Listener, Network, Package, Route, Snapd

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GB = 1_000_000_000
FACTS = HostFacts(
    hostname="maas-1", os="Ubuntu 22.04.4 LTS", os_id="ubuntu", os_version="22.04", kernel="5.15",
    architecture="x86_64", cpus=4, memory=8 * GB, memory_free=4 * GB, uptime=1.0, load=0.1,
    disks=(Disk(path="/", total=100 * GB, free=60 * GB),),
    snapd=Snapd(installed=True, answering=True, version="2.67"), clock=Clock(time=NOW, synchronised=True, by="chrony"),
    listeners=(), snaps=(), packages=(), clusters=(),
)  # fmt: skip
HELLO = Hello(
    helper="1.0.0", speaks=(1,), sha256="", python="3.10", hostname="maas-1", boot="b", jobs="systemd", steps=(),
    queries=(), time=NOW,
)  # fmt: skip
NETWORK = Network(
    interfaces=(
        Interface(name="lo", kind="loopback", mac="", up=True, carrier=True, addresses=("127.0.0.1/8",)),
        Interface(name="ens1", kind="ethernet", mac="", up=True, carrier=True, addresses=("10.0.0.2/24",)),
        Interface(name="ens2", kind="ethernet", mac="", up=True, carrier=True, addresses=("10.1.0.1/24",)),
    ),
    routes=(Route(to="default", via="10.0.0.1", interface="ens1"),),
    forwarding=True,
    nameservers=("10.0.0.1",),
)


def wrong(found: Any) -> dict[str, str]:
    """What is not well, each with what was found and its remedy."""
    found = [one for one in found if one.name != "Helper"]
    for one in found:
        assert one.well or one.remedy, one
    return {one.name: f"{one.found} | {one.remedy}" for one in found if not one.well}


def facts(**changes: Any) -> dict[str, str]:
    return wrong(checks.findings(HELLO, FACTS.model_copy(update=changes), NOW))


def test_a_host_that_is_well() -> None:
    assert facts() == {}
    assert wrong(network_look.findings(NETWORK)) == {}
    assert network_look.layout(NETWORK) == "router 10.0.0.1 – host (ens1 10.0.0.2/24) – ens2 10.1.0.1/24"


@pytest.mark.parametrize(
    ("changes", "name", "told"),
    [
        ({"os_id": "debian"}, "System", "made for Ubuntu"),
        ({"os_version": "16.04"}, "System", "Ubuntu LTS"),
        ({"memory": 2 * GB}, "Memory", "4 GB or more"),
        ({"disks": (Disk(path="/var", total=20 * GB, free=2 * GB),)}, "Disk /var", "Make room"),
        ({"snapd": Snapd(installed=False, answering=False)}, "snapd", "not installed"),
        ({"snapd": Snapd(installed=True, answering=False)}, "snapd", "restart snapd"),
        ({"snapd": Snapd(installed=True, answering=True, change="Install maas")}, "snapd", "busy: Install maas"),
        ({"listeners": (Listener(protocol="udp", port=67, address="*", process="dnsmasq"),)}, "Ports", "dnsmasq"),
        ({"clock": Clock(time=NOW + timedelta(seconds=400))}, "Clock", "differs from the bot's by 400 s"),
        ({"clock": Clock(time=NOW, synchronised=False)}, "Clock", "set-ntp true"),
        ({"broken_packages": ("postgresql-14",)}, "Packages", "dpkg --configure -a"),
        ({"packages": (Package(name="x", version="1", status="half-installed"),)}, "Packages", "half installed: x"),
        (
            {"clusters": (Cluster(version="14", name="main", port=5432, status="down", directory="/x"),)},
            "Installed",
            "logs postgresql",
        ),
    ],
)
def test_what_is_wrong_with_a_host(changes: dict[str, Any], name: str, told: str) -> None:
    found = facts(**changes)
    assert list(found) == [name]
    assert told in found[name]


def test_listeners_that_are_in_nobodys_way() -> None:
    listeners = (
        Listener(protocol="tcp", port=5240, address="*", process="regiond"),
        Listener(protocol="tcp", port=53, address="127.0.0.53", process="systemd-resolved"),
        Listener(protocol="tcp", port=5432, address="127.0.0.1", process="postgres"),
    )
    assert facts(listeners=listeners) == {}


@pytest.mark.parametrize(
    ("changes", "name", "told"),
    [
        ({"routes": ()}, "Way out", "no default route"),
        ({"routes": (*NETWORK.routes, Route(to="default", via="x", interface="ens2"))}, "Way out", "several"),
        ({"interfaces": NETWORK.interfaces[:2]}, "Machines' side", "a network of their own"),
        ({"nameservers": ()}, "DNS", "no name server"),
        ({"forwarding": False}, "Forwarding", "ip_forward"),
    ],
)
def test_what_is_wrong_with_a_network(changes: dict[str, Any], name: str, told: str) -> None:
    found = wrong(network_look.findings(NETWORK.model_copy(update=changes)))
    assert told in found[name]


def test_networks_that_overlap_and_links_that_are_down() -> None:
    lo, outer, inner = NETWORK.interfaces
    same = inner.model_copy(update={"addresses": ("10.0.0.200/25", "fe80::1/64")})
    found = wrong(network_look.findings(NETWORK.model_copy(update={"interfaces": (lo, outer, same)})))
    assert "10.0.0.0/24 on ens1 and 10.0.0.128/25 on ens2 overlap" in found["Overlap"]
    for change, told in (({"carrier": False}, "no link"), ({"up": False}, "switched off")):
        down = inner.model_copy(update=change)
        found = wrong(network_look.findings(NETWORK.model_copy(update={"interfaces": (lo, outer, down)})))
        assert told in found["Interface ens2"]
