"""events/?op=query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import urlencode

from sandbox.maas.answers import Answer, json_answer, refuse
from sandbox.maas.context import Context
from sandbox.maas.events import LEVELS, Event
from sandbox.maas.machine import Machine
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route
from sandbox.maas.users import API

MOST = 1000
DEFAULT_LIMIT = 100


class EventsApi:
    def __init__(self, context: Context) -> None:
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        yield Route("events/", "GET", "query", self._query)

    def _query(self, request: ApiRequest) -> Answer:
        query = request.query
        limit = _number(query, "limit")
        limit = DEFAULT_LIMIT if limit is None else limit
        if limit > MOST:
            raise refuse(400, f"Requested number of events {limit} is greater than limit: {MOST}")
        before, after = _number(query, "before"), _number(query, "after")
        if before is not None and after is not None:
            raise refuse(400, "There is undetermined behaviour when both `after` and `before` are specified.")
        level = query.get("level", "INFO")
        if level not in LEVELS:
            raise refuse(400, f"Unrecognised log level: {level}")
        events = list(islice(self._matching(query, level, before, after), limit))
        if after is not None:
            events.reverse()  # the oldest after `after`, but newest first in the page
        base = [(k, v) for k, v in query.pairs if k not in ("before", "after")]
        return json_answer(
            {
                "count": len(events),
                "events": [e.as_json() for e in events],
                "next_uri": _uri(base, "after", events[0].id if events else _next_of(before, after)),
                "prev_uri": _prev(base, events, after),
            }
        )

    def _matching(self, query: Form, level: str, before: int | None, after: int | None) -> Iterator[Event]:
        log = self._world.events
        nodes = self._nodes(query)
        owners = set(query.all("owner"))
        least = LEVELS[level]
        for event in log.newest_first() if after is None else log.after(after):
            if before is not None and event.id >= before:
                continue
            if (event.level == "AUDIT") != (level == "AUDIT") or LEVELS[event.level] < least:
                continue
            if nodes is not None and event.node not in nodes:
                continue
            if owners and event.username not in owners:
                continue
            yield event

    def _nodes(self, query: Form) -> set[str] | None:
        """Ids of the nodes that the filters leave; None without such a filter."""
        found: set[str] | None = None
        for name in ("id", "hostname", "mac_address", "zone", "agent_name", "domain"):
            values = set(query.all(name))
            if not values:
                continue
            fitting = {m.system_id for m in self._world.machines.values() if _has(m, name, values)}
            world = self._world
            if (name, world.rack_id) in {(name, v) for v in values if name == "id"} or (
                name == "hostname" and world.region_hostname in values
            ):
                fitting.add(world.rack_id)
            found = fitting if found is None else found & fitting
        return found


def _has(machine: Machine, name: str, values: set[str]) -> bool:
    if name == "mac_address":
        return bool({v.lower() for v in values} & set(machine.macs))
    field = {"id": machine.system_id, "domain": "maas"}.get(name) or getattr(machine, name)
    return field in values


def _number(query: Form, name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise refuse(400, f"Invalid {name}: Please enter an integer value") from None


def _next_of(before: int | None, after: int | None) -> int | None:
    return after if after is not None else (None if before is None else before - 1)


def _prev(base: list[tuple[str, str]], events: list[Event], after: int | None) -> str | None:
    if events:
        return _uri(base, "before", events[-1].id)
    return None if after is None else _uri(base, "before", after + 1)


def _uri(base: list[tuple[str, str]], name: str, value: int | None) -> str:
    pairs = base if value is None else [*base, (name, str(value))]
    return f"{API}/events/?{urlencode(pairs)}"
