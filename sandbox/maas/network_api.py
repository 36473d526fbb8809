"""fabrics/, vlans/ and spaces/."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.maas.answers import (
    BARE_JSON,
    BARE_TEXT,
    Answer,
    Refusal,
    json_answer,
    no_content,
    refuse,
    refuse_form,
    text_answer,
)
from sandbox.maas.context import Context
from sandbox.maas.network import Fabric, Space, Vlan
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route

NO_RANGE = "dhcp can only be turned on when a dynamic IP range is defined."
NO_RACK = "dhcp can only be turned on when a primary rack controller is set."


class NetworkApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._network = context.world.network

    def routes(self) -> Iterable[Route]:
        fabric, vlans, vlan = "fabrics/{fabric}/", "fabrics/{fabric}/vlans/", "fabrics/{fabric}/vlans/{vid}/"
        yield Route("fabrics/", "GET", None, self._list_fabrics)
        yield Route("fabrics/", "POST", None, self._create_fabric, admin=True)
        yield Route(fabric, "GET", None, lambda r: json_answer(self._network.fabric_json(self._fabric(r))))
        yield Route(fabric, "PUT", None, self._update_fabric, admin=True)
        yield Route(fabric, "DELETE", None, self._delete_fabric, admin=True)
        yield Route(vlans, "GET", None, self._list_vlans)
        yield Route(vlans, "POST", None, self._create_vlan, admin=True)
        for path in (vlan, "vlans/{id}/"):
            yield Route(path, "GET", None, lambda r: json_answer(self._network.vlan_json(self._vlan(r))))
            yield Route(path, "PUT", None, self._update_vlan, admin=True)
            yield Route(path, "DELETE", None, self._delete_vlan, admin=True)
        yield Route("spaces/", "GET", None, self._list_spaces)
        yield Route("spaces/", "POST", None, self._create_space, admin=True)
        yield Route("spaces/{id}/", "GET", None, self._read_space)

    def _missing(self, model: str) -> Refusal:
        return Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))

    def _list_fabrics(self, _: ApiRequest) -> Answer:
        return json_answer([self._network.fabric_json(f) for f in self._network.fabrics.values()])

    def _fabric(self, request: ApiRequest) -> Fabric:
        found = self._network.fabrics.get(int(request.parts["fabric"]))
        if found is None:
            raise self._missing("Fabric")
        return found

    def _create_fabric(self, request: ApiRequest) -> Answer:
        name = request.form.text("name")
        if any(f.name == name for f in self._network.fabrics.values()):
            raise refuse_form({"name": "Fabric with this Name already exists."})
        fabric = self._network.add_fabric(name, request.form.get("class_type"))
        return json_answer(self._network.fabric_json(fabric))

    def _update_fabric(self, request: ApiRequest) -> Answer:
        fabric = self._fabric(request)
        fabric.name = request.form.get("name", fabric.name)
        self._network.changed()
        return json_answer(self._network.fabric_json(fabric))

    def _delete_fabric(self, request: ApiRequest) -> Answer:
        fabric = self._fabric(request)
        if fabric.id == 0:
            raise refuse(400, "This fabric is the default fabric, it cannot be deleted.")
        vlans = [v.id for v in self._network.vlans.values() if v.fabric == fabric.id]
        if any(s.vlan in vlans for s in self._network.subnets.values()):
            raise refuse(400, f"Can't delete fabric; the following subnets are still in it: {fabric.name}")
        for number in vlans:
            del self._network.vlans[number]
        del self._network.fabrics[fabric.id]
        self._network.changed()
        return no_content()

    def _list_vlans(self, request: ApiRequest) -> Answer:
        fabric = self._fabric(request)
        vlans = [v for v in self._network.vlans.values() if v.fabric == fabric.id]
        return json_answer([self._network.vlan_json(v) for v in vlans])

    def _create_vlan(self, request: ApiRequest) -> Answer:
        fabric, form = self._fabric(request), request.form
        vid = int(form.text("vid") or "0")
        if not 0 <= vid <= 4094:
            raise refuse_form({"vid": "VID must be between 0 and 4094."})
        if any((v.fabric, v.vid) == (fabric.id, vid) for v in self._network.vlans.values()):
            text = "A VLAN with the specified VID already exists in the destination fabric."
            raise refuse_form({"__all__": text}, content_type=BARE_JSON)
        vlan = self._network.add_vlan(fabric.id, vid, form.text("name") or str(vid), int(form.text("mtu", "1500")))
        return json_answer(self._network.vlan_json(vlan))

    def _vlan(self, request: ApiRequest) -> Vlan:
        if "id" in request.parts:
            found = self._network.vlans.get(int(request.parts["id"]))
        else:
            wanted = (int(request.parts["fabric"]), int(request.parts["vid"]))
            found = next((v for v in self._network.vlans.values() if (v.fabric, v.vid) == wanted), None)
        if found is None:
            raise self._missing("VLAN")
        return found

    def _update_vlan(self, request: ApiRequest) -> Answer:
        vlan, form, network = self._vlan(request), request.form, self._network
        errors: dict[str, list[str] | str] = {}
        turning_on = form.flag("dhcp_on", vlan.dhcp_on)
        rack = form.get("primary_rack", vlan.primary_rack) or None
        if "primary_rack" in form and rack is not None and (rack != network.rack or vlan.id not in network.rack_vlans):
            errors["primary_rack"] = f"Select a valid choice. {rack} is not one of the available choices."
            rack = None
        if turning_on and "dhcp_on" in form:
            if not network.dynamic_ranges(vlan.id):
                errors["dhcp_on"] = NO_RANGE
            elif rack is None:
                errors["__all__"] = NO_RACK
        if errors:
            raise refuse_form(errors)
        vlan.dhcp_on, vlan.primary_rack = turning_on, rack
        vlan.mtu = int(form.get("mtu", str(vlan.mtu)))
        vlan.name = form.get("name", vlan.name)
        if form.get("relay_vlan"):
            vlan.relay_vlan = int(form["relay_vlan"])
        if "space" in form:
            name = form["space"]
            space = next((s for s in network.spaces.values() if name in (s.name, str(s.id))), None)
            vlan.space = space.id if space else None
        network.changed()
        return json_answer(network.vlan_json(vlan))

    def _delete_vlan(self, request: ApiRequest) -> Answer:
        vlan = self._vlan(request)
        if vlan.vid == 0:
            raise refuse(400, "This VLAN is the default VLAN in the fabric, it cannot be deleted.")
        del self._network.vlans[vlan.id]
        self._network.changed()
        return no_content()

    def _list_spaces(self, _: ApiRequest) -> Answer:
        network = self._network
        return json_answer([network.space_json(s) for s in [*network.spaces.values(), None]])

    def _create_space(self, request: ApiRequest) -> Answer:
        name = request.form.text("name")
        if any(s.name == name for s in self._network.spaces.values()):
            raise refuse_form({"name": "Space with this Name already exists."})
        space = Space(self._network.take_id("space"), name, request.form.text("description"))
        self._network.spaces[space.id] = space
        return json_answer(self._network.space_json(space))

    def _read_space(self, request: ApiRequest) -> Answer:
        key = request.parts["id"]
        if key in ("undefined", "-1"):
            return json_answer(self._network.space_json(None))
        found = self._network.spaces.get(int(key))
        if found is None:
            raise self._missing("Space")
        return json_answer(self._network.space_json(found))
