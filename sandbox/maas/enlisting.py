"""A machine that nobody told MAAS of boots over the network and enlists itself, when the demo or a test wants it to."""

from __future__ import annotations

from sandbox.maas.faults import Faults
from sandbox.maas.hardware import PROFILES
from sandbox.maas.machine_form import NAMES, PETS
from sandbox.maas.timers import Timers
from sandbox.maas.world import World, mac_of

FAULT = "machine-appears"
#: Seconds from the power button to the machine's record: it boots an ephemeral system first.
BOOT = (20.0, 40.0)


class Enlisting:
    """Of an enlistment MAAS keeps no event of the machine's: it is just there when it is listed again."""

    def __init__(self, world: World, timers: Timers, faults: Faults) -> None:
        self._world = world
        self._timers = timers
        self._faults = faults
        self._wanted = False
        timers.register("enlisted", self._enlisted)
        faults.on_change(self._look)

    def _look(self) -> None:
        wanted = self._faults.is_active(FAULT)
        if wanted and not self._wanted:
            self._timers.after(self._world.rng.uniform(*BOOT), "enlisted")
        self._wanted = wanted

    def _enlisted(self) -> None:
        world, rng = self._world, self._world.rng
        taken = {machine.hostname for machine in world.machines.values()}
        free = [name for a in NAMES for b in PETS if (name := f"{a}-{b}") not in taken]
        found = rng.choice(sorted(PROFILES))
        number = rng.randrange(1 << 16, 1 << 23)
        world.add_machine(
            rng.choice(free) if free else "",
            macs=[mac_of(number + nic) for nic in range(PROFILES[found].nics)],
            found=found,
            power_type=rng.choice(("ipmi", "ipmi", "manual")),
        )
