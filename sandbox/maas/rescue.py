"""Rescue mode: in and out."""

from __future__ import annotations

from sandbox.maas import machine as states
from sandbox.maas.answers import refuse
from sandbox.maas.machine import Machine
from sandbox.maas.power import Power, change_status
from sandbox.maas.timers import Timers
from sandbox.maas.users import User
from sandbox.maas.world import World

RESCUABLE = {
    states.NEW,
    states.READY,
    states.BROKEN,
    states.DEPLOYED,
    states.ALLOCATED,
    states.FAILED_COMMISSIONING,
    states.FAILED_DEPLOYMENT,
    states.FAILED_TESTING,
}
LEAVABLE = {states.RESCUE_MODE, states.ENTERING_RESCUE_MODE, states.FAILED_ENTERING_RESCUE_MODE}


class Rescue:
    def __init__(self, world: World, timers: Timers, power: Power) -> None:
        self._world = world
        self._timers = timers
        self._power = power
        timers.register("rescue-entered", self._entered)
        timers.register("rescue-left", self._left)
        timers.register("rescue-failed", self._failed)

    def enter(self, machine: Machine, user: User) -> None:
        self._need(machine, RESCUABLE, "enter")
        if machine.has_bmc:
            self._power.need_rack(machine)
            self._power.need_idle(machine, "on")
        self._world.effects[("rescue_mode", machine.system_id)] += 1
        machine.return_to = machine.status
        machine.owner = machine.owner or user.username
        self._world.log_order(machine, "User starting rescue mode", user)
        self._world.node_event(machine, "INFO", "Entering rescue mode")
        change_status(self._world, machine, states.ENTERING_RESCUE_MODE)
        if machine.has_bmc and self._power.trouble(machine):
            self._later(0.5, 1.5, "rescue-failed", machine)
        elif not machine.manners.never_boots:
            self._later(8, 12, "rescue-entered", machine)

    def leave(self, machine: Machine, user: User) -> None:
        if self._world.recent and machine.status not in LEAVABLE:
            raise refuse(409, f"Invalid transition: {machine.status_name} -> Exiting rescue mode.")
        self._need(machine, LEAVABLE, "exit")
        self._world.effects[("exit_rescue_mode", machine.system_id)] += 1
        self._timers.cancel(machine.system_id)
        self._world.log_order(machine, "User stopping rescue mode", user)
        self._world.node_event(machine, "INFO", "Exiting rescue mode")
        change_status(self._world, machine, states.EXITING_RESCUE_MODE)
        self._later(4, 8, "rescue-left", machine)

    def _need(self, machine: Machine, wanted: set[int], verb: str) -> None:
        if machine.status not in wanted:
            raise refuse(
                409,
                f"Cannot {verb} rescue mode in current state: node {machine.system_id} is in state"
                f" {machine.status_name}.",
            )

    def _later(self, low: float, high: float, action: str, machine: Machine) -> None:
        self._timers.after(self._power.jitter(low, high), action, machine.system_id, key=machine.system_id)

    def _entered(self, system_id: str) -> None:
        machine = self._world.machines[system_id]
        self._world.node_event(machine, "INFO", "Rescue mode")
        change_status(self._world, machine, states.RESCUE_MODE)
        machine.power_state = "on"

    def _failed(self, system_id: str) -> None:
        machine = self._world.machines[system_id]
        trouble = self._power.trouble(machine) or "the BMC does not obey"
        self._world.node_event(machine, "ERROR", "Failed to power on node", f"Power on for the node failed: {trouble}")
        machine.power_state = "error"
        change_status(self._world, machine, states.FAILED_ENTERING_RESCUE_MODE)

    def _left(self, system_id: str) -> None:
        machine = self._world.machines[system_id]
        self._world.node_event(machine, "INFO", "Exited rescue mode")
        if machine.return_to not in (states.DEPLOYED, states.ALLOCATED):
            machine.owner = None
        machine.power_state = "on" if machine.return_to == states.DEPLOYED else "off"
        change_status(self._world, machine, machine.return_to)
