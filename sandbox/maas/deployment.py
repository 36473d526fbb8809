"""Deploying and releasing, step by step."""

from __future__ import annotations

import time

from sandbox.maas import machine as states
from sandbox.maas import script_output
from sandbox.maas.answers import refuse
from sandbox.maas.commissioning import Commissioning
from sandbox.maas.machine import FAILED, PASSED, Machine
from sandbox.maas.network import free_address
from sandbox.maas.power import Power, change_status
from sandbox.maas.results import INSTALLATION_SET
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

STEPS = (
    ("Performing PXE boot", (3.0, 5.0)),
    ("Loading ephemeral", (4.0, 6.0)),
    ("Configuring storage", (2.0, 4.0)),
    ("Installing OS", (12.0, 18.0)),
    ("Configuring OS", (3.0, 5.0)),
    ("Rebooting", (5.0, 8.0)),
)
ERASING = (8.0, 14.0)
RELEASABLE = {
    states.ALLOCATED,
    states.DEPLOYED,
    states.DEPLOYING,
    states.FAILED_DEPLOYMENT,
    states.FAILED_RELEASING,
    states.FAILED_DISK_ERASING,
    states.BROKEN,
}


class Deployment:
    def __init__(self, world: World, timers: Timers, power: Power, commissioning: Commissioning) -> None:
        self._world = world
        self._timers = timers
        self._power = power
        self._commissioning = commissioning
        timers.register("deploy-powered", self._powered)
        timers.register("deploy-step", self._step)
        timers.register("released", self._released)
        timers.register("erase-powered", self._erase_powered)
        timers.register("erased", self._erased)

    def begin(self, machine: Machine, os: str, series: str, kernel: str) -> None:
        machine.osystem, machine.distro_series, machine.hwe_kernel = os, series, kernel or None
        made = self._world.new_set(machine, INSTALLATION_SET, ["/tmp/install.log"])
        machine.installation_set = made.id
        change_status(self._world, machine, states.DEPLOYING)
        self._world.node_event(machine, "INFO", "Deploying")
        if machine.has_bmc:
            self._power.turn(machine, "on", "deploy-powered")
        else:
            self._timers.after(self._power.jitter(8, 15), "deploy-powered", machine.system_id, key=machine.system_id)

    def release(self, machine: Machine, *, erase: bool) -> None:
        if machine.status in (states.READY, states.RELEASING):
            return
        if erase and machine.status != states.BROKEN:
            change_status(self._world, machine, states.DISK_ERASING)
            if machine.has_bmc:
                self._power.turn(machine, "on", "erase-powered")
            else:
                self._erase_powered(machine.system_id)
            return
        self._let_go(machine)

    def check_releasable(self, machine: Machine) -> None:
        if machine.status not in RELEASABLE | {states.READY, states.RELEASING}:
            raise refuse(409, f"Machine cannot be released in its current state ('{machine.status_name}').")

    def forget(self, machine: Machine) -> None:
        """What a release clears."""
        machine.owner = None
        machine.osystem = machine.distro_series = ""
        machine.hwe_kernel = None
        machine.installation_set = None
        machine.ip = None
        machine.netboot = True
        machine.owner_data = {}
        machine.workload_annotations = {}
        machine.enable_hw_sync = machine.ephemeral_deploy = False
        machine.agent_name = ""

    def _let_go(self, machine: Machine) -> None:
        change_status(self._world, machine, states.RELEASING)
        self._world.node_event(machine, "INFO", "Releasing")
        if machine.has_bmc and machine.power_state == "on" and self._power.rack_reaches(machine):
            self._power.turn(machine, "off", "released")
        else:
            self._released(machine.system_id)

    def _released(self, system_id: str) -> None:
        machine = self._world.machines[system_id]
        self.forget(machine)
        back = states.READY if self._world.old or machine.ever_passed else states.NEW
        change_status(self._world, machine, back)
        self._world.node_event(machine, "INFO", "Released")

    def _erase_powered(self, system_id: str) -> None:
        self._timers.after(self._power.jitter(*ERASING), "erased", system_id, key=system_id)

    def _erased(self, system_id: str) -> None:
        self._let_go(self._world.machines[system_id])

    def _powered(self, system_id: str) -> None:
        machine = self._world.machines[system_id]
        if machine.manners.never_boots:
            self._commissioning.wait_for_boot(machine)
            return
        self._step(system_id, 0)

    def _step(self, system_id: str, index: int) -> None:
        machine = self._world.machines[system_id]
        if index >= len(STEPS):
            self._installed(machine)
            return
        name, span = STEPS[index]
        if name == "Installing OS":
            self._give_address(machine)
            if machine.manners.fail_deploy:
                self._fail(machine)
                return
        self._world.node_event(machine, "INFO", name)
        self._timers.after(self._power.jitter(*span), "deploy-step", system_id, index + 1, key=system_id)

    def _give_address(self, machine: Machine) -> None:
        subnet = None if machine.subnet is None else self._world.network.subnets.get(machine.subnet)
        if subnet is not None and machine.ip is None:
            network = self._world.network
            taken = {m.ip for m in self._world.machines.values() if m.ip} | {r.ip for r in network.reserved.values()}
            kept = network.reserved_for(machine.macs, subnet.id)
            machine.ip = kept or free_address(subnet, taken, list(network.ranges.values()))

    def _installed(self, machine: Machine) -> None:
        self._log_install(machine, PASSED, "curtin: Installation finished.\n")
        machine.netboot = False
        if machine.has_bmc:
            machine.power_state = "on"
        change_status(self._world, machine, states.DEPLOYED)
        self._world.node_event(machine, "INFO", "Deployed")

    def _fail(self, machine: Machine) -> None:
        self._log_install(machine, FAILED, machine.manners.fail_stderr or script_output.DEPLOY_LOG)
        text = "Installation failed (refer to the installation log for more information)."
        self._world.node_event(machine, "ERROR", "Marking node failed", text)
        change_status(self._world, machine, states.FAILED_DEPLOYMENT)

    def _log_install(self, machine: Machine, status: int, output: str) -> None:
        if machine.installation_set is None:
            return
        for result in self._world.script_sets[machine.installation_set].results:
            result.status, result.exit_status = status, 0 if status == PASSED else 3
            result.started, result.ended = time.time() - 20, time.time()
            result.stdout = output
