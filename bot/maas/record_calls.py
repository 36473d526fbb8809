"""The calls that make and remove static routes and names in MAAS's DNS."""

from __future__ import annotations

from bot.maas.transport import Transport, Value


class RecordCalls:
    """The part of a region's API that changes routes and names. All methods raise `MaasError`."""

    _transport: Transport

    async def create_static_route(self, source_id: int, destination_id: int, gateway_ip: str, metric: int) -> None:
        """Give machines of the source subnet a route to the destination subnet.

        Raises:
            BadRequest: it is there already, or the gateway is not in the source subnet.
        """
        data: dict[str, Value] = {"source": source_id, "destination": destination_id, "gateway_ip": gateway_ip}
        data["metric"] = metric
        await self._transport.call("StaticRoutes", "create", data=data, subject=f"route by {gateway_ip}")

    async def delete_static_route(self, route_id: int) -> None:
        """Remove a route. Machines keep it until they are deployed again.

        Raises:
            NotFound: it is not there.
        """
        await self._transport.call("StaticRoute", "delete", params={"id": route_id}, subject=f"route {route_id}")

    async def create_dns_name(self, fqdn: str, ip: str) -> None:
        """Let MAAS's DNS answer with `ip` for a name.

        Raises:
            BadRequest: MAAS has no such domain, or does not take the name.
        """
        await self._transport.call("DNSResources", "create", data={"fqdn": fqdn, "ip_addresses": ip}, subject=fqdn)

    async def create_dns_record(self, fqdn: str, rrtype: str, data: str) -> None:
        """Give a name a record other than an address; the name is made where it is not there.

        Raises:
            BadRequest: MAAS has no such domain, or does not take the record.
        """
        values: dict[str, Value] = {"fqdn": fqdn, "rrtype": rrtype, "rrdata": data}
        await self._transport.call("DNSResourceRecords", "create", data=values, subject=fqdn)

    async def delete_dns_name(self, name_id: int) -> None:
        """Remove a name that people made, with all that it points to.

        Raises:
            NotFound: it is not there.
        """
        await self._transport.call("DNSResource", "delete", params={"id": name_id}, subject=f"name {name_id}")
