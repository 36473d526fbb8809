"""Machines that failed, and machines that are in a state for longer than usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.maas.models import Machine
from bot.maas.service import RegionService
from bot.message import Mark
from bot.watches.records import Happening, Looked, Sort, Span, What
from bot.watches.sources import Glance, Source

#: Machines whose log is read to see whether they failed anew while no bot looked.
_ASKED = 100


class FailuresSource(Source):
    """Remembers which machines are failed, and since when those that MAAS is busy with are so.

    Its memory: `failed` is the state by system id; `busy` the state, since when, whether that moment was seen, and
    whether it was told that it takes too long; `event` the newest event that the fleet view had followed.
    """

    name = "failures"
    what = What.FAILURES
    of_machines = True

    async def look(self, region: RegionService, memory: Mapping[str, Any] | None, glance: Glance) -> Looked | None:
        """Go through the changes one by one, then through the machines as they are."""
        machines = region.fleet.machines()
        book = _Book(memory, known_moments=memory is not None and not glance.first)
        if memory is not None and glance.first:
            await _failed_anew(region, book, glance.now)
        for change in glance.changes:
            if change.after is not None:
                book.enter(change.after, change.at.timestamp())
        for machine in machines.values():
            book.enter(machine, glance.now)
        book.drop(set(machines))
        book.find_stuck(machines, glance)
        happenings = tuple(book.happenings) if memory is not None else ()
        return Looked(book.as_json(region.fleet.progress.last_event_id), happenings, tuple(book.spans))


class _Book:
    """The memory while a look goes on."""

    def __init__(self, memory: Mapping[str, Any] | None, *, known_moments: bool) -> None:
        self.failed: dict[str, str] = dict(memory["failed"]) if memory is not None else {}
        self.busy: dict[str, list[Any]] = {key: list(one) for key, one in memory["busy"].items()} if memory else {}
        self.event: int | None = memory["event"] if memory is not None else None
        #: A state that is there at the first look may have begun long before: it teaches nothing.
        self._known_moments = known_moments
        self.happenings: list[Happening] = []
        self.spans: list[Span] = []

    def enter(self, machine: Machine, at: float) -> None:
        """Take note of a machine in a state."""
        system_id, state = machine.system_id, machine.status_name
        entry = self.busy.get(system_id)
        if entry is not None and entry[0] != state:
            if entry[2]:
                self.spans.append(Span(entry[0], max(0.0, at - entry[1])))
            del self.busy[system_id]
        if machine.status.busy and system_id not in self.busy:
            self.busy[system_id] = [state, at, self._known_moments, False]
        if not machine.status.failed:
            self.failed.pop(system_id, None)
        elif self.failed.get(system_id) != state:
            self.failed[system_id] = state
            self.happenings.append(_failed(machine.system_id, machine.name, state, at))

    def drop(self, left: set[str]) -> None:
        """Forget machines that are no longer there."""
        for system_id in (self.failed.keys() | self.busy.keys()) - left:
            self.failed.pop(system_id, None)
            self.busy.pop(system_id, None)

    def find_stuck(self, machines: Mapping[str, Machine], glance: Glance) -> None:
        """Say once of each busy machine that it takes longer than usual."""
        for system_id, entry in self.busy.items():
            state, since, _, told = entry
            usual = glance.usual.get(state)
            # By the view's own clock: a region that does not answer must not make its machines look stuck.
            took_so_far = glance.as_of - since
            if told or usual is None or took_so_far <= usual.limit:
                continue
            entry[3] = True
            took = _minutes(took_so_far)
            middle = f"; here it usually takes {_minutes(usual.middle)}" if usual.middle is not None else ""
            text = f"{state} for {took}{middle}"
            name = machines[system_id].name
            self.happenings.append(Happening(Sort.STUCK, system_id, name, text, Mark.WARN, at=glance.now))

    def as_json(self, event: int | None) -> dict[str, Any]:
        return {"failed": self.failed, "busy": self.busy, "event": event if event is not None else self.event}


async def _failed_anew(region: RegionService, book: _Book, now: float) -> None:
    """Machines that were failed before and are so now may have been repaired and have failed again in between."""
    still = [
        system_id
        for system_id, state in book.failed.items()
        if (machine := region.fleet.get(system_id)) is not None and machine.status_name == state
    ][:_ASKED]
    if not still or book.event is None:
        return
    events = await region.api.events(id=still, after=book.event, level="DEBUG")
    again = {
        event.node
        for event in events
        if event.id > book.event
        and event.type == "Node changed status"
        and f"to '{book.failed.get(event.node)}'" in event.description
    }
    for system_id in still:
        machine = region.fleet.get(system_id)
        if system_id in again and machine is not None:
            book.happenings.append(_failed(system_id, machine.name, machine.status_name, now))


def _failed(system_id: str, name: str, state: str, at: float) -> Happening:
    return Happening(Sort.FAILED, system_id, name, state, Mark.FAIL, at=at)


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
