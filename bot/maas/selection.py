"""What a selector stands for: the machines, and the terms that mean nothing or too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.maas.models import Machine

_NUMBER = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A term that means nothing in this region, with what may have been meant."""

    term: str
    suggestions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        hint = f" Did you mean {', '.join(self.suggestions)}?" if self.suggestions else ""
        return f"Nothing here is called {self.term}.{hint}"


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A term that names several machines as if it were one."""

    term: str
    machines: tuple[Machine, ...]

    @property
    def text(self) -> str:
        names = ", ".join(f"{machine.fqdn or machine.name} (id:{machine.system_id})" for machine in self.machines)
        return f"{self.term} names {len(self.machines)} machines: {names}. Write the one that you mean as id:…"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the terms stand for.

    Attributes:
        machines: each once, sorted as people count (node-2 before node-10).
        per_term: what each term brought.
        empty: terms that are right but hold for no machine now.
        unknown: terms that mean nothing.
        ambiguous: names of several machines.
    """

    machines: tuple[Machine, ...] = ()
    per_term: Mapping[str, tuple[Machine, ...]] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    ambiguous: tuple[Ambiguous, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for every term that can't be acted on."""
        return (
            *(one.text for one in self.ambiguous),
            *(one.text for one in self.unknown),
            *(f"No machine fits {term} now." for term in self.empty),
        )


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts as people count: node-2 before node-10."""
    # Digits are compared by length and then as text: int() refuses very long ones.
    return tuple(
        (0, len(part.lstrip("0")), part.lstrip("0")) if index % 2 else (1, 0, part)
        for index, part in enumerate(_NUMBER.split(text.casefold()))
    )


def sort_machines(machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """By name as people count, then by id."""
    return tuple(sorted(machines, key=lambda machine: (natural_key(machine.name), machine.system_id)))
