"""zones/, resourcepools/ and tags/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from sandbox.maas.answers import (
    BARE_TEXT,
    JSON,
    Answer,
    Refusal,
    json_answer,
    no_content,
    refuse,
    refuse_form,
    text_answer,
)
from sandbox.maas.context import Context
from sandbox.maas.machine import Machine
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route
from sandbox.maas.users import API
from sandbox.maas.world import Named

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class GroupsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        world = self._world
        yield Route("zones/", "GET", None, self._list_zones)
        yield Route("zones/", "POST", None, self._create_zone, admin=True)
        yield Route("zones/{name}/", "GET", None, lambda r: json_answer(world.zone_json(self._zone(r))))
        yield Route("zones/{name}/", "PUT", None, self._update_zone, admin=True)
        yield Route("zones/{name}/", "DELETE", None, self._delete_zone, admin=True)
        yield Route("resourcepools/", "GET", None, self._list_pools)
        yield Route("resourcepools/", "POST", None, self._create_pool, admin=True)
        yield Route("resourcepool/{id}/", "GET", None, lambda r: json_answer(world.pool_json(self._pool(r))))
        yield Route("resourcepool/{id}/", "PUT", None, self._update_pool, admin=True)
        yield Route("resourcepool/{id}/", "DELETE", None, self._delete_pool, admin=True)
        yield Route("tags/", "GET", None, lambda _: json_answer([_tag_json(t) for t in world.tags.values()]))
        yield Route("tags/", "POST", None, self._create_tag, admin=True)
        tag = "tags/{name}/"
        yield Route(tag, "GET", None, lambda r: json_answer(_tag_json(self._tag(r))))
        yield Route(tag, "DELETE", None, self._delete_tag, admin=True)
        yield Route(tag, "GET", "machines", self._tagged)
        yield Route(tag, "GET", "nodes", self._tagged_nodes)
        yield Route(tag, "GET", "devices", lambda r: json_answer(self._tag(r) and []))
        yield Route(tag, "GET", "rack_controllers", self._tagged_racks)
        yield Route(tag, "GET", "region_controllers", self._tagged_regions)
        yield Route(tag, "POST", "rebuild", lambda r: json_answer({"rebuilding": self._tag(r).name}), admin=True)
        yield Route(tag, "POST", "update_nodes", self._update_nodes, admin=True)

    def _missing(self, model: str) -> Refusal:
        return Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))

    def _name(self, form: Form, what: str, taken: Iterable[str]) -> str:
        name = form.text("name")
        if not name:
            raise refuse_form({"name": "This field is required."})
        if not NAME.fullmatch(name):
            raise refuse_form({"name": "Enter a valid value."})
        if name in taken:
            raise refuse_form({"name": f"{what} with this Name already exists."})
        return name

    def _list_zones(self, _: ApiRequest) -> Answer:
        zones = sorted(self._world.zones.values(), key=lambda z: z.name)
        return json_answer([self._world.zone_json(z) for z in zones])

    def _zone(self, request: ApiRequest) -> Named:
        if (found := self._world.zones.get(request.parts["name"])) is None:
            raise self._missing("Zone")
        return found

    def _create_zone(self, request: ApiRequest) -> Answer:
        name = self._name(request.form, "Physical zone", self._world.zones)
        zone = Named(self._world.take_id("zone", 2), name, request.form.text("description"))
        self._world.zones[name] = zone
        self._world.groups_changed()
        return json_answer(self._world.zone_json(zone))

    def _update_zone(self, request: ApiRequest) -> Answer:
        zone = self._zone(request)
        zone.description = request.form.get("description", zone.description)
        self._world.groups_changed()
        return json_answer(self._world.zone_json(zone))

    def _delete_zone(self, request: ApiRequest) -> Answer:
        zone = self._zone(request)
        if zone.name == "default":
            raise refuse(400, "This zone is the default zone, it cannot be deleted.")
        for machine in self._world.machines.values():
            if machine.zone == zone.name:
                machine.zone = "default"
        del self._world.zones[zone.name]
        self._world.groups_changed()
        return no_content()

    def _list_pools(self, _: ApiRequest) -> Answer:
        pools = sorted(self._world.pools.values(), key=lambda p: p.name)
        return json_answer([self._world.pool_json(p) for p in pools])

    def _pool(self, request: ApiRequest) -> Named:
        if (found := self._world.pools.get(int(request.parts["id"]))) is None:
            raise self._missing("ResourcePool")
        return found

    def _create_pool(self, request: ApiRequest) -> Answer:
        name = self._name(request.form, "Resource pool", [p.name for p in self._world.pools.values()])
        pool = Named(self._world.take_id("pool"), name, request.form.text("description"))
        self._world.pools[pool.id] = pool
        return json_answer(self._world.pool_json(pool))

    def _update_pool(self, request: ApiRequest) -> Answer:
        pool = self._pool(request)
        pool.description = request.form.get("description", pool.description)
        self._world.groups_changed()
        return json_answer(self._world.pool_json(pool))

    def _delete_pool(self, request: ApiRequest) -> Answer:
        pool = self._pool(request)
        if pool.id == 0:
            raise refuse(400, "This is the default pool, it cannot be deleted.")
        if any(m.pool == pool.id for m in self._world.machines.values()):
            raise refuse(400, "Pool has machines in it, it cannot be deleted.")
        del self._world.pools[pool.id]
        return no_content()

    def _tag(self, request: ApiRequest) -> Named:
        if (found := self._world.tags.get(request.parts["name"])) is None:
            raise self._missing("Tag")
        return found

    def _create_tag(self, request: ApiRequest) -> Answer:
        form = request.form
        name = self._name(form, "Tag", self._world.tags)
        tag = Named(
            self._world.take_id("tag"),
            name,
            form.text("comment"),
            form.text("definition"),
            form.text("kernel_opts"),
        )
        self._world.tags[name] = tag
        return json_answer(_tag_json(tag))

    def _delete_tag(self, request: ApiRequest) -> Answer:
        tag = self._tag(request)
        for machine in self._world.machines.values():
            machine.tags = [t for t in machine.tags if t != tag.name]
        del self._world.tags[tag.name]
        return no_content()

    def _with_tag(self, request: ApiRequest) -> list[Machine]:
        name = self._tag(request).name
        return [m for m in self._world.machines.values() if name in m.tags]

    def _tagged(self, request: ApiRequest) -> Answer:
        return Answer(200, JSON, self._context.renderer.many(self._with_tag(request)))

    def _tagged_nodes(self, request: ApiRequest) -> Answer:
        rack = self._context.controllers.rack_json()
        rows: list[Any] = [rack] if self._tag(request).name in rack["tag_names"] else []
        machines = json.loads(self._context.renderer.many(self._with_tag(request)))
        return json_answer([*rows, *machines])

    def _tagged_racks(self, request: ApiRequest) -> Answer:
        rack = self._context.controllers.rack_json()
        return json_answer([rack] if self._tag(request).name in rack["tag_names"] else [])

    def _tagged_regions(self, request: ApiRequest) -> Answer:
        # with the services, unlike the list of region controllers
        region = self._context.controllers.rack_json()
        region["resource_uri"] = f"{API}/regioncontrollers/{self._world.rack_id}/"
        return json_answer([region] if self._tag(request).name in region["tag_names"] else [])

    def _update_nodes(self, request: ApiRequest) -> Answer:
        tag, machines = self._tag(request), self._world.machines
        added = [machines[s] for s in request.form.all("add") if s in machines]
        removed = [machines[s] for s in request.form.all("remove") if s in machines]
        for machine in [*added, *removed]:
            self._world.effects["tag", machine.system_id] += 1
        for machine in added:
            machine.tags = [*dict.fromkeys([*machine.tags, tag.name])]
        for machine in removed:
            machine.tags = [t for t in machine.tags if t != tag.name]
        return json_answer({"added": len(added), "removed": len(removed)})


def _tag_json(tag: Named) -> dict[str, str]:
    return {
        "name": tag.name,
        "definition": tag.definition,
        "comment": tag.description,
        "kernel_opts": tag.kernel_opts,
        "resource_uri": f"{API}/tags/{tag.name}/",
    }
