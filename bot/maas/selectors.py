"""From what people type to machines: names, system ids, globs, `tag:x`, `status:new`.

The fleet view answers; the region is not asked.

Several terms are a union, commas split, `+` joins terms that must all hold: `tag:gpu+status:ready
node-3,node-4`.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.maas.models import Machine, MachineStatus
from bot.maas.selection import Ambiguous, Selection, Unknown, sort_machines

#: Longer terms are no names of anything.
_LONGEST = 253
_SUGGESTIONS = 3
#: Terms for which suggestions are looked for; more unknown ones than that are a paste of something else.
_SUGGESTED_TERMS = 5

_KEYED = re.compile(r"([A-Za-z_]+)[:=](.*)", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")
_BLANKS = re.compile(r"[\s_-]+")


def select(machines: Mapping[str, Machine], terms: Iterable[str]) -> Selection:
    """The machines that any of `terms` stands for."""
    return _Resolver(machines).union(_pieces(terms, ","))


def filter_machines(machines: Mapping[str, Machine], terms: Iterable[str]) -> Selection:
    """The machines for which all of `terms` hold; commas are alternatives: `status:new,ready`.

    Without terms: all machines.
    """
    resolver = _Resolver(machines)
    left = set(machines)
    per_term: dict[str, tuple[Machine, ...]] = {}
    empty: list[str] = []
    unknown: list[Unknown] = []
    for term in terms:
        found = resolver.union(_with_key(_pieces([term], ",")), several=True)
        left &= {machine.system_id for machine in found.machines}
        per_term[term] = found.machines
        unknown += found.unknown
        empty += found.empty
    kept = sort_machines(machines[system_id] for system_id in left)
    return Selection(kept, per_term, tuple(empty), tuple(unknown))


def _pieces(terms: Iterable[str], separator: str) -> list[str]:
    """`terms` split at `separator`, except inside quotes; without empty pieces, each once."""
    pieces: list[str] = []
    for term in terms:
        piece, quote = "", ""
        for character in term:
            if quote:
                quote = "" if character == quote else quote
            elif character in "\"'" and (not piece or piece[-1] in ":="):
                quote = character
            if character == separator and not quote:
                pieces.append(piece)
                piece = ""
            else:
                piece += character
        pieces.append(piece)
    return list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))


def _with_key(pieces: Sequence[str]) -> list[str]:
    """`status:new,ready` means `status:new,status:ready` where terms narrow a list."""
    keyed: list[str] = []
    key = ""
    for piece in pieces:
        found = _KEYED.fullmatch(piece)
        key = f"{found.group(1)}:" if found else key
        keyed.append(piece if found or not key else key + piece)
    return keyed


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def _words(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().casefold()


class _Resolver:
    """Finds machines by term. Built for one question: it indexes the view as it is now."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self._machines = machines
        self._names: dict[str, list[Machine]] = {}
        for machine in machines.values():
            for name in {machine.hostname.casefold(), machine.fqdn.casefold()} - {""}:
                self._names.setdefault(name, []).append(machine)
        self._suggested = 0
        self._values: dict[str, Callable[[Machine], Iterable[str]]] = {
            "tag": lambda machine: machine.tags,
            "pool": lambda machine: (machine.pool,),
            "zone": lambda machine: (machine.zone,),
            "domain": lambda machine: (machine.domain,),
            "owner": lambda machine: (machine.owner,),
            "arch": lambda machine: (machine.architecture, machine.architecture.partition("/")[0]),
            "power": lambda machine: (machine.power_state, machine.power_type),
            "mac": lambda machine: (machine.boot_mac,),
        }
        self._aliases = {
            "tags": "tag",
            "architecture": "arch",
            "hostname": "name",
            "system_id": "id",
            "host": "name",
        }

    def union(self, terms: Sequence[str], *, several: bool = False) -> Selection:
        """All machines of all terms. `several`: a name that two machines share means both."""
        chosen: dict[str, Machine] = {}
        per_term: dict[str, tuple[Machine, ...]] = {}
        empty: list[str] = []
        unknown: list[Unknown] = []
        ambiguous: list[Ambiguous] = []
        for term in terms:
            parts = [self._resolve(part) for part in _pieces([term], "+")]
            wrong = [part for part in parts if isinstance(part, Unknown)]
            doubtful = [part for part in parts if isinstance(part, Ambiguous)]
            if wrong or (doubtful and not several):
                unknown += wrong
                ambiguous += doubtful
                continue
            sets = [
                part.machines if isinstance(part, Ambiguous) else part
                for part in parts
                if not isinstance(part, Unknown)
            ]
            ids = set.intersection(*({machine.system_id for machine in one} for one in sets)) if sets else set()
            per_term[term] = sort_machines(self._machines[system_id] for system_id in ids)
            chosen.update((machine.system_id, machine) for machine in per_term[term])
            if not ids:
                empty.append(term)
        return Selection(sort_machines(chosen.values()), per_term, tuple(empty), tuple(unknown), tuple(ambiguous))

    def _resolve(self, term: str) -> Sequence[Machine] | Unknown | Ambiguous:
        if len(term) > _LONGEST:
            return Unknown(term[:40] + "…")
        keyed = _KEYED.fullmatch(term)
        if keyed is None:
            return self._by_name(_unquoted(term))
        key, value = keyed.group(1).casefold(), _unquoted(keyed.group(2))
        key = self._aliases.get(key, key)
        if key == "status":
            return self._by_status(value)
        if key == "id":
            machine = self._machines.get(value)
            return [machine] if machine is not None else self._unknown(term, self._machines)
        if key == "name":
            return self._by_name(value, ids=False)
        if key in self._values:
            return self._by_value(key, value)
        return self._unknown(term, [f"{name}:" for name in (*self._values, "status", "id", "name")])

    def _by_name(self, name: str, *, ids: bool = True) -> Sequence[Machine] | Unknown | Ambiguous:
        if _GLOB.search(name):
            pattern = re.compile(fnmatch.translate(name.casefold()))
            found = {
                machine.system_id: machine
                for one, machines in self._names.items()
                if pattern.match(one)
                for machine in machines
            }
            return list(found.values()) or self._unknown(name, self._names)
        named = {machine.system_id: machine for machine in self._names.get(name.casefold(), [])}
        if ids and (by_id := self._machines.get(name)) is not None:
            named[name] = by_id
        if len(named) > 1:
            return Ambiguous(name, sort_machines(named.values()))
        return list(named.values()) or self._unknown(name, self._names)

    def _by_status(self, value: str) -> Sequence[Machine] | Unknown:
        wanted = _words(value)
        if wanted in {"failed", "busy"}:
            return [machine for machine in self._machines.values() if getattr(machine.status, wanted)]
        found = [
            machine
            for machine in self._machines.values()
            if wanted in {_words(machine.status_name), _words(machine.status.name)}
        ]
        known = {_words(status.name) for status in MachineStatus if status is not MachineStatus.UNKNOWN}
        known |= {_words(machine.status_name) for machine in self._machines.values()} - {""}
        if found or wanted in known:
            return found
        known |= {"failed", "busy"}
        return self._unknown(f"status:{value}", [f"status:{one.replace(' ', '-')}" for one in sorted(known)])

    def _by_value(self, key: str, value: str) -> Sequence[Machine] | Unknown:
        values = self._values[key]
        wanted = value.casefold()
        pattern = re.compile(fnmatch.translate(wanted)) if _GLOB.search(wanted) else None
        found = [
            machine
            for machine in self._machines.values()
            if any(
                pattern.match(one.casefold()) if pattern else one.casefold() == wanted for one in values(machine) if one
            )
        ]
        if found:
            return found
        known = sorted({one for machine in self._machines.values() for one in values(machine) if one})
        return self._unknown(f"{key}:{value}", [f"{key}:{one}" for one in known])

    def _unknown(self, term: str, known: Iterable[str]) -> Unknown:
        self._suggested += 1
        if self._suggested > _SUGGESTED_TERMS:
            return Unknown(term)
        by_folded = {one.casefold(): one for one in known}
        close = difflib.get_close_matches(term.casefold(), by_folded, n=_SUGGESTIONS, cutoff=0.6)
        return Unknown(term, tuple(by_folded[one] for one in close))
