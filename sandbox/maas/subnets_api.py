"""subnets/: by id, name or CIDR, and what of their addresses is taken."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.events import event_date
from sandbox.maas.machine import Machine
from sandbox.maas.network import Subnet
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route

STICKY, DISCOVERED = 1, 6
"""How an address came to its machine: given for good, or by DHCP."""


class SubnetsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world
        self._network = context.world.network

    def routes(self) -> Iterable[Route]:
        one = "subnets/{id*}/"
        yield Route("subnets/", "GET", None, self._list)
        yield Route("subnets/", "POST", None, self._create, admin=True)
        yield Route(one, "GET", None, lambda r: json_answer(self._network.subnet_json(self._subnet(r))))
        yield Route(one, "PUT", None, self._update, admin=True)
        yield Route(one, "DELETE", None, self._delete, admin=True)
        yield Route(one, "GET", "ip_addresses", self._addresses)
        yield Route(one, "GET", "reserved_ip_ranges", lambda r: json_answer(self._reserved(self._subnet(r))))
        yield Route(one, "GET", "unreserved_ip_ranges", lambda r: json_answer(self._free(self._subnet(r))))
        yield Route(one, "GET", "statistics", self._statistics)

    def _list(self, _: ApiRequest) -> Answer:
        return json_answer([self._network.subnet_json(s) for s in self._network.subnets.values()])

    def _subnet(self, request: ApiRequest) -> Subnet:
        key = unquote(request.parts["id"]).removeprefix("cidr:").removeprefix("name:").removeprefix("id:")
        for subnet in self._network.subnets.values():
            if key in (str(subnet.id), subnet.name, subnet.cidr):
                return subnet
        raise Refusal(text_answer(self._context.missing("Subnet"), 404, BARE_TEXT))

    def _create(self, request: ApiRequest) -> Answer:
        form, network = request.form, self._network
        cidr = form.text("cidr")
        if not cidr:
            raise refuse_form({"cidr": "This field is required."})
        try:
            ip_network(cidr)
        except ValueError:
            raise refuse_form({"cidr": "Required format: <network>/<prefixlen>."}) from None
        if any(s.cidr == cidr for s in network.subnets.values()):
            raise refuse_form({"cidr": "Subnet with this Cidr already exists."})
        gateway = self._gateway(form, cidr)
        vlan = int(form.get("vlan") or network.untagged(0).id)
        subnet = network.add_subnet(cidr, vlan, form.text("name"))
        subnet.gateway_ip = gateway
        self._apply(subnet, form)
        return json_answer(network.subnet_json(subnet))

    def _gateway(self, form: Form, cidr: str) -> str | None:
        text = form.get("gateway_ip")
        if not text:
            return None
        try:
            address = ip_address(text)
        except ValueError:
            raise refuse_form({"gateway_ip": "Enter a valid IPv4 or IPv6 address."}) from None
        if address not in ip_network(cidr):
            raise refuse_form({"gateway_ip": "Gateway IP must be within CIDR range."})
        return text

    def _apply(self, subnet: Subnet, form: Form) -> None:
        subnet.description = form.get("description", subnet.description)
        subnet.name = form.get("name") or subnet.name
        if "dns_servers" in form:
            subnet.dns_servers = [a for v in form.all("dns_servers") for a in v.replace(",", " ").split()]
        for name in ("managed", "allow_dns", "allow_proxy", "active_discovery"):
            setattr(subnet, name, form.flag(name, getattr(subnet, name)))
        self._network.changed()

    def _update(self, request: ApiRequest) -> Answer:
        subnet, form = self._subnet(request), request.form
        if "gateway_ip" in form:
            subnet.gateway_ip = self._gateway(form, subnet.cidr)
        if form.get("vlan"):
            subnet.vlan = int(form["vlan"])
        self._apply(subnet, form)
        return json_answer(self._network.subnet_json(subnet))

    def _delete(self, request: ApiRequest) -> Answer:
        subnet = self._subnet(request)
        for machine in self._world.machines.values():
            if machine.subnet == subnet.id:
                machine.subnet = machine.ip = None
        self._network.ranges = {n: r for n, r in self._network.ranges.items() if r.subnet != subnet.id}
        del self._network.subnets[subnet.id]
        self._network.changed()
        return no_content()

    def _addresses(self, request: ApiRequest) -> Answer:
        subnet = self._subnet(request)
        machines = self._world.machines.values()
        rows = [_in_use(m, str(m.ip), STICKY) for m in machines if m.ip and ip_address(m.ip) in subnet.network]
        rows += [_in_use(machine, ip, DISCOVERED) for ip, machine in self._leases(subnet).items()]
        return json_answer(rows)

    def _leases(self, subnet: Subnet) -> dict[str, Machine]:
        """Machines that booted over the network have an address of the dynamic range, while DHCP is on."""
        if not self._network.vlans[subnet.vlan].dhcp_on:
            return {}
        pools = [r for r in self._network.dynamic_ranges(subnet.vlan) if r.subnet == subnet.id]
        addresses = [a for r in pools for a in range(int(ip_address(r.start_ip)), int(ip_address(r.end_ip)) + 1)]
        booted = [m for m in self._world.machines.values() if m.ip is None and m.power_state == "on"]
        return {str(ip_address(number)): machine for number, machine in zip(addresses, booted, strict=False)}

    def _taken(self, subnet: Subnet) -> list[tuple[int, int, str]]:
        spans = [
            (int(ip_address(r.start_ip)), int(ip_address(r.end_ip)), r.type)
            for r in self._network.ranges.values()
            if r.subnet == subnet.id
        ]
        singles = {m.ip: "assigned-ip" for m in self._world.machines.values() if m.ip}
        singles |= dict.fromkeys(self._world.rack_addresses, "assigned-ip")
        if subnet.gateway_ip:
            singles[subnet.gateway_ip] = "gateway-ip"
        for text, purpose in singles.items():
            address = ip_address(text)
            if address in subnet.network:
                spans.append((int(address), int(address), purpose))
        return sorted(spans)

    def _reserved(self, subnet: Subnet) -> list[dict[str, Any]]:
        return [_span(a, b, [purpose]) for a, b, purpose in self._taken(subnet)]

    def _free(self, subnet: Subnet) -> list[dict[str, Any]]:
        at = int(subnet.network.network_address) + 1
        last = int(subnet.network.broadcast_address) - 1
        rows = []
        for start, end, _ in self._taken(subnet):
            if start > at:
                rows.append(_span(at, start - 1))
            at = max(at, end + 1)
        if at <= last:
            rows.append(_span(at, last))
        return rows

    def _statistics(self, request: ApiRequest) -> Answer:
        subnet = self._subnet(request)
        free = [r["num_addresses"] for r in self._free(subnet)]
        total = subnet.network.num_addresses - 2
        available = sum(free)
        usage = 1 - available / total
        return json_answer(
            {
                "num_available": available,
                "largest_available": max(free, default=0),
                "num_unavailable": total - available,
                "total_addresses": total,
                "usage": usage,
                "usage_string": f"{usage:.0%}",
                "available_string": f"{1 - usage:.0%}",
                "first_address": str(ip_address(int(subnet.network.network_address) + 1)),
                "last_address": str(ip_address(int(subnet.network.broadcast_address) - 1)),
                "ip_version": subnet.network.version,
            }
        )


def _in_use(machine: Machine, ip: str, kind: int) -> dict[str, Any]:
    date = event_date(1_795_333_952)
    return {
        "ip": ip,
        "alloc_type": kind,
        "created": date,
        "updated": date,
        "node_summary": {
            "system_id": machine.system_id,
            "node_type": 0,
            "fqdn": machine.fqdn,
            "hostname": machine.hostname,
            "is_container": False,
            "via": "eth0",
        },
        "user": machine.owner or "MAAS",
    }


def _span(start: int, end: int, purpose: list[str] | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": str(ip_address(start)),
        "end": str(ip_address(end)),
        "num_addresses": end - start + 1,
    }
    if purpose is not None:
        row["purpose"] = purpose
    return row
