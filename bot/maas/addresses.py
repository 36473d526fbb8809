"""Arithmetic of IP addresses: what is free in a subnet, which range to propose, what stands against one.

Pure functions over addresses; nothing here asks a region.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

#: A proposed range takes at most this part of a subnet, and at most so many addresses: enough for the machines that
#: boot at one time, and the rest stays free for static addresses.
_PART, _MOST = 4, 200
#: Fewer addresses than this are not worth proposing.
_FEWEST = 4
_DASH = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")


class RangeFault(ValueError):  # noqa: N818 - it is the fault that is named, and its text is for people
    """Why words are no range, or a range is not to be had, in a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Block:
    """Addresses from `first` to `last`, both included; `what` says what they are taken by, or nothing."""

    first: Address
    last: Address
    what: str = ""

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} - {self.last}"

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.first.version

    def holds(self, address: Address) -> bool:
        return address.version == self.version and int(self.first) <= int(address) <= int(self.last)

    def meets(self, other: Block) -> bool:
        """Whether the two have an address in common."""
        same = self.version == other.version
        return same and int(self.first) <= int(other.last) and int(other.first) <= int(self.last)


def block(first: str, last: str, what: str = "") -> Block:
    """A block from two addresses as MAAS writes them. Raises ValueError: one is no address."""
    return Block(ip_address(first), ip_address(last), what)


def parse_range(text: str) -> Block:
    """A range as people write it: `10.0.0.10-10.0.0.20`, or `10.0.0.10-20` for short.

    Raises:
        RangeFault: it is none; the text says why.
    """
    ends = _DASH.split(text.strip())
    if len(ends) != 2 or not all(ends):
        raise RangeFault(f"{_cut(text)} is no range; write its two ends like 10.0.0.10-10.0.0.20")
    if ends[1].isascii() and ends[1].isdigit() and "." in ends[0]:
        ends[1] = f"{ends[0].rpartition('.')[0]}.{ends[1]}"
    first, last = _address(ends[0]), _address(ends[1])
    if first.version != last.version:
        raise RangeFault(f"{first} is IPv{first.version} and {last} is IPv{last.version}; a range is one or the other")
    if int(last) < int(first):
        raise RangeFault(f"{first} comes after {last}; write {last}-{first} if that is the range")
    return Block(first, last)


def usable(network: IPNetwork) -> Block | None:
    """The addresses that a subnet can hand out: without those of the network itself and of broadcast."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.num_addresses > 2:
        # IPv6 has no broadcast, but MAAS keeps the router's anycast address, the first one, out as well.
        first, last = first + 1, last - (1 if network.version == 4 else 0)
    return Block(_made(first, network), _made(last, network)) if first <= last else None


def free_blocks(network: IPNetwork, taken: Iterable[Block]) -> list[Block]:
    """What no block of `taken` holds, in order."""
    whole = usable(network)
    if whole is None:
        return []
    free = []
    at, last = int(whole.first), int(whole.last)
    ours = [one for one in taken if one.version == network.version]
    for one in sorted(ours, key=lambda one: int(one.first)):
        until = min(int(one.first) - 1, last)
        if at <= until:
            free.append(Block(_made(at, network), _made(until, network)))
        at = max(at, int(one.last) + 1)
    if at <= last:
        free.append(Block(_made(at, network), _made(last, network)))
    return free


def propose(network: IPNetwork, taken: Iterable[Block]) -> Block | None:
    """A range for DHCP: the upper end of the largest free block, a quarter of the subnet at most.

    The upper end, because people give out static addresses from the bottom. None when too little is free.
    """
    free = free_blocks(network, taken)
    largest = max(free, key=lambda one: (one.size, int(one.first)), default=None)
    if largest is None or largest.size < _FEWEST:
        return None
    size = min(largest.size, _MOST, max(_FEWEST, network.num_addresses // _PART))
    return Block(_made(int(largest.last) - size + 1, network), largest.last)


def check_range(wanted: Block, network: IPNetwork, gateway: str, taken: Sequence[Block]) -> None:
    """See that a range can be made in a subnet.

    Args:
        wanted: the range.
        network: the subnet.
        gateway: of the subnet, "" where it has none.
        taken: what MAAS gives away already; `what` names it.

    Raises:
        RangeFault: it can't; the text says why, and with what it collides.
    """
    if wanted.version != network.version:
        raise RangeFault(f"{wanted} is IPv{wanted.version}, and {network} is IPv{network.version}")
    outside = [end for end in (wanted.first, wanted.last) if end not in network]
    if outside:
        raise RangeFault(f"{_names(outside)} {'is' if len(outside) == 1 else 'are'} outside of {network}")
    whole = usable(network)
    if whole is None or not (whole.holds(wanted.first) and whole.holds(wanted.last)):
        reserved = "network" if wanted.first == network.network_address else "broadcast"
        raise RangeFault(f"{wanted} holds the {reserved} address of {network}; usable are {whole}")
    if gateway and wanted.holds(ip_address(gateway)):
        raise RangeFault(f"{wanted} holds the gateway {gateway}, whose address would be given to a machine")
    colliding = [one for one in taken if one.meets(wanted)]
    if colliding:
        told = "; ".join(f"{one} ({one.what})" if one.what else str(one) for one in colliding[:3])
        more = f" and {len(colliding) - 3} more" if len(colliding) > 3 else ""
        raise RangeFault(f"{wanted} collides with {told}{more}")


def network_of(cidr: str) -> IPNetwork:
    """The network of a CIDR as MAAS writes it. Raises ValueError."""
    return ip_network(cidr)


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise RangeFault(f"{_cut(text)} is no IP address") from None


def _made(number: int, network: IPNetwork) -> Address:
    # Not ip_address(): a small number would become an IPv4 address.
    return IPv4Address(number) if network.version == 4 else IPv6Address(number)


def _names(addresses: Sequence[Address]) -> str:
    return " and ".join(str(one) for one in dict.fromkeys(addresses))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
