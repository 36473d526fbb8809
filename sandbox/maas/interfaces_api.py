"""nodes/ID/interfaces/, blockdevices/ and the other parts of a machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, refuse, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.machine import ALLOCATED, BROKEN, NEW, READY, Machine
from sandbox.maas.network import free_address
from sandbox.maas.render import without_firmware
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route

EMPTY_PARTS = ("raids", "bcaches", "bcache-cache-sets", "volume-groups", "vmfs-datastores")


class InterfacesApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        node = "nodes/{system_id}/"
        yield Route(f"{node}interfaces/", "GET", None, lambda r: self._part(r, "interface_set"))
        yield Route(f"{node}blockdevices/", "GET", None, self._block_devices)
        one = f"{node}interfaces/{{id}}/"
        yield Route(one, "GET", None, lambda r: json_answer(self._interface(r)))
        yield Route(one, "PUT", None, self._update)
        yield Route(one, "POST", "link_subnet", self._link)
        yield Route(one, "POST", "unlink_subnet", self._unlink)
        for name in EMPTY_PARTS:
            yield Route(f"{node}{name}/", "GET", None, lambda r: json_answer(self._machine(r) and []))

    def _machine(self, request: ApiRequest) -> Machine:
        machine = self._world.machines.get(request.parts["system_id"])
        if machine is None:
            raise Refusal(text_answer(self._context.missing("Node"), 404, BARE_TEXT))
        return machine

    def _printed(self, machine: Machine) -> dict[str, Any]:
        row: dict[str, Any] = json.loads(self._context.renderer.one(machine))
        return row

    def _part(self, request: ApiRequest, name: str) -> Answer:
        return json_answer(self._printed(self._machine(request))[name])

    def _block_devices(self, request: ApiRequest) -> Answer:
        return json_answer(without_firmware(self._printed(self._machine(request))["blockdevice_set"]))

    def _interface(self, request: ApiRequest) -> dict[str, Any]:
        key = request.parts["id"]
        for interface in self._printed(self._machine(request))["interface_set"]:
            if key in (str(interface["id"]), interface["name"], interface["mac_address"]):
                found: dict[str, Any] = interface
                return found
        raise Refusal(text_answer(self._context.missing("Interface"), 404, BARE_TEXT))

    def _changeable(self, request: ApiRequest) -> Machine:
        machine = self._machine(request)
        self._interface(request)
        if machine.status not in (NEW, READY, ALLOCATED, BROKEN):
            raise refuse(
                409,
                "Cannot update interface because the machine is not New, Ready, Allocated, or Broken.",
            )
        return machine

    def _update(self, request: ApiRequest) -> Answer:
        machine = self._changeable(request)
        if vlan := request.form.get("vlan"):
            subnets = [s for s in self._world.network.subnets.values() if s.vlan == int(vlan)]
            machine.subnet = subnets[0].id if subnets else None
        return json_answer(self._interface(request))

    def _link(self, request: ApiRequest) -> Answer:
        machine, form = self._changeable(request), request.form
        mode = form.text("mode").upper()
        if mode not in ("AUTO", "DHCP", "STATIC", "LINK_UP"):
            raise refuse_form({"mode": "This field is required."})
        subnet = self._world.network.subnets.get(int(form.text("subnet") or "0"))
        if subnet is None:
            raise refuse_form({"subnet": "Select a valid choice. That choice is not one of the available choices."})
        machine.subnet = subnet.id
        if mode == "STATIC":
            taken = {m.ip for m in self._world.machines.values() if m.ip}
            ranges = list(self._world.network.ranges.values())
            machine.ip = form.get("ip_address") or free_address(subnet, taken, ranges)
        return json_answer(self._interface(request))

    def _unlink(self, request: ApiRequest) -> Answer:
        machine = self._changeable(request)
        machine.subnet = machine.ip = None
        return json_answer(self._interface(request))
