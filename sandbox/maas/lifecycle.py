"""What people order of a machine: checks the state as the region does, changes it, and starts the work."""

from __future__ import annotations

from sandbox.maas import machine as states
from sandbox.maas.answers import BARE_JSON, forbidden, refuse, refuse_form
from sandbox.maas.commission_options import CommissionOptions
from sandbox.maas.commissioning import Commissioning
from sandbox.maas.deployment import Deployment
from sandbox.maas.machine import Machine
from sandbox.maas.power import Power, change_status
from sandbox.maas.timers import Timers
from sandbox.maas.users import User
from sandbox.maas.world import World

COMMISSIONABLE = {states.NEW, states.FAILED_COMMISSIONING, states.READY, states.BROKEN, states.FAILED_TESTING}
TESTABLE = {
    states.READY,
    states.ALLOCATED,
    states.DEPLOYED,
    states.BROKEN,
    states.FAILED_COMMISSIONING,
    states.FAILED_DEPLOYMENT,
    states.FAILED_TESTING,
    states.RESCUE_MODE,
}


class LifeCycle:
    """Every method is one order; it raises Refusal with MAAS's own words if the region would refuse it."""

    def __init__(
        self, world: World, timers: Timers, power: Power, commissioning: Commissioning, deployment: Deployment
    ) -> None:
        self._world = world
        self._timers = timers
        self._power = power
        self._commissioning = commissioning
        self._deployment = deployment
        timers.register("commission-powered", self._commission_powered)
        timers.register("aborted", self._aborted)

    def need_unlocked(self, machine: Machine) -> None:
        if machine.locked:
            raise forbidden()

    def _stop_work(self, machine: Machine) -> None:
        self._timers.cancel(machine.system_id)
        self._world.power_busy.discard(machine.system_id)

    def _count(self, op: str, machine: Machine) -> None:
        self._world.effects[(op, machine.system_id)] += 1

    def commission(self, machine: Machine, user: User, options: CommissionOptions) -> None:
        self.need_unlocked(machine)
        if machine.status not in COMMISSIONABLE:
            raise refuse_form({"__all__": "Commission is not available because of the current state of the node."})
        options.check(self._world)
        if machine.has_bmc and not self._power.rack_reaches(machine):
            raise refuse(400, f"Ephemeral operating system {self._ephemeral()} is unavailable.")
        if machine.has_bmc and machine.system_id in self._world.power_busy:
            machine.owner = user.username  # MAAS leaves it behind
            self._power.need_idle(machine, "on")
        self._count("commission", machine)
        self._stop_work(machine)
        machine.owner, machine.enable_ssh = user.username, options.enable_ssh
        machine.return_to = states.READY if machine.status == states.READY else states.NEW
        self._commissioning.prepare(machine, options.commissioning(self._world), options.testing())
        self._world.log_order(machine, "User starting node commissioning", user)
        self._world.node_event(machine, "INFO", "Commissioning")
        change_status(self._world, machine, states.COMMISSIONING)
        self._power_up(machine)

    def test(self, machine: Machine, user: User, scripts: list[str] | None, enable_ssh: bool) -> None:
        self.need_unlocked(machine)
        if machine.status not in TESTABLE:
            raise refuse_form({"__all__": "Test is not available because of the current state of the node."})
        CommissionOptions(testing_scripts=scripts).check(self._world)
        self._power.need_idle(machine, "on")
        self._count("test", machine)
        self._stop_work(machine)
        machine.owner, machine.enable_ssh = machine.owner or user.username, enable_ssh
        machine.return_to = machine.status
        self._commissioning.prepare_tests(machine, scripts or ["smartctl-validate"])
        self._world.log_order(machine, "User starting node testing", user)
        self._world.node_event(machine, "INFO", "Testing")
        change_status(self._world, machine, states.TESTING)
        self._power_up(machine)

    def abort(self, machine: Machine, user: User, comment: str) -> None:
        names = {
            states.COMMISSIONING: ("node commissioning", "Aborted commissioning"),
            states.TESTING: ("node testing", "Aborted testing"),
            states.DEPLOYING: ("deployment", "Aborted deployment"),
            states.DISK_ERASING: ("disk erasing", "Aborted disk erasing"),
        }
        if machine.status not in names:
            raise refuse(
                409,
                f"Cannot abort in current state: node {machine.system_id} is in state {machine.status_name}.",
            )
        self._count("abort", machine)
        what, event = names[machine.status]
        self._stop_work(machine)
        self._world.log_order(machine, f"User aborting {what}", user, comment)
        self._world.node_event(machine, "INFO", event)
        target = {
            states.COMMISSIONING: machine.return_to,
            states.TESTING: machine.return_to,
            states.DEPLOYING: states.ALLOCATED,
            states.DISK_ERASING: states.FAILED_DISK_ERASING,
        }[machine.status]
        self._commissioning.abort_sets(machine)
        if machine.status == states.COMMISSIONING:
            machine.owner = None
        # the answer shows the machine before the change: the state follows when the power is off
        self._timers.after(self._power.jitter(0.5, 1.5), "aborted", machine.system_id, target, key=machine.system_id)

    def deploy(self, machine: Machine, user: User, image: tuple[str, str, str], comment: str) -> None:
        """`image` is OS, release and kernel."""
        self.need_unlocked(machine)
        if machine.status == states.READY and machine.system_id in self._world.power_busy:
            machine.owner = user.username  # MAAS allocates it before it finds that its power is busy
            change_status(self._world, machine, states.ALLOCATED, f" (to {user.username})")
        self._power.need_idle(machine, "on")
        self._count("deploy", machine)
        self._stop_work(machine)
        self._world.log_order(machine, "User starting deployment", user, comment)
        if machine.status == states.READY:
            machine.owner = user.username
            change_status(self._world, machine, states.ALLOCATED, f" (to {user.username})")
        self._deployment.begin(machine, *image)

    def release(self, machine: Machine, user: User, comment: str, erase: str) -> None:
        """`erase` is how the disks are erased ("secure", "quick", "secure, quick", "zeros"), "" leaves them alone."""
        self.need_unlocked(machine)
        self._count("release", machine)
        if machine.status in (states.READY, states.RELEASING):
            return
        self._stop_work(machine)
        self._world.log_order(machine, "User erasing disk" if erase else "User releasing node", user, comment)
        machine.erased_by = erase
        self._deployment.release(machine, erase=bool(erase))

    def allocate(self, machine: Machine, user: User, comment: str) -> None:
        self._count("allocate", machine)
        machine.owner = user.username
        self._world.log_order(machine, "User acquiring node", user, comment)
        change_status(self._world, machine, states.ALLOCATED, f" (to {user.username})")

    def lock(self, machine: Machine, user: User, comment: str) -> None:
        if machine.locked:
            raise refuse(409, "Machine is already locked")
        if machine.status not in (states.DEPLOYED, states.DEPLOYING):
            raise refuse(409, "Can't lock, node is not deployed or deploying")
        self._count("lock", machine)
        self._world.log_order(machine, "User locking node", user, comment)
        machine.locked = True

    def unlock(self, machine: Machine, user: User, comment: str) -> None:
        if not machine.locked:
            raise refuse(409, "Machine is not locked")
        self._count("unlock", machine)
        self._world.log_order(machine, "User unlocking node", user, comment)
        machine.locked = False

    def mark_broken(self, machine: Machine, user: User, comment: str) -> None:
        if machine.owner != user.username:
            raise forbidden()
        self._count("mark_broken", machine)
        self._world.log_order(machine, "User marking node broken", user, comment)
        self._stop_work(machine)
        self._deployment.forget(machine)
        self._world.node_event(machine, "INFO", "Released")
        change_status(self._world, machine, states.BROKEN)

    def mark_fixed(self, machine: Machine, user: User, comment: str) -> None:
        if machine.status != states.BROKEN:
            raise refuse(409, "Can't mark a non-broken node as 'Ready'.")
        self._count("mark_fixed", machine)
        self._world.log_order(machine, "User marking node fixed", user, comment)
        change_status(self._world, machine, states.READY)

    def override_failed_testing(self, machine: Machine, user: User, comment: str) -> None:
        if machine.status != states.FAILED_TESTING:
            raise refuse(409, "Unable to override node status. Node is not in 'Failed testing' status.")
        self._count("override_failed_testing", machine)
        self._world.log_order(machine, "User overrode 'Failed testing' status", user, comment)
        change_status(self._world, machine, states.DEPLOYED if machine.osystem else states.READY)

    def power_on(self, machine: Machine, user: User, comment: str) -> None:
        if machine.owner is None:
            raise refuse(409, "Can't start node: it hasn't been allocated.")
        if machine.status == states.ALLOCATED:
            self._deploy_default(machine, user, comment)
            return
        self._power.need_idle(machine, "on")
        self._count("power_on", machine)
        self._world.log_order(machine, "User powering up node", user, comment)
        if machine.has_bmc:
            self._power.turn(machine, "on")

    def _deploy_default(self, machine: Machine, user: User, comment: str) -> None:
        """Turning on an allocated machine deploys it, and that needs a network."""
        if machine.subnet is None:
            raise refuse_form({"network": "Node must be configured to use a network"}, content_type=BARE_JSON)
        settings = self._world.settings
        image = (str(settings["default_osystem"]), str(settings["default_distro_series"]), "")
        self.deploy(machine, user, image, comment)

    def power_off(self, machine: Machine, user: User, comment: str) -> bool:
        """False for a machine without a BMC: MAAS then answers `null`."""
        self.need_unlocked(machine)
        if not machine.has_bmc:
            return False
        self._power.need_rack(machine)
        self._power.need_idle(machine, "off")
        self._count("power_off", machine)
        self._world.log_order(machine, "User powering down node", user, comment)
        self._power.turn(machine, "off")
        return True

    def delete(self, machine: Machine) -> None:
        self.need_unlocked(machine)
        self._count("delete", machine)
        self._stop_work(machine)
        del self._world.machines[machine.system_id]

    def _power_up(self, machine: Machine) -> None:
        if machine.has_bmc:
            self._power.turn(machine, "on", "commission-powered")
        else:
            self._commissioning.wait_for_boot(machine)

    def _commission_powered(self, system_id: str) -> None:
        self._commissioning.wait_for_boot(self._world.machines[system_id])

    def _aborted(self, system_id: str, target: int) -> None:
        machine = self._world.machines[system_id]
        note = f" (to {machine.owner})" if target == states.ALLOCATED else ""
        if target == states.READY:
            machine.owner = None
        if machine.status == states.COMMISSIONING:
            machine.commissioning_status = machine.testing_status = -1 if target == states.NEW else 2
        change_status(self._world, machine, target, note)
        if machine.has_bmc and machine.power_state == "on":
            self._power.turn(machine, "off")

    def _ephemeral(self) -> str:
        return f"ubuntu {self._world.settings.get('commissioning_distro_series') or 'focal'}"
