"""What belongs to machines: their interfaces, and the tags, pools, zones and scripts that they are given."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas.decoding import LENIENT, Bool, Int, Or, Text, Texts


@dataclass(frozen=True, slots=True, config=LENIENT)
class Named:
    """A tag, pool or zone. `definition` is that of a tag which MAAS gives by itself, "" otherwise."""

    name: str
    description: Text = ""
    definition: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class Link:
    """What one interface is linked to."""

    mode: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class Interface:
    """One network interface of a machine."""

    id: int
    name: Text = ""
    mac_address: Text = ""
    enabled: Bool = True
    links: Annotated[tuple[Link, ...], Or(())] = ()

    @property
    def usable(self) -> bool:
        """Whether a deployed system would have an address on it: only up is not enough for MAAS."""
        return any(link.mode and link.mode != "link_up" for link in self.links)


@dataclass(frozen=True, slots=True, config=LENIENT)
class Script:
    """One script. `kind` is 0 for commissioning, 2 for testing."""

    name: str
    kind: Int = Field(default=0, validation_alias="type")
    tags: Texts = ()
    destructive: Bool = False
    title: Text = ""

    @property
    def commissions(self) -> bool:
        return self.kind == 0

    @property
    def tests(self) -> bool:
        return self.kind == 2


NAMED = TypeAdapter(list[Named])
INTERFACES = TypeAdapter(list[Interface])
SCRIPTS = TypeAdapter(list[Script])
