"""The host's networks as MAAS needs them: a way out, and a network of its own for the machines. Pure; reads facts."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface
from itertools import combinations
from typing import Any

from bot.host.looks import Finding
from bot.host.system_facts import Interface, Network


def findings(network: Network) -> Iterator[Finding]:
    """What is well and what is not, with remedies."""
    wired = [one for one in network.interfaces if one.kind != "loopback"]
    default = [route for route in network.routes if route.to == "default"]
    yield _way_out(network)
    inner = [one for one in wired if one.name not in {route.interface for route in default} and _nets(one)]
    if default and not inner:
        remedy = (
            "Give the machines a network of their own: router, then the host, then the machines; MAAS hands out "
            "addresses there, and must not do so where a router does already."
        )
        yield Finding(name="Machines' side", well=False, found="no second network with an address", remedy=remedy)
    for one in wired:
        yield _link(one)
    yield from _overlaps(wired)
    if inner and not network.forwarding:
        yield Finding(
            name="Forwarding",
            well=False,
            found="the host passes nothing on between its networks",
            remedy="Machines reach the internet by MAAS's proxy alone; net.ipv4.ip_forward=1 lets the host pass it on.",
        )
    if not network.nameservers:
        yield Finding(
            name="DNS", well=False, found="no name server is set", remedy="Set one; MAAS passes names on to it."
        )


def layout(network: Network) -> str:
    """The chain from router to machines, in one line."""
    default = next((route for route in network.routes if route.to == "default"), None)
    outer = f"router {default.via}" if default is not None else "no router"
    sides = [
        f"{one.name} {', '.join(_plain(one))}"
        for one in network.interfaces
        if one.kind != "loopback" and _nets(one) and (default is None or one.name != default.interface)
    ]
    out = next((one for one in network.interfaces if default is not None and one.name == default.interface), None)
    host = f"host ({out.name} {', '.join(_plain(out))})" if out is not None else "host"
    return f"{outer} – {host} – {'; '.join(sides) or 'no network for machines'}"


def _way_out(network: Network) -> Finding:
    default = [route for route in network.routes if route.to == "default"]
    if not default:
        remedy = "Without a default route the host reaches neither the snap store nor the images."
        return Finding(name="Way out", well=False, found="there is no default route", remedy=remedy)
    told = ", ".join(f"by {route.via or 'the link'} on {route.interface}" for route in default)
    if len({route.interface for route in default}) > 1:
        remedy = "Keep one: which of them is taken can change."
        return Finding(name="Way out", well=False, found=f"several: {told}", remedy=remedy)
    return Finding(name="Way out", well=True, found=told)


def _link(one: Interface) -> Finding:
    addresses = ", ".join(one.addresses) or "no address"
    name = f"Interface {one.name}"
    if not one.up:
        found = f"{addresses}; it is switched off"
        return Finding(name=name, well=not one.addresses, found=found, remedy=f"ip link set {one.name} up.")
    if not one.carrier:
        remedy = "Nothing is plugged in, or what is plugged in is off: addresses and DHCP come with the link."
        return Finding(name=name, well=not one.addresses, found=f"{addresses}; no link", remedy=remedy)
    return Finding(name=name, well=True, found=addresses)


def _overlaps(wired: list[Interface]) -> Iterator[Finding]:
    for first, second in combinations(wired, 2):
        for one in _nets(first):
            for other in _nets(second):
                if one.version == other.version and one.overlaps(other):
                    yield Finding(
                        name="Overlap",
                        well=False,
                        found=f"{one} on {first.name} and {other} on {second.name} overlap",
                        remedy="Give the machines' side a network that is used nowhere else; answers get lost so.",
                    )


def _nets(one: Interface) -> list[Any]:
    found = []
    for address in one.addresses:
        try:
            network = ip_interface(address).network
        except ValueError:
            continue
        if not network.is_link_local:
            found.append(network)
    return found


def _plain(one: Interface) -> list[str]:
    return [address for address in one.addresses if not address.lower().startswith("fe80")]
