"""domains/, and the lists that are empty in a region that does not use them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API

EMPTY = [
    "devices/",
    "dhcp-snippets/",
    "ipaddresses/",
    "license-keys/",
    "pods/",
    "vm-hosts/",
    "files/",
    "account/prefs/sslkeys/",
]
ONES = {"devices/{id}/": "Device", "dhcp-snippets/{id}/": "DHCPSnippet", "discovery/{id}/": "Discovery"}


class EmptyApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        for path in EMPTY if self._world.old else [*EMPTY, "vm-clusters/"]:
            yield Route(path, "GET", None, lambda _: json_answer([]))
        for path, model in ONES.items():
            for method, op in (("GET", None), ("PUT", None), ("DELETE", None), ("POST", "revert")):
                yield Route(path, method, op, self._missing(model))
        yield Route("domains/", "GET", None, self._domains)
        yield Route("domains/", "POST", None, self._create_domain, admin=True)
        yield Route("domains/{id}/", "GET", None, self._read_domain)

    def _missing(self, model: str) -> Any:
        def refuse_it(_: ApiRequest) -> Answer:
            raise Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))

        return refuse_it

    def _shown(self, domain: dict[str, Any]) -> dict[str, Any]:
        count = sum(1 for m in self._world.machines.values() if m.ip) if domain["id"] == 0 else 0
        return {
            **domain,
            "resource_record_count": count,
            "is_default": domain["id"] == 0,
            "resource_uri": f"{API}/domains/{domain['id']}/",
        }

    def _domains(self, _: ApiRequest) -> Answer:
        return json_answer([self._shown(d) for d in self._world.domains])

    def _create_domain(self, request: ApiRequest) -> Answer:
        name = request.form.text("name")
        if any(d["name"] == name for d in self._world.domains):
            raise refuse_form({"name": "Domain with this Name already exists."})
        made = {
            "id": len(self._world.domains),
            "name": name,
            "authoritative": request.form.flag("authoritative", default=True),
            "ttl": None,
        }
        self._world.domains.append(made)
        return json_answer(self._shown(made))

    def _read_domain(self, request: ApiRequest) -> Answer:
        key = request.parts["id"]
        found = next((d for d in self._world.domains if key in (str(d["id"]), d["name"])), None)
        if found is None:
            raise Refusal(text_answer(self._context.missing("Domain"), 404, BARE_TEXT))
        return json_answer(self._shown(found))
