"""rackcontrollers/ and regioncontrollers/."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sandbox.maas import data_files
from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, text_answer
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route


class ControllersApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        racks, rack = "rackcontrollers/", "rackcontrollers/{system_id}/"
        yield Route(racks, "GET", None, lambda _: json_answer([self._context.controllers.rack_json()]))
        yield Route(racks, "GET", "describe_power_types", self._power_types)
        yield Route(racks, "GET", "is_registered", self._is_registered, anonymous=True)
        yield Route(racks, "GET", "power_parameters", lambda _: json_answer({self._world.rack_id: {}}), admin=True)
        yield Route(racks, "POST", "import_boot_images", self._import_all, admin=True)
        yield Route(rack, "GET", None, self._read)
        yield Route(rack, "GET", "list_boot_images", self._boot_images)
        yield Route(rack, "POST", "import_boot_images", self._import_one, admin=True)
        yield Route(
            "regioncontrollers/",
            "GET",
            None,
            lambda _: json_answer([self._context.controllers.region_json()]),
        )
        yield Route("regioncontrollers/{system_id}/", "GET", None, self._read_region)

    def _check(self, request: ApiRequest, model: str) -> None:
        if request.parts["system_id"] != self._world.rack_id:
            raise Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))

    def _power_types(self, _: ApiRequest) -> Answer:
        return json_answer(data_files.load(self._world.version, "power_types"))

    def _is_registered(self, _: ApiRequest) -> Answer:
        return json_answer(False)

    def _read(self, request: ApiRequest) -> Answer:
        self._check(request, "RackController")
        return json_answer(self._context.controllers.rack_json())

    def _read_region(self, request: ApiRequest) -> Answer:
        self._check(request, "RegionController")
        return json_answer(self._context.controllers.region_json())

    def _boot_images(self, request: ApiRequest) -> Answer:
        self._check(request, "RackController")
        if not self._context.controllers.rack_alive:
            return json_answer({"images": [], "connected": False, "status": "unknown"})
        behind = self._context.faults.is_active("racks-behind")
        if behind or any(not r.complete for r in self._world.images.resources.values()):
            status = "out-of-sync" if behind else "syncing"
        else:
            status = "synced"
        images: dict[tuple[str, str], set[str]] = defaultdict(set)
        for resource in self._world.images.resources.values():
            arch, _, kernel = resource.architecture.partition("/")
            if (resource.complete or resource.previous) and not behind:
                images[(resource.name, arch)] |= {kernel, "generic"}
        rows: list[dict[str, Any]] = [
            {"name": name, "architecture": arch, "subarches": sorted(kernels)}
            for (name, arch), kernels in sorted(images.items())
        ]
        if self._world.recent:  # a row for each kernel
            rows = [{**row, "subarches": [kernel]} for row in rows for kernel in row["subarches"]]
        return json_answer({"images": rows, "connected": True, "status": status})

    def _import_all(self, _: ApiRequest) -> Answer:
        if self._world.recent:
            return text_answer("Accepted", 202, BARE_TEXT)
        return text_answer("Import of boot images started on all rack controllers")

    def _import_one(self, request: ApiRequest) -> Answer:
        self._check(request, "RackController")
        if self._world.recent:
            return text_answer("Accepted", 202, BARE_TEXT)
        return text_answer(f"Import of boot images started on {self._world.region_hostname}")
