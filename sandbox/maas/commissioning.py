"""Commissioning and testing, script by script."""

from __future__ import annotations

import time
from typing import Any

from sandbox.maas import machine as states
from sandbox.maas import script_output
from sandbox.maas.faults import Faults
from sandbox.maas.hardware import PROFILES, Disk
from sandbox.maas.machine import (
    ABORTED,
    FAILED,
    PASSED,
    PENDING,
    RUNNING,
    SCRIPT_STATUS,
    TIMED_OUT,
    Machine,
)
from sandbox.maas.power import Power, change_status
from sandbox.maas.results import COMMISSIONING_SET, TESTING_SET, ScriptResult, ScriptSet
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

BOOT = (4.0, 8.0)
MANUAL_BOOT = (8.0, 15.0)
SCRIPT = (0.6, 1.9)
TEST = (4.0, 7.0)


class Commissioning:
    """Runs the script sets of machines through timers; a failed script fails its run at the end."""

    def __init__(self, world: World, timers: Timers, faults: Faults, power: Power) -> None:
        self._world = world
        self._timers = timers
        self._faults = faults
        self._power = power
        timers.register("booted", self._booted)
        timers.register("run-script", self._run)
        timers.register("end-script", self._end)
        timers.register("operation-timeout", self._timeout)

    def prepare(self, machine: Machine, commissioning: list[str], testing: list[str]) -> None:
        """Makes the pending script sets of a commissioning run."""
        made = self._world.new_set(machine, COMMISSIONING_SET, commissioning)
        machine.commissioning_set, machine.commissioning_status = made.id, PENDING
        self.prepare_tests(machine, testing)

    def prepare_tests(self, machine: Machine, testing: list[str]) -> None:
        if not testing:
            machine.testing_set, machine.testing_status = None, -1
            return
        disks = tested_disks(machine)
        names = [n for n in testing for _ in (disks if self._is_storage(n) else [""])]
        made = self._world.new_set(machine, TESTING_SET, names)
        machine.testing_set, machine.testing_status = made.id, PENDING
        for name in set(testing):
            results = [r for r in made.results if r.name == name]
            for result, disk in zip(results, disks, strict=False):
                if self._is_storage(name):
                    result.parameters = _storage_parameter(disk)

    def _is_storage(self, name: str) -> bool:
        script = self._world.script(name)
        return script is not None and "storage" in script["parameters"]

    def wait_for_boot(self, machine: Machine) -> None:
        """Called when the power is on (or, without a BMC, when somebody is asked to press the button)."""
        minutes = float(self._world.settings.get("node_timeout") or 30)
        if machine.manners.never_boots:
            self._timers.after(
                minutes * 60, "operation-timeout", machine.system_id, machine.status, key=machine.system_id
            )
            return
        span = BOOT if machine.has_bmc else MANUAL_BOOT
        self._timers.after(self._power.jitter(*span), "booted", machine.system_id, key=machine.system_id)

    def abort_sets(self, machine: Machine) -> None:
        """Marks what has not ended as aborted."""
        for number in (machine.commissioning_set, machine.testing_set):
            found = self._world.script_sets.get(number) if number is not None else None
            for result in found.results if found else []:
                if result.status in (PENDING, RUNNING):
                    result.status = ABORTED

    def _booted(self, system_id: str) -> None:
        machine = self._world.machines.get(system_id)
        if machine is None:
            return
        number = machine.commissioning_set if machine.status == states.COMMISSIONING else machine.testing_set
        if number is not None:
            self._run(system_id, number, 0)

    def _run(self, system_id: str, number: int, index: int) -> None:
        found, machine = self._world.script_sets.get(number), self._world.machines.get(system_id)
        if found is None or machine is None:
            return
        if index >= len(found.results):
            self._finish(machine, found)
            return
        result = found.results[index]
        result.status, result.started = RUNNING, time.time()
        if found.kind == COMMISSIONING_SET:
            machine.commissioning_status = RUNNING
            self._script_event(machine, found, result, PENDING)
        else:
            machine.testing_status = RUNNING
            self._world.node_event(machine, "INFO", "Running test", _label(found, result))
        span = SCRIPT if found.kind == COMMISSIONING_SET else TEST
        self._timers.after(self._power.jitter(*span), "end-script", system_id, number, index, key=system_id)

    def _end(self, system_id: str, number: int, index: int) -> None:
        found, machine = self._world.script_sets.get(number), self._world.machines.get(system_id)
        if found is None or machine is None:
            return
        result = found.results[index]
        result.ended = time.time()
        if self._fails(machine, found, result):
            result.status = FAILED
            result.exit_status = machine.manners.fail_exit_status or 1
            result.stderr = machine.manners.fail_stderr or script_output.failure_tail(result.name)
        else:
            result.status, result.exit_status = PASSED, 0
            result.stdout = script_output.passed_output(result.name, machine.hostname)
        if result.status == PASSED and result.name in (
            "50-maas-01-commissioning",
            "20-maas-03-machine-resources",
        ):
            machine.hardware = machine.found
        self._script_event(machine, found, result, RUNNING)
        if result.status == FAILED:
            self._world.node_event(machine, "INFO", "Script", f"{_label(found, result)} failed")
        self._run(system_id, number, index + 1)

    def _fails(self, machine: Machine, found: ScriptSet, result: ScriptResult) -> bool:
        ids = (machine.system_id, machine.hostname)
        if found.kind == TESTING_SET:
            return machine.manners.fail_test == result.name or (
                self._faults.take_machine("testing-fails", *ids) is not None
            )
        if machine.manners.fail_script == result.name:
            return True
        fault = self._faults.peek("commissioning-fails")
        return (
            fault is not None
            and fault.script == result.name
            and self._faults.take_machine("commissioning-fails", *ids) is not None
        )

    def _finish(self, machine: Machine, found: ScriptSet) -> None:
        failed = any(r.status == FAILED for r in found.results)
        if found.kind == COMMISSIONING_SET:
            machine.commissioning_status = FAILED if failed else PASSED
            if failed:
                self._settle(machine, states.FAILED_COMMISSIONING, "Failed commissioning")
                return
            self._configure(machine)
            if machine.testing_set is not None:
                machine.return_to = states.READY
                change_status(self._world, machine, states.TESTING)
                self._run(machine.system_id, machine.testing_set, 0)
                return
            machine.ever_passed = True
            self._settle(machine, states.READY, "Ready")
            return
        machine.testing_status = FAILED if failed else PASSED
        if failed:
            self._settle(machine, states.FAILED_TESTING, "Failed testing")
            return
        machine.ever_passed = True
        back = machine.return_to
        if back in (states.DEPLOYED, states.ALLOCATED, states.BROKEN):
            self._settle(machine, back, "")
            return
        self._settle(machine, states.READY, "Ready")

    def _configure(self, machine: Machine) -> None:
        machine.hardware = machine.found
        if machine.subnet is None:
            subnets = self._world.network.subnets
            served = [s for s in subnets.values() if self._world.network.vlans[s.vlan].dhcp_on]
            chosen = served or list(subnets.values())
            machine.subnet = chosen[-1].id if chosen else None

    def _settle(self, machine: Machine, status: int, event: str) -> None:
        if event:
            self._world.node_event(machine, "INFO", event)
        if status in (states.READY, states.FAILED_COMMISSIONING, states.FAILED_TESTING):
            machine.owner = None
        change_status(self._world, machine, status)
        if machine.has_bmc and not machine.enable_ssh and status != states.DEPLOYED:
            # the machine shuts itself down; the region notices with its next query
            self._timers.after(
                self._power.jitter(4, 8), "power-done", machine.system_id, "off", "", key=machine.system_id
            )

    def _timeout(self, system_id: str, status: int) -> None:
        machine = self._world.machines.get(system_id)
        if machine is None or machine.status != status:
            return
        minutes = self._world.settings.get("node_timeout") or 30
        for number in (machine.commissioning_set, machine.testing_set):
            found = self._world.script_sets.get(number) if number is not None else None
            for result in found.results if found else []:
                if result.status in (PENDING, RUNNING):
                    result.status = TIMED_OUT
        failed = {
            states.COMMISSIONING: states.FAILED_COMMISSIONING,
            states.TESTING: states.FAILED_TESTING,
            states.DEPLOYING: states.FAILED_DEPLOYMENT,
        }[status]
        text = f"Node operation '{machine.status_name}' timed out after {minutes} minutes."
        self._world.node_event(machine, "ERROR", "Marking node failed", text)
        if failed == states.FAILED_COMMISSIONING:
            machine.commissioning_status = TIMED_OUT
        change_status(self._world, machine, failed)

    def _script_event(self, machine: Machine, found: ScriptSet, result: ScriptResult, before: int) -> None:
        self._world.node_event(
            machine,
            "DEBUG",
            "Script result",
            f"{_label(found, result)} changed status from '{SCRIPT_STATUS[before]}' to"
            f" '{SCRIPT_STATUS[result.status]}'",
        )


def _label(found: ScriptSet, result: ScriptResult) -> str:
    disk = result.parameters.get("storage", {}).get("value", {}).get("name")
    return f"{result.name} on {disk}" if found.kind == TESTING_SET and disk else result.name


def tested_disks(machine: Machine) -> list[Disk]:
    """The disks that a storage test runs on; one test result each."""
    return list(PROFILES[machine.hardware or machine.found].disks)


def _storage_parameter(disk: Disk) -> dict[str, Any]:
    value = {
        "id": 1,
        "name": disk.name,
        "model": disk.model,
        "serial": disk.serial,
        "id_path": f"/dev/disk/by-id/ata-{disk.serial}",
    }
    return {"storage": {"type": "storage", "value": value, "argument_format": "{path}"}}
