"""What the API says of the network beyond fabrics and subnets, and of settings and keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasPath, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas.decoding import LENIENT, Bool, Float, Int, Or, Text, Texts
from bot.maas.models_region import Vlan

#: How an address came to its owner (maasserver/enum.py, IPADDRESS_TYPE): by MAAS's own DHCP server.
LEASED = frozenset({5, 6})


@dataclass(frozen=True, slots=True, config=LENIENT)
class IpRange:
    """A range of a subnet: `dynamic` ones are for DHCP, `reserved` ones MAAS keeps its hands off."""

    id: int
    type: Text = ""
    start_ip: Text = ""
    end_ip: Text = ""
    comment: Text = ""
    subnet_id: Int = Field(default=0, validation_alias=AliasPath("subnet", "id"))
    subnet: Text = Field(default="", validation_alias=AliasPath("subnet", "name"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class TakenSpan:
    """Addresses of a subnet that are not free, and what for: gateway-ip, assigned-ip, dynamic, reserved, …"""

    start: Text = ""
    end: Text = ""
    purpose: Texts = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class AddressInUse:
    """One address of a subnet with who has it."""

    ip: Text = ""
    alloc_type: Int = -1
    user: Text = ""
    hostname: Text = Field(default="", validation_alias=AliasPath("node_summary", "hostname"))
    system_id: Text = Field(default="", validation_alias=AliasPath("node_summary", "system_id"))

    @property
    def leased(self) -> bool:
        """It was given by MAAS's DHCP server."""
        return self.alloc_type in LEASED


@dataclass(frozen=True, slots=True, config=LENIENT)
class SubnetUsage:
    """How full a subnet is; `usage` is a part of one."""

    num_available: Int = 0
    num_unavailable: Int = 0
    total_addresses: Int = 0
    usage: Float = 0.0


@dataclass(frozen=True, slots=True, config=LENIENT)
class Link:
    """An address of a rack's interface."""

    ip_address: Text = ""
    subnet_id: Annotated[int | None, Or(None)] = Field(default=None, validation_alias=AliasPath("subnet", "id"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class Interface:
    """An interface of a rack and the VLAN that it is on, if it is on any."""

    name: Text = ""
    vlan: Annotated[Vlan | None, Or(None)] = None
    links: Annotated[tuple[Link, ...], Or(())] = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class RackLinks:
    """A rack with its interfaces."""

    system_id: str
    hostname: Text = ""
    interfaces: Annotated[tuple[Interface, ...], Or(())] = Field(default=(), validation_alias="interface_set")

    def addresses_on(self, vlan_id: int) -> list[Link] | None:
        """Its addresses on a VLAN; None when it has no interface there."""
        there = [one for one in self.interfaces if one.vlan is not None and one.vlan.id == vlan_id]
        return [link for one in there for link in one.links] if there else None


@dataclass(frozen=True, slots=True, config=LENIENT)
class StaticRoute:
    """A route that MAAS gives to machines of the source subnet."""

    id: int
    gateway_ip: Text = ""
    metric: Int = 0
    source: Text = Field(default="", validation_alias=AliasPath("source", "cidr"))
    destination: Text = Field(default="", validation_alias=AliasPath("destination", "cidr"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class RecordAddress:
    ip: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class RecordData:
    """A record other than an address, or an address that MAAS made itself."""

    rrtype: Text = ""
    rrdata: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class DnsRecord:
    """A record other than an address, with the name that has it."""

    id: int
    fqdn: Text = ""
    rrtype: Text = ""
    rrdata: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class DnsResource:
    """A name in MAAS's DNS with its addresses and records. `id` is -1 for what MAAS made itself, of machines."""

    id: Int = -1
    fqdn: Text = ""
    addresses: Annotated[tuple[RecordAddress, ...], Or(())] = Field(default=(), validation_alias="ip_addresses")
    records: Annotated[tuple[RecordData, ...], Or(())] = Field(default=(), validation_alias="resource_records")


@dataclass(frozen=True, slots=True, config=LENIENT)
class Domain:
    """A DNS domain; MAAS answers for it itself when it is `authoritative`."""

    id: int
    name: Text = ""
    authoritative: Bool = False
    is_default: Bool = False
    resource_record_count: Int = 0


@dataclass(frozen=True, slots=True, config=LENIENT)
class Discovery:
    """Something that a rack saw on the network. `last_seen` is in MAAS's own format."""

    ip: Text = ""
    mac_address: Text = ""
    mac_organization: Text = ""
    hostname: Text = ""
    last_seen: Text = ""
    fabric_name: Text = ""
    vid: Annotated[int | None, Or(None)] = None
    observer: Text = Field(default="", validation_alias=AliasPath("observer", "hostname"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class ReservedIp:
    """An address that DHCP always gives to one MAC address (MAAS 3.6 and later)."""

    id: int
    ip: Text = ""
    mac_address: Text = ""
    comment: Text = ""
    subnet: Text = Field(default="", validation_alias=AliasPath("subnet", "name"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class SshKey:
    """A public key of the API key's user. `keysource` is lp:NAME or gh:NAME for an imported one."""

    id: int
    key: Text = ""
    keysource: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class PackageRepository:
    """An archive of packages for machines of these architectures."""

    id: int
    name: Text = ""
    url: Text = ""
    arches: Texts = ()
    enabled: Bool = True


IP_RANGE = TypeAdapter(IpRange)
IP_RANGES = TypeAdapter(list[IpRange])
TAKEN_SPANS = TypeAdapter(list[TakenSpan])
ADDRESSES = TypeAdapter(list[AddressInUse])
SUBNET_USAGE = TypeAdapter(SubnetUsage)
RACK_LINKS = TypeAdapter(list[RackLinks])
STATIC_ROUTES = TypeAdapter(list[StaticRoute])
DNS_RESOURCES = TypeAdapter(list[DnsResource])
DNS_RECORDS = TypeAdapter(list[DnsRecord])
DOMAINS = TypeAdapter(list[Domain])
DISCOVERIES = TypeAdapter(list[Discovery])
RESERVED_IP = TypeAdapter(ReservedIp)
RESERVED_IPS = TypeAdapter(list[ReservedIp])
SSH_KEY = TypeAdapter(SshKey)
SSH_KEYS = TypeAdapter(list[SshKey])
PACKAGE_REPOSITORIES = TypeAdapter(list[PackageRepository])
VLAN = TypeAdapter(Vlan)
