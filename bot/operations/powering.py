"""Power: on, off, and off and on again. MAAS answers before the BMC acts, so each is awaited in the power state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.maas.causes import power_words
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.policy import Risk

#: What MAAS is doing to a machine when its power goes, as a part of a sentence.
_BREAKS_OFF = frozenset(
    {
        MachineStatus.COMMISSIONING,
        MachineStatus.TESTING,
        MachineStatus.DEPLOYING,
        MachineStatus.DISK_ERASING,
        MachineStatus.RELEASING,
        MachineStatus.ENTERING_RESCUE_MODE,
        MachineStatus.EXITING_RESCUE_MODE,
    }
)


class _Switching(MachineKind):
    """One order to a BMC, by way of MAAS."""

    at_once = 10
    by_events = True
    look_every = 5.0
    #: MAAS gives a BMC 60 s, and a rack repeats a failed order a few times.
    patience = 150.0

    #: The power state that is wanted, and the events from which an order and its end are known.
    wanted: str
    ordered: frozenset[str]
    done: str
    failed: str

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """The log says since the intent that somebody ordered it, or the machine is as it should be already."""
        so = machine is not None and machine.power_state == self.wanted
        return so or any(event.type in self.ordered for event in events)

    def end(self, machine: Machine) -> End | None:
        """Good when MAAS has seen the power state that is wanted."""
        if not facts.switchable(machine):
            return End(good=False, label="not switched", detail="MAAS can't switch it: its power type is manual now.")
        return End(good=True, label=self.wanted) if machine.power_state == self.wanted else None

    def outcome(self, machine: Machine, events: Sequence[Event]) -> End | None:
        """What the newest event of the order says; without one, the power state."""
        telling = [event for event in events if event.type in {*self.ordered, self.done, self.failed}]
        newest = max(telling, key=lambda event: event.id, default=None)
        if newest is not None and newest.type == self.failed:
            return End(good=False, label="power error", detail=power_words(newest.description or newest.type))
        if newest is not None and newest.type == self.done:
            return End(good=True, label=self.wanted)
        return self.end(machine)

    def overdue(self, machine: Machine) -> str:
        """MAAS took the order, and its power state does not follow."""
        return (
            f"MAAS took the order, and {self.patience:g} s later it still says that {machine.name} is "
            f"{machine.power_state}. Last: {machine.status_message or 'nothing'}."
        )

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: a BMC that was told can't be told otherwise before it has acted."""


class PoweringOff(_Switching):
    """The kind `power-off`. Its only option is `ids`."""

    name = "power-off"
    verb, participle, past = "Power off", "Powering off", "Powered off"
    wanted, done, failed = "off", "Node powered off", "Failed to power off node"
    ordered = frozenset({"User powering down node", "Powering off"})
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS can't switch, or that are off already."""
        steps = (
            "MAAS tells the BMC to cut the power at once; the system is not asked to shut down.",
            "I wait until MAAS has seen it off, mostly 4 to 8 s.",
        )
        return await _plan(self, region, options, _reason_against_off, steps)

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to switch one machine off."""
        del options
        await region.api.power_off(key)

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine."""
        return facts.changed_since(machine, target)


class PoweringOn(_Switching):
    """The kind `power-on`. Its only option is `ids`."""

    name = "power-on"
    verb, participle, past = "Power on", "Powering on", "Powered on"
    wanted, done, failed = "on", "Node powered on", "Failed to power on node"
    ordered = frozenset({"User powering up node", "Powering on"})

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS does not switch on in their state."""
        steps = ("MAAS tells the BMC to switch the machine on.", "I wait until MAAS has seen it on, mostly 4 to 8 s.")
        return await _plan(self, region, options, _reason_against_on, steps)

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to switch one machine on."""
        del options
        await region.api.power_on(key)


class _OnAgain(PoweringOn):
    """The second half of a cycle."""

    preamble = "It was switched off, and not on again:"


class PowerCycling(PoweringOff):
    """The kind `power-cycle`: off, seen off, on, seen on. MAAS's API has no call that does both.

    Its only option is `ids`. What comes after "off" is never left out: not by a crash, nor when it is cancelled.
    """

    name = "power-cycle"
    verb, participle, past = "Power cycle", "Power cycling", "Power cycled"

    def phases(self) -> Sequence[MachineKind]:
        """Off first; on when it has been seen off."""
        return (self, _OnAgain())

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would not switch on again."""
        steps = (
            "MAAS tells the BMC to cut the power at once; the system is not asked to shut down.",
            "When MAAS has seen it off, the BMC is told to switch it on; the disks are not touched.",
            "I wait until MAAS has seen it on. Cancelling in between does not leave it off.",
        )
        return await _plan(self, region, options, _reason_against_cycle, steps)


async def _plan(
    kind: MachineKind,
    region: RegionService,
    options: Mapping[str, Any],
    reason_against: Callable[[Machine], str | None],
    steps: tuple[str, ...],
) -> Plan:
    machines, left_out = await facts.sort_out(region, list(options["ids"]), reason_against)
    since = await facts.deployed_since(region, machines)
    goes_off = isinstance(kind, PoweringOff)
    running = [machine for machine in machines if facts.runs_system(machine)] if goes_off else []
    losses = [
        f"{one.name}: {facts.system_of(one)} is cut off; what it has not written to disk is lost" for one in running
    ]
    if len(losses) > 10:
        losses = [*losses[:10], f"and the running systems of {len(losses) - 10} more machines"]
    warnings = _warnings_off(machines) if goes_off else []
    others = facts.owned_by_others(machines, await facts.own_user(region)) if running else ""
    return Plan(
        kind=kind.name,
        # A deployed machine is somebody's running system; the power of others is MAAS's own business.
        risk=Risk.DESTRUCTIVE if running else Risk.CHANGE,
        region=region.name,
        title=f"{kind.verb} {facts.subject(machines)}",
        targets=facts.targets_of(machines, lambda one: facts.facts_of(one, since.get(one.system_id, ""))),
        steps=steps,
        losses=tuple(losses),
        warnings=(*warnings, others) if others else tuple(warnings),
        left_out=tuple(left_out),
        options=dict(options),
    )


def _warnings_off(machines: Sequence[Machine]) -> list[str]:
    warnings = []
    for status in sorted({machine.status for machine in machines} & _BREAKS_OFF):
        busy = [machine for machine in machines if machine.status is status]
        warnings.append(f"{facts.named(busy)}: {busy[0].status_name} is under way, and fails without power.")
    unsure = [machine for machine in machines if machine.power_state not in {"on", "off"}]
    if unsure:
        warnings.append(
            f"MAAS does not know whether {facts.named(unsure)} is on ({unsure[0].power_state}); its BMC may not obey."
        )
    return warnings


def _reason_against_off(machine: Machine) -> str | None:
    reason = why_not_off(machine)
    if reason is None and machine.power_state == "off":
        return "MAAS has it as off already; power status asks its BMC"
    return reason


def _reason_against_on(machine: Machine) -> str | None:
    if machine.power_state == "on":
        return "MAAS has it as on already; power status asks its BMC"
    return why_not_on(machine)


def _reason_against_cycle(machine: Machine) -> str | None:
    if machine.power_state == "off":
        return "it is off; power on is enough"
    reason = why_not_on(machine)
    if reason is None or machine.locked or not facts.switchable(machine):
        return reason
    return f"it could not be switched on again: {reason}"


def why_not_off(machine: Machine) -> str | None:
    """Why MAAS would not switch the machine off, were it on; None: it would."""
    if not facts.switchable(machine):
        return "MAAS can't switch it (power type manual)"
    return "it is locked; unlock it first" if machine.locked else None


def why_not_on(machine: Machine) -> str | None:
    """Why MAAS would not switch the machine on, were it off, or do more than that; None: it would."""
    if (reason := why_not_off(machine)) is not None:
        return reason
    if machine.status is MachineStatus.ALLOCATED:
        return "it is Allocated, and MAAS deploys an Allocated machine that is switched on"
    if not machine.owner:
        return f"it is {machine.status_name}, and MAAS switches on no machine that nobody owns"
    return None
