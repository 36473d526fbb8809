"""ipranges/."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.network import IpRange
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API


class RangesApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world
        self._network = context.world.network

    def routes(self) -> Iterable[Route]:
        yield Route("ipranges/", "GET", None, self._list)
        yield Route("ipranges/", "POST", None, self._create)
        yield Route("ipranges/{id}/", "GET", None, lambda r: json_answer(self._shown(self._find(r))))
        yield Route("ipranges/{id}/", "PUT", None, self._update)
        yield Route("ipranges/{id}/", "DELETE", None, self._delete)

    def _list(self, _: ApiRequest) -> Answer:
        return json_answer([self._shown(r) for r in self._network.ranges.values()])

    def _shown(self, found: IpRange) -> dict[str, Any]:
        user = next((u for u in self._world.users if u.username == found.user), self._world.admin)
        return {
            "subnet": self._network.subnet_json(self._network.subnets[found.subnet]),
            "type": found.type,
            "start_ip": found.start_ip,
            "end_ip": found.end_ip,
            "user": user.as_json(),
            "comment": found.comment,
            "id": found.id,
            "resource_uri": f"{API}/ipranges/{found.id}/",
        }

    def _find(self, request: ApiRequest) -> IpRange:
        found = self._network.ranges.get(int(request.parts["id"]))
        if found is None:
            raise Refusal(text_answer(self._context.missing("IPRange"), 404, BARE_TEXT))
        return found

    def _create(self, request: ApiRequest) -> Answer:
        form = request.form
        kind, start, end = form.text("type"), form.text("start_ip"), form.text("end_ip")
        required = {n: "This field is required." for n in ("type", "start_ip", "end_ip") if not form.get(n)}
        if required:
            raise refuse_form(required)
        if kind not in ("dynamic", "reserved"):
            raise refuse_form({"type": f"Select a valid choice. {kind} is not one of the available choices."})
        subnet = self._network.subnet_of(start)
        if form.get("subnet"):
            subnet = self._network.subnets.get(int(form["subnet"]))
        if subnet is None:
            raise refuse_form({"subnet": "This field is required."})
        self._check(IpRange(0, kind, start, end, subnet.id, ""))
        made = self._network.add_range(
            kind, start, end, subnet.id, user=request.caller.username, comment=form.text("comment")
        )
        return json_answer(self._shown(made))

    def _check(self, wanted: IpRange) -> None:
        low, high = int(ip_address(wanted.start_ip)), int(ip_address(wanted.end_ip))
        if high < low:
            raise refuse_form({"end_ip": "End IP address must not be less than Start IP address."})
        used = [m.ip for m in self._world.machines.values() if m.ip]
        subnet = self._network.subnets[wanted.subnet]
        used += [subnet.gateway_ip] if subnet.gateway_ip else []
        used += self._world.rack_addresses
        others = [r for r in self._network.ranges.values() if r.id != wanted.id]
        overlap = any(int(ip_address(r.start_ip)) <= high and low <= int(ip_address(r.end_ip)) for r in others)
        if overlap or (wanted.type == "dynamic" and any(wanted.holds(ip) for ip in used)):
            text = f"Requested {wanted.type} range conflicts with an existing IP address or range."
            raise refuse_form({"start_ip": text, "end_ip": text})

    def _update(self, request: ApiRequest) -> Answer:
        found, form = self._find(request), request.form
        changed = IpRange(
            found.id,
            found.type,
            form.get("start_ip", found.start_ip),
            form.get("end_ip", found.end_ip),
            found.subnet,
            found.user,
            form.get("comment", found.comment),
        )
        self._check(changed)
        self._network.ranges[found.id] = changed
        return json_answer(self._shown(changed))

    def _delete(self, request: ApiRequest) -> Answer:
        # accepted even under a VLAN with DHCP on, which it leaves on
        del self._network.ranges[self._find(request).id]
        return no_content()
