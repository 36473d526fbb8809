"""What the API handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.maas.faults import Faults
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

if TYPE_CHECKING:
    from sandbox.maas.controllers import Controllers
    from sandbox.maas.deployment import Deployment
    from sandbox.maas.image_import import ImageImport
    from sandbox.maas.lifecycle import LifeCycle
    from sandbox.maas.power import Power
    from sandbox.maas.render import MachineRenderer
    from sandbox.maas.rescue import Rescue


@dataclass
class Context:
    """`latency_per_machine` is in seconds for each machine that a list returns."""

    world: World
    timers: Timers
    faults: Faults
    power: Power
    lifecycle: LifeCycle
    deployment: Deployment
    rescue: Rescue
    imports: ImageImport
    renderer: MachineRenderer
    controllers: Controllers
    latency_per_machine: float = 0.0

    def missing(self, model: str) -> str:
        """Text of a 404: 2.9 does not name the model."""
        return "Not Found" if self.world.old else f"No {model} matches the given query."
