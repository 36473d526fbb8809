"""discovery/, static-routes/ and dnsresources/: what the region knows of the network besides subnets."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from sandbox.maas.answers import Answer, json_answer, no_content, refuse, refuse_form
from sandbox.maas.context import Context
from sandbox.maas.events import event_date, stamp
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API, User

USER_RESERVED = 4
RECORD_TYPES = ("CNAME", "MX", "NS", "SRV", "SSHFP", "TXT")


class RecordsApi:
    def __init__(self, context: Context) -> None:
        self._world = context.world
        self._network = context.world.network

    def routes(self) -> Iterable[Route]:
        yield Route("static-routes/", "GET", None, lambda _: json_answer([self._route(r) for r in self._world.routes]))
        yield Route("static-routes/", "POST", None, self._create_route, admin=True)
        yield Route("static-routes/{id}/", "DELETE", None, self._delete_route, admin=True)
        yield Route("dnsresources/{id}/", "DELETE", None, self._delete_name, admin=True)
        yield Route("dnsresourcerecords/", "GET", None, self._list_records)
        yield Route("dnsresourcerecords/", "POST", None, self._create_record, admin=True)
        yield Route("discovery/", "GET", None, lambda _: json_answer(self._seen(unknown=False)))
        for op in ("by_unknown_ip_and_mac", "by_unknown_ip", "by_unknown_mac"):
            yield Route("discovery/", "GET", op, lambda _: json_answer(self._seen(unknown=True)))
        yield Route("dnsresources/", "GET", None, self._names)
        yield Route("dnsresources/", "POST", None, self._create_name, admin=True)

    def _route(self, row: dict[str, Any]) -> dict[str, Any]:
        ends = {end: self._network.subnet_json(self._network.subnets[row[end]]) for end in ("source", "destination")}
        return {**row, **ends, "resource_uri": f"{API}/static-routes/{row['id']}/"}

    def _create_route(self, request: ApiRequest) -> Answer:
        """As the region's source has it, which answers with what its form saved; no answer of it was recorded."""
        form = request.form
        ends = {end: self._network.subnets.get(int(form.text(end) or 0)) for end in ("source", "destination")}
        source, destination = ends["source"], ends["destination"]
        if source is None or destination is None:
            raise refuse_form({end: "This field is required." for end, found in ends.items() if found is None})
        gateway = form.text("gateway_ip")
        if ip_address(gateway) not in source.network:
            raise refuse_form({"gateway_ip": f"Enter an IP address in {source.cidr}."})
        row = {"source": source.id, "destination": destination.id, "gateway_ip": gateway}
        if any({**one, **row} == one for one in self._world.routes):
            text = "Static route with this Source, Destination and Gateway ip already exists."
            raise refuse_form({"__all__": text})
        made = {"id": self._world.take_id("route") + 1, **row, "metric": int(form.text("metric") or 0)}
        self._world.routes.append(made)
        return json_answer(self._route(made))

    def _delete_route(self, request: ApiRequest) -> Answer:
        self._drop(self._world.routes, request)
        return no_content()

    def _delete_name(self, request: ApiRequest) -> Answer:
        self._drop(self._world.dns_names, request)
        return no_content()

    @staticmethod
    def _drop(rows: list[dict[str, Any]], request: ApiRequest) -> None:
        found = next((one for one in rows if one["id"] == int(request.parts["id"])), None)
        if found is None:
            raise refuse(404, "Not Found")
        rows.remove(found)

    def _seen(self, *, unknown: bool) -> list[dict[str, Any]]:
        known = {m.ip for m in self._world.machines.values() if m.ip} | set(self._world.rack_addresses)
        rows = sorted(self._world.discoveries, key=lambda row: -float(row["seen"]))
        return [self._discovery(row) for row in rows if not (unknown and row["ip"] in known)]

    def _discovery(self, row: dict[str, Any]) -> dict[str, Any]:
        subnet = self._network.subnet_of(row["ip"])
        fabric = None if subnet is None else self._network.fabrics[self._network.vlans[subnet.vlan].fabric]
        return {
            "discovery_id": f"{row['ip']}-{row['mac_address']}",
            "ip": row["ip"],
            "mac_address": row["mac_address"],
            "mac_organization": row.get("mac_organization", ""),
            "last_seen": event_date(row["seen"]),
            "hostname": row.get("hostname"),
            "fabric_name": None if fabric is None else fabric.name,
            "vid": None,
            "observer": {
                "system_id": self._world.rack_id,
                "hostname": self._world.region_hostname,
                "interface_id": 1,
                "interface_name": "eth0",
            },
            "resource_uri": f"{API}/discovery/{row['ip']}/",
        }

    def _names(self, request: ApiRequest) -> Answer:
        rows = [self._name(row, request.caller) for row in self._world.dns_names]
        if request.query.flag("all"):
            made = [self._automatic(row["fqdn"], row["ip_addresses"], None) for row in self._world.dns_names]
            machines = [m for m in self._world.machines.values() if m.ip]
            rows = [*made, *rows, *(self._automatic(m.fqdn, [str(m.ip)], m.system_id) for m in machines)]
        return json_answer(rows)

    def _automatic(self, fqdn: str, addresses: list[str], system_id: str | None) -> dict[str, Any]:
        records = [
            {
                "system_id": system_id,
                "node_type": None if system_id is None else 0,
                "user_id": 1 if system_id is None else None,
                "dnsresource_id": 1 if system_id is None else None,
                "ttl": None,
                "rrtype": "A" if ip_address(address).version == 4 else "AAAA",
                "rrdata": address,
                "dnsdata_id": None,
            }
            for address in addresses
        ]
        return {
            "address_ttl": None,
            "fqdn": fqdn,
            "id": -1,
            "ip_addresses": None,
            "resource_records": records,
            "resource_uri": f"{API}/dnsresources/-1/",
        }

    def _name(self, row: dict[str, Any], user: User) -> dict[str, Any]:
        return {
            "address_ttl": None,
            "ip_addresses": [self._address(address, row["created"], user) for address in row["ip_addresses"]],
            "fqdn": row["fqdn"],
            "id": row["id"],
            "resource_records": [self._record(one, row["fqdn"]) for one in row.get("records", ())],
            "resource_uri": f"{API}/dnsresources/{row['id']}/",
        }

    def _address(self, address: str, created: float, user: User) -> dict[str, Any]:
        subnet = self._network.subnet_of(address)
        return {
            "created": stamp(created),
            "ip": address,
            "alloc_type": USER_RESERVED,
            "subnet": None if subnet is None else self._network.subnet_json(subnet),
            "alloc_type_name": "User reserved",
            "interface_set": [],
            "owner": user.as_json(),
            "resource_uri": f"{API}/ipaddresses/",
        }

    @staticmethod
    def _record(one: dict[str, Any], fqdn: str) -> dict[str, Any]:
        return {**one, "fqdn": fqdn, "ttl": None, "resource_uri": f"{API}/dnsresourcerecords/{one['id']}/"}

    def _list_records(self, _: ApiRequest) -> Answer:
        rows = self._world.dns_names
        return json_answer([self._record(one, row["fqdn"]) for row in rows for one in row.get("records", ())])

    def _create_record(self, request: ApiRequest) -> Answer:
        """As the region's source has it: the name is made where it is not there; no answer of it was recorded."""
        form = request.form
        fqdn, rrtype, data = (form.text(name) for name in ("fqdn", "rrtype", "rrdata"))
        if rrtype not in RECORD_TYPES:
            raise refuse_form({"rrtype": f"{rrtype} is not one of {' '.join(RECORD_TYPES)}."})
        if not any(f".{fqdn}".endswith(f".{domain['name']}") for domain in self._world.domains):
            raise refuse(404, "Not Found")
        row = next((one for one in self._world.dns_names if one["fqdn"] == fqdn), None)
        has = [] if row is None else [*row["ip_addresses"], *row.get("records", ())]
        if any(isinstance(one, dict) and one["rrtype"] == "CNAME" for one in has) or (rrtype == "CNAME" and has):
            raise refuse_form({"__all__": "CNAME records for a name cannot coexist with non-CNAME records."})
        row = row or self._world.add_dns_name(fqdn, [])
        made = {"id": self._world.take_id("dns-record"), "rrtype": rrtype, "rrdata": data}
        row.setdefault("records", []).append(made)
        return json_answer(self._record(made, fqdn))

    def _create_name(self, request: ApiRequest) -> Answer:
        form = request.form
        fqdn = form.text("fqdn") or f"{form.text('name')}.{form.text('domain')}"
        if not any(fqdn.endswith(f".{domain['name']}") for domain in self._world.domains):
            raise refuse_form({"domain": "Either domain or fqdn must be specified."})
        addresses = form.text("ip_addresses").replace(",", " ").split()
        row = self._world.add_dns_name(fqdn, addresses)
        return json_answer(self._name(row, request.caller))
