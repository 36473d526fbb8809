"""Kinds of operations on machines: what each must know so that the runner can do it durably."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations.plan import Plan


@dataclass(frozen=True, slots=True)
class End:
    """How one machine ended: `good` or not, and in MAAS's word for the state it is in."""

    good: bool
    label: str
    detail: str = ""


class MachineKind(ABC):
    """One kind of work on machines. Methods raise MaasError; none keeps state."""

    #: The name under which operations of this kind are stored.
    name: str
    #: "Commission", "Commissioning", "Commissioned": for titles while planned, under way and done.
    verb: str
    participle: str
    past: str
    #: How many machines are worked on at once unless the options say otherwise.
    at_once = 25

    @abstractmethod
    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at the world and say what would be done. Called again at the start, with the same options."""

    @abstractmethod
    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to begin with one machine."""

    @abstractmethod
    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """Whether MAAS took the request: seen in the machine, or in its events since before the request."""

    @abstractmethod
    def end(self, machine: Machine) -> End | None:
        """How it ended, or None while it is under way."""

    def aborted(self, events: Sequence[Event]) -> End | None:
        """The end that the events since before the request tell of, where the machine's state alone looks good."""
        del events
        return None

    @abstractmethod
    async def stop(self, region: RegionService, key: str) -> None:
        """Make MAAS stop what is under way on one machine."""
