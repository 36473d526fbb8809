"""One operation of each kind, with all that a test needs to watch it: a row for every kind that the bot knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.demo import World
from tests.kinds.steps import effects, machine


def nothing(world: World) -> None:
    """Leave the world as it is."""
    del world


def off(world: World) -> None:
    """node-11 is off."""
    machine(world, "node-11").power_state = "off"


@dataclass(frozen=True)
class Order:
    """The words that ask for it, what it does to the world, and how its thread ends.

    `counts` says how often each effect happened at the stand-in; for work on machines it is left out, and `name` tells
    the machine. `options` are those of the plan that tell which steps there are. `speed` is that of the world.
    """

    words: str
    effects: Mapping[str, int]
    end: tuple[str, ...]
    name: str = "node-1"
    prepare: Callable[[World], None] = nothing
    counts: Callable[[World], Mapping[str, int]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    speed: float = 40.0


#: By the kind's name. A kind without a row fails a test: add one here.
ORDERS: dict[str, Order] = {
    "commission": Order("commission node-3", {"commission": 1}, ("Commissioned node-3", "(1 Ready)"), "node-3"),
    "release": Order("release node-1", {"release": 1}, ("Released node-1", "(1 Ready)")),
    "delete": Order("delete node-3", {"delete": 1}, ("Deleted node-3", "(1 Deleted)"), "node-3"),
    "power-on": Order("power on node-11", {"power_on": 1}, ("Powered on node-11", "(1 on)"), "node-11", off),
    "power-off": Order("power off node-1", {"power_off": 1}, ("Powered off node-1", "(1 off)")),
    "power-cycle": Order("power cycle node-1", {"power_off": 1, "power_on": 1}, ("Power cycled node-1", "(1 on)")),
}


def counted(world: World, order: Order, system_id: str) -> dict[str, int]:
    """How often each effect of this order happened."""
    found = effects(world, system_id) if order.counts is None else order.counts(world)
    return {name: count for name, count in found.items() if count}
