"""scripts/ (without a slash after the name) and commissioning-scripts/."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterable
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse_form, text_answer
from sandbox.maas.context import Context
from sandbox.maas.events import result_date
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API

TYPE_NUMBERS = {"commissioning": 0, "testing": 2, "test": 2, "release": 3}
TYPE_NAMES = {0: "Commissioning script", 2: "Testing script"}
BUILT_IN = "#!/bin/bash\n# a script that ships with MAAS\n"


class ScriptsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        one = "scripts/{name}"
        yield Route("scripts/", "GET", None, self._list)
        yield Route("scripts/", "POST", None, self._create, admin=True)
        yield Route(one, "GET", None, lambda r: json_answer(self._find(r)))
        yield Route(one, "GET", "download", self._download)
        yield Route(one, "DELETE", None, self._delete, admin=True)
        yield Route(one, "POST", "add_tag", self._add_tag, admin=True)
        yield Route("commissioning-scripts/", "GET", None, self._names, admin=True)

    def _names(self, _: ApiRequest) -> Answer:
        return json_answer(sorted(s["name"] for s in self._world.scripts_of(0)))

    def _list(self, request: ApiRequest) -> Answer:
        query = request.query
        rows = self._world.scripts
        if kind := query.get("type"):
            rows = [s for s in rows if s["type"] == TYPE_NUMBERS.get(kind.lower(), -1)]
        if wanted := [n for value in query.all("filters") for n in value.split(",")]:
            rows = [s for s in rows if s["name"] in wanted or set(wanted) & set(s["tags"])]
        if query.flag("include_script"):
            rows = [{**s, "history": [{**h, "data": self._encoded(s)} for h in s["history"]]} for s in rows]
        return json_answer(rows)

    def _encoded(self, script: dict[str, Any]) -> str:
        return base64.b64encode(self._body(script).encode()).decode()

    def _body(self, script: dict[str, Any]) -> str:
        return self._world.script_bodies.get(script["name"], BUILT_IN)

    def _find(self, request: ApiRequest) -> dict[str, Any]:
        found = self._world.script(request.parts["name"])
        if found is None:
            raise Refusal(text_answer(self._context.missing("Script"), 404, BARE_TEXT))
        return found

    def _create(self, request: ApiRequest) -> Answer:
        text = request.files.get("script", b"").decode("utf-8", "replace") or request.form.text("script")
        meta = dict(re.findall(r"^# (\w+): (.+)$", text, re.MULTILINE))
        name = request.form.get("name") or meta.get("name", "")
        if not name:
            raise refuse_form({"name": "This field is required."})
        if self._world.script(name) is not None:
            raise refuse_form({"name": "Script with this Name already exists."})
        kind = TYPE_NUMBERS.get(request.form.get("type") or meta.get("script_type", "testing"), 2)
        number = max(s["id"] for s in self._world.scripts) + 1
        seconds = int(meta.get("timeout", "0"))
        made = {
            **self._world.scripts[0],
            "name": name,
            "title": request.form.get("title") or meta.get("title", ""),
            "description": request.form.get("description") or meta.get("description", ""),
            "tags": ["node"],
            "packages": {},
            "timeout": f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
            "default": False,
            "type": kind,
            "type_name": TYPE_NAMES.get(kind, "Testing script"),
            "id": number,
            "history": [{"id": number, "comment": None, "created": result_date(time.time())}],
            "resource_uri": f"{API}/scripts/{name}",
        }
        self._world.scripts.append(made)
        self._world.script_bodies[name] = text
        return json_answer(made)

    def _download(self, request: ApiRequest) -> Answer:
        return Answer(200, "application/binary", self._body(self._find(request)).encode())

    def _delete(self, request: ApiRequest) -> Answer:
        found = self._find(request)
        if found["default"]:
            raise refuse_form({"__all__": "Unable to delete default script."})
        self._world.scripts.remove(found)
        return no_content()

    def _add_tag(self, request: ApiRequest) -> Answer:
        found = self._find(request)
        found["tags"] = [*dict.fromkeys([*found["tags"], request.form.text("tag")])]
        return json_answer(found)
