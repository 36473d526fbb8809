"""Power: what the rack controller does with a BMC, how long it takes, and how it fails."""

from __future__ import annotations

import asyncio

from sandbox.maas import machine as states
from sandbox.maas.answers import refuse
from sandbox.maas.faults import Faults
from sandbox.maas.machine import Machine
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

LAG = (4.0, 8.0)
"""Seconds until the BMC acted and the machine's power state says so."""

QUERY_TIMEOUT = 60.0
SLOW_QUERY = 40.0
WRONG_PASSWORD = "Incorrect password.  Check BMC configuration and try again."
TIMED_OUT = "Connection timed out.  Check BMC configuration or connectivity and try again."


class Power:
    """`on_powered` of the life cycle is called by name through timers: "powered"."""

    def __init__(self, world: World, timers: Timers, faults: Faults) -> None:
        self._world = world
        self._timers = timers
        self._faults = faults
        timers.register("power-done", self._done)
        timers.register("power-failed", self._failed)

    def jitter(self, low: float, high: float) -> float:
        return self._world.rng.uniform(low, high)

    def rack_reaches(self, machine: Machine) -> bool:
        return self._world.rack_alive and not self._faults.is_active("dead-rack") and machine.manners.bmc != "no-rack"

    def need_rack(self, machine: Machine) -> None:
        """Refuses with the 503 of a region without a rack controller for this BMC."""
        if not self.rack_reaches(machine):
            raise refuse(503, f"No rack controllers can access the BMC of node {machine.hostname}")

    def need_idle(self, machine: Machine, state: str) -> None:
        """Refuses with the 503 of a power action while another one runs."""
        if machine.system_id in self._world.power_busy:
            raise refuse(
                503,
                f"Unable to change power state to '{state}' for node {machine.hostname}: another action is"
                " already in progress for that node.",
            )

    def turn(self, machine: Machine, state: str, then: str = "") -> None:
        """Starts turning the power on or off; `then` is the timer action called when it is done."""
        self._world.power_busy.add(machine.system_id)
        self._world.node_event(machine, "INFO", "Powering on" if state == "on" else "Powering off")
        trouble = self.trouble(machine)
        if trouble:
            seconds = QUERY_TIMEOUT if trouble == TIMED_OUT else self.jitter(0.5, 1.5)
            self._timers.after(seconds, "power-failed", machine.system_id, state, trouble, key=machine.system_id)
            return
        self._timers.after(self.jitter(*LAG), "power-done", machine.system_id, state, then, key=machine.system_id)

    def trouble(self, machine: Machine) -> str:
        """Why the BMC does not obey; "" if it does."""
        ids = (machine.system_id, machine.hostname)
        if machine.manners.bmc == "wrong-password" or self._faults.take_machine("bmc-password", *ids):
            return WRONG_PASSWORD
        if machine.manners.bmc == "timeout" or self._faults.take_machine("bmc-timeout", *ids):
            return TIMED_OUT
        return ""

    async def query(self, machine: Machine) -> str:
        """The state that the BMC reports: on, off, unknown or error; takes as long as a real one.

        Raises:
            Refusal: 503 without a rack, 504 of a BMC that times out.
        """
        if not machine.has_bmc:
            return "unknown"
        self.need_rack(machine)
        trouble = self.trouble(machine)
        if trouble == TIMED_OUT:
            await asyncio.sleep(QUERY_TIMEOUT / self._timers.speed)
            raise refuse(
                504,
                "Unexpected exception: TimeoutError. See /var/log/maas/regiond.log on the region server for"
                " more information.",
            )
        if trouble:
            machine.power_state = "error"
            self._world.node_event(machine, "WARNING", "Failed to query node's BMC", trouble)
            return "error"
        if machine.manners.bmc == "slow":
            await asyncio.sleep(SLOW_QUERY / self._timers.speed)
        if machine.power_state not in ("on", "off"):
            # a BMC that obeys again tells the truth, and the region takes it over; nothing here ran meanwhile
            machine.power_state = "off"
        return machine.power_state

    def _done(self, system_id: str, state: str, then: str) -> None:
        self._world.power_busy.discard(system_id)
        machine = self._world.machines.get(system_id)
        if machine is None:
            return
        if machine.has_bmc:
            machine.power_state = state
        self._world.node_event(machine, "DEBUG", f"Node powered {state}")
        if then:
            self._timers.after(0, then, system_id, key=system_id)

    def _failed(self, system_id: str, state: str, trouble: str) -> None:
        self._world.power_busy.discard(system_id)
        machine = self._world.machines.get(system_id)
        if machine is None:
            return
        problem = (
            "Could not authenticate to node's BMC" if trouble == WRONG_PASSWORD else "Could not contact node's BMC"
        )
        text = f"Power {state} for the node failed: {problem}: {trouble}"
        machine.power_state = "error"
        failed = {
            states.COMMISSIONING: states.FAILED_COMMISSIONING,
            states.TESTING: states.FAILED_TESTING,
            states.DEPLOYING: states.FAILED_DEPLOYMENT,
            states.RELEASING: states.FAILED_RELEASING,
            states.DISK_ERASING: states.FAILED_DISK_ERASING,
        }.get(machine.status)
        if failed is not None:
            self._world.node_event(machine, "ERROR", "Marking node failed", text)
            self._timers.cancel(system_id)
            change_status(self._world, machine, failed)
        self._world.node_event(machine, "ERROR", f"Failed to power {state} node", text)


def change_status(world: World, machine: Machine, status: int, note: str = "") -> None:
    """Sets the status and logs the change at DEBUG level, as the region does for every change."""
    if machine.status == status:
        return
    before = machine.status_name
    machine.previous_status, machine.status = machine.status, status
    world.node_event(machine, "DEBUG", "Node changed status", f"From '{before}' to '{machine.status_name}'{note}")
