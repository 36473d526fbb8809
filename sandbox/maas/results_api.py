"""nodes/ID/results/: script results."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse, text_answer
from sandbox.maas.context import Context
from sandbox.maas.machine import Machine
from sandbox.maas.request import ApiRequest
from sandbox.maas.results import TYPES, ScriptSet
from sandbox.maas.routing import Route

KINDS = {
    "commissioning": 0, "installation": 1, "testing": 2, "0": 0, "1": 1, "2": 2,
    "commission": 0, "install": 1, "test": 2,
}  # fmt: skip


class ResultsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        one = "nodes/{system_id}/results/{id}/"
        yield Route("nodes/{system_id}/results/", "GET", None, self._list)
        yield Route(one, "GET", None, self._read)
        yield Route(one, "GET", "download", self._download)
        yield Route(one, "DELETE", None, self._delete, admin=True)

    def _machine(self, request: ApiRequest) -> Machine:
        machine = self._world.machines.get(request.parts["system_id"])
        if machine is None:
            raise Refusal(text_answer(self._context.missing("Node"), 404, BARE_TEXT))
        return machine

    def _list(self, request: ApiRequest) -> Answer:
        sets = self._world.sets_of(self._machine(request))
        kinds = [k for value in request.query.all("type") for k in value.split(",")]
        if bad := [k for k in kinds if k.lower() not in KINDS]:
            raise refuse(400, f'Unknown type "{bad[0]}"')
        if kinds:
            wanted = {KINDS[k.lower()] for k in kinds}
            sets = [s for s in sets if s.kind in wanted]
        return json_answer([self._shown(s, request) for s in sorted(sets, key=lambda s: (s.kind, -s.id))])

    def _shown(self, found: ScriptSet, request: ApiRequest) -> dict[str, object]:
        row = found.as_json(request.query.flag("include_output"))
        names = [n for value in request.query.all("filters") for n in value.split(",")]
        if names:
            row["results"] = [r for r in row["results"] if r["name"] in names or str(r["id"]) in names]
        return row

    def _find(self, request: ApiRequest) -> ScriptSet:
        machine = self._machine(request)
        sets = {s.id: s for s in self._world.sets_of(machine)}
        name = request.parts["id"]
        current = {
            "current-commissioning": machine.commissioning_set,
            "current-testing": machine.testing_set,
            "current-installation": machine.installation_set,
        }
        number = current.get(name)
        if number is None and not name.isdigit():
            raise refuse(
                400,
                f'Unknown id "{name}" must be current-commissioning, current-testing, current-installation,'
                " or the id number of a specific result.",
            )
        found = sets.get(int(name) if number is None else number)
        if found is None:
            raise Refusal(text_answer(self._context.missing("ScriptSet"), 404, BARE_TEXT))
        return found

    def _read(self, request: ApiRequest) -> Answer:
        return json_answer(self._shown(self._find(request), request))

    def _delete(self, request: ApiRequest) -> Answer:
        found = self._find(request)
        machine = self._machine(request)
        if found.id in (machine.commissioning_set, machine.testing_set, machine.installation_set):
            what = TYPES[found.kind].lower()
            raise refuse(400, f"Unable to delete the current {what} script set for node: {machine.fqdn}")
        del self._world.script_sets[found.id]
        return no_content()

    def _download(self, request: ApiRequest) -> Answer:
        names = [n for value in request.query.all("filters") for n in value.split(",")]
        which = request.query.get("output", "combined")
        parts = []
        for result in self._find(request).results:
            if names and result.name not in names and str(result.id) not in names:
                continue
            text = {"stdout": result.stdout, "stderr": result.stderr}.get(which, result.output)
            if names:
                parts.append(text)
            else:
                parts.append(f" {result.name} ".center(80, "-") + f"\n{text}\n")
        return Answer(200, "application/binary", "".join(parts).encode())
