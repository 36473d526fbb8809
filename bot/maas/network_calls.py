"""The calls about the network: who gives addresses, which are taken, and what else MAAS knows of it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter

from bot.maas import models_network as models
from bot.maas.decoding import decode
from bot.maas.errors import UnexpectedAnswer
from bot.maas.models_region import Vlan
from bot.maas.transport import Transport, Value

T = TypeVar("T")


class NetworkCalls:
    """The part of a region's API that is about the network. All methods raise `MaasError`."""

    _transport: Transport

    async def rack_links(self) -> list[models.RackLinks]:
        """All racks with their interfaces and the VLANs that these are on."""
        return await self._ask("RackControllers", "read", models.RACK_LINKS)

    async def ip_ranges(self) -> list[models.IpRange]:
        """The ranges of all subnets."""
        return await self._ask("IPRanges", "read", models.IP_RANGES)

    async def create_ip_range(
        self, kind: str, first: str, last: str, subnet_id: int, comment: str = ""
    ) -> models.IpRange:
        """Make a range; `kind` is dynamic or reserved.

        Raises:
            BadRequest: it collides with an address or a range, or its ends are the wrong way round.
        """
        data: dict[str, Value] = {"type": kind, "start_ip": first, "end_ip": last, "subnet": subnet_id}
        if comment:
            data["comment"] = comment
        return await self._ask("IPRanges", "create", models.IP_RANGE, data=data, subject=f"range {first} - {last}")

    async def delete_ip_range(self, range_id: int) -> None:
        """Remove a range. MAAS does so even where DHCP hands addresses out of it, and leaves DHCP on.

        Raises:
            NotFound: it is not there.
        """
        await self._transport.call("IPRange", "delete", params={"id": range_id}, subject=f"range {range_id}")

    async def taken_addresses(self, subnet_id: int) -> list[models.TakenSpan]:
        """What of a subnet is not free, in order, and what for."""
        return await self._ask("Subnet", "reserved_ip_ranges", models.TAKEN_SPANS, params={"id": subnet_id})

    async def addresses_in_use(self, subnet_id: int) -> list[models.AddressInUse]:
        """The addresses of a subnet that somebody has, with who it is."""
        return await self._ask("Subnet", "ip_addresses", models.ADDRESSES, params={"id": subnet_id})

    async def subnet_usage(self, subnet_id: int) -> models.SubnetUsage:
        """How full a subnet is."""
        return await self._ask("Subnet", "statistics", models.SUBNET_USAGE, params={"id": subnet_id})

    async def vlan(self, fabric_id: int, vid: int) -> Vlan:
        """One VLAN, as it is now.

        Raises:
            NotFound: there is none.
        """
        return await self._ask("Vlan", "read", models.VLAN, params={"fabric_id": fabric_id, "vid": vid})

    async def set_dhcp(self, fabric_id: int, vid: int, *, on: bool, rack: str = "") -> Vlan:
        """Switch DHCP of a VLAN on, served by `rack` (its system id), or off.

        Raises:
            BadRequest: no dynamic range there, or the rack has no interface there.
        """
        data: dict[str, Value] = {"dhcp_on": on}
        if rack:
            data["primary_rack"] = rack
        params: dict[str, str | int] = {"fabric_id": fabric_id, "vid": vid}
        return await self._ask("Vlan", "update", models.VLAN, params=params, data=data, subject="this VLAN")

    async def static_routes(self) -> list[models.StaticRoute]:
        """The routes that MAAS gives to machines."""
        return await self._ask("StaticRoutes", "read", models.STATIC_ROUTES)

    async def dns_resources(self, *, everything: bool = False) -> list[models.DnsResource]:
        """Names in MAAS's DNS that people made; with `everything`, those that MAAS made for its machines as well."""
        data: dict[str, Value] = {"all": True} if everything else {}
        return await self._ask("DNSResources", "read", models.DNS_RESOURCES, data=data)

    async def dns_records(self) -> list[models.DnsRecord]:
        """The records other than addresses that people made."""
        return await self._ask("DNSResourceRecords", "read", models.DNS_RECORDS)

    async def domains(self) -> list[models.Domain]:
        """The domains of MAAS's DNS."""
        return await self._ask("Domains", "read", models.DOMAINS)

    async def discoveries(self, *, unknown_only: bool = False) -> list[models.Discovery]:
        """What the racks saw on the network; with `unknown_only`, what MAAS has no machine, device or lease for."""
        action = "by_unknown_ip_and_mac" if unknown_only else "read"
        return await self._ask("Discoveries", action, models.DISCOVERIES)

    async def reserved_ips(self) -> list[models.ReservedIp] | None:
        """Addresses reserved for one MAC address; None before MAAS 3.6, which has none."""
        try:
            return await self._ask("ReservedIps", "read", models.RESERVED_IPS)
        except UnexpectedAnswer as error:
            if error.status is None and "has no ReservedIps" in error.problem:
                return None
            raise

    async def reserve_ip(self, ip: str, mac: str, comment: str = "") -> models.ReservedIp:
        """Let DHCP give `ip` to the MAC address and to nobody else.

        Raises:
            BadRequest: the address is taken, or in no subnet.
            UnexpectedAnswer: before MAAS 3.6.
        """
        data: dict[str, Value] = {"ip": ip, "mac_address": mac, **({"comment": comment} if comment else {})}
        return await self._ask("ReservedIps", "create", models.RESERVED_IP, data=data, subject=f"address {ip}")

    async def delete_reserved_ip(self, reserved_id: int) -> None:
        """Give a reserved address back.

        Raises:
            NotFound: it is not there.
        """
        params: dict[str, str | int] = {"id": reserved_id}
        await self._transport.call("ReservedIp", "delete", params=params, subject=f"reserved address {reserved_id}")

    async def _ask(
        self,
        handler: str,
        action: str,
        adapter: TypeAdapter[T],
        *,
        params: dict[str, str | int] | dict[str, int] | None = None,
        data: dict[str, Value] | None = None,
        subject: str = "",
    ) -> T:
        path: dict[str, str | int] = dict(params or {})
        answer = await self._transport.call(handler, action, params=path, data=data, subject=subject)
        return decode(adapter, answer.body, endpoint=f"{handler}.{action}")
