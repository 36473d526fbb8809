"""reservedips/: addresses that DHCP keeps for one MAC address; 3.7 only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.network import ReservedIp, Subnet
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route
from sandbox.maas.users import API

MAC = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}")
REQUIRED = "This field is required."


class ReservedApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world
        self._network = context.world.network

    def routes(self) -> Iterable[Route]:
        if not self._world.recent:
            return
        one = "reservedips/{id}/"
        yield Route("reservedips/", "GET", None, self._list)
        yield Route("reservedips/", "POST", None, self._create, admin=True)
        yield Route(one, "GET", None, lambda r: json_answer(self._shown(self._find(r))))
        yield Route(one, "PUT", None, self._update, admin=True)
        yield Route(one, "DELETE", None, self._delete, admin=True)

    def _shown(self, found: ReservedIp) -> dict[str, Any]:
        return {
            "subnet": self._network.subnet_json(self._network.subnets[found.subnet]),
            "ip": found.ip,
            "mac_address": found.mac_address,
            "comment": found.comment,
            "id": found.id,
            "resource_uri": f"{API}/reservedips/{found.id}/",
        }

    def _list(self, _: ApiRequest) -> Answer:
        return json_answer([self._shown(r) for r in self._network.reserved.values()])

    def _find(self, request: ApiRequest) -> ReservedIp:
        found = self._network.reserved.get(int(request.parts["id"]))
        if found is None:
            raise Refusal(text_answer(self._context.missing("ReservedIP"), 404, BARE_TEXT))
        return found

    def _create(self, request: ApiRequest) -> Answer:
        form = request.form
        mac = form.text("mac_address").lower().replace("-", ":")
        errors = {name: REQUIRED for name in ("ip", "mac_address") if not form.get(name)}
        if mac and not MAC.fullmatch(mac):
            errors["mac_address"] = f"'{form['mac_address']}' is not a valid MAC address."
        subnet = None if errors else self._subnet(form, mac, errors)
        if errors or subnet is None:
            raise refuse_form(errors)
        self._world.effects["reserve", form["ip"]] += 1
        made = self._network.reserve(form["ip"], mac, subnet.id, form.text("comment"))
        return json_answer(self._shown(made))

    def _subnet(self, form: Form, mac: str, errors: dict[str, str]) -> Subnet | None:
        """The subnet of the address, and in `errors` what stands against keeping it; worded as in MAAS's source."""
        ip, network = form["ip"], self._network
        try:
            address = ip_address(ip)
        except ValueError:
            errors["ip"] = "Enter a valid IPv4 or IPv6 address."
            return None
        subnet = network.subnets.get(int(form["subnet"])) if form.get("subnet") else network.subnet_of(ip)
        if subnet is None:
            errors["subnet"] = f"Could not find a sutable subnet for {ip}. Please create the subnet first."
            return None
        dynamic = next((r for r in network.ranges.values() if r.type == "dynamic" and r.holds(ip)), None)
        holder = next((m for m in self._world.machines.values() if m.ip == ip), None)
        if address not in subnet.network:
            errors["ip"] = "The provided IP is not part of the subnet."
        elif address == subnet.network.network_address:
            errors["ip"] = "The network address cannot be a reserved IP."
        elif address == subnet.network.broadcast_address:
            errors["ip"] = "The broadcast address cannot be a reserved IP."
        elif dynamic is not None:
            outside = f"{dynamic.start_ip} - {dynamic.end_ip}"
            errors["ip"] = f"The ip {ip} must be outside the dynamic range {outside}."
        elif holder is not None and mac not in holder.macs:
            errors["ip"] = f"The ip {ip} is already in use by another machine."
        elif any(r.ip == ip for r in network.reserved.values()):
            errors["ip"] = "Reserved IP with this IP address already exists."
        elif any((r.mac_address, r.subnet) == (mac, subnet.id) for r in network.reserved.values()):
            errors["__all__"] = "Reserved IP with this MAC address and Subnet already exists."
        return subnet

    def _update(self, request: ApiRequest) -> Answer:
        found, form = self._find(request), request.form
        if any(form.get(name, own) != own for name, own in (("ip", found.ip), ("mac_address", found.mac_address))):
            text = (
                "The ip, mac_address and the subnet of a reserved ip are immutable. "
                "Please delete the entry and recreate it."
            )
            raise refuse_form({"__all__": text})
        found.comment = form.get("comment", found.comment)
        return json_answer(self._shown(found))

    def _delete(self, request: ApiRequest) -> Answer:
        found = self._find(request)
        self._world.effects["give_back", found.ip] += 1
        del self._network.reserved[found.id]
        return no_content()
