"""Testing: MAAS runs hardware tests on a machine, and puts it back to what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind, abort_while
from bot.operations.plan import Plan, Target
from bot.policy import Risk

#: States in which MAAS tests; in any other it answers 400.
_TESTABLE = frozenset(
    {
        MachineStatus.READY,
        MachineStatus.ALLOCATED,
        MachineStatus.DEPLOYED,
        MachineStatus.BROKEN,
        MachineStatus.RESCUE_MODE,
        MachineStatus.FAILED_COMMISSIONING,
        MachineStatus.FAILED_TESTING,
        MachineStatus.FAILED_DEPLOYMENT,
    }
)
_STARTED = frozenset({"User starting node testing", "Testing"})


class Testing(MachineKind):
    """The kind `test`. Its options are `ids`, `enable_ssh`, `testing_scripts`, `parameters`, and `destructive`.

    The last are those of the scripts that destroy what is on the disks, as the region had it when it was asked for.
    """

    name = "test"
    verb, participle, past = "Test", "Testing", "Tested"
    may_look_done = True
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would refuse."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against)
        running = [machine for machine in machines if facts.runs_system(machine)]
        since = await facts.deployed_since(region, running)
        destructive = list(options.get("destructive") or ())
        return Plan(
            kind=self.name,
            risk=Risk.IRREVERSIBLE if destructive else Risk.DESTRUCTIVE if running else Risk.CHANGE,
            region=region.name,
            title=f"Test {facts.subject(machines)}",
            targets=facts.targets_of(machines, lambda one: facts.facts_of(one, since.get(one.system_id, ""))),
            steps=_steps(options),
            losses=_losses(running, destructive),
            warnings=tuple(await _warnings(region, machines, running)),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to test one machine."""
        await region.api.test(
            key,
            enable_ssh=bool(options.get("enable_ssh")),
            testing_scripts=list(options.get("testing_scripts") or ()),
            parameters=dict(options.get("parameters") or {}),
        )

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is being tested, or its log says since the intent that somebody started that."""
        at_it = machine is not None and machine.status is MachineStatus.TESTING
        return at_it or any(event.type in _STARTED for event in events)

    def end(self, machine: Machine) -> End | None:
        """Failed testing is a failure; what it was before, or Ready, is good."""
        if machine.status is MachineStatus.TESTING:
            return None
        return End(good=not machine.status.failed or machine.status is MachineStatus.BROKEN, label=machine.status_name)

    def aborted(self, events: Sequence[Event]) -> End | None:
        """MAAS puts an aborted machine back to what it was, which looks like success."""
        newest = max((event for event in events if event.type == "Aborted testing"), key=lambda e: e.id, default=None)
        if newest is None:
            return None
        return End(good=False, label="aborted", detail="The tests were aborted; the machine is as it was before.")

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine."""
        return facts.changed_since(machine, target)

    async def stop(self, region: RegionService, key: str) -> None:
        """Abort the tests in MAAS; a machine that has ended meanwhile is left as it is."""
        await abort_while(region, key, {MachineStatus.TESTING})


def _reason_against(machine: Machine) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status is MachineStatus.NEW:
        return "it is New; MAAS tests machines that were commissioned, and commissioning tests them, too"
    if machine.status not in _TESTABLE:
        return f"it is {machine.status_name}; MAAS tests machines that are Ready, Allocated, Deployed, Broken or failed"
    return None


def _steps(options: Mapping[str, Any]) -> tuple[str, ...]:
    scripts = options.get("testing_scripts") or ()
    return (
        "MAAS boots the machine over the network (PXE), not from its disk.",
        f"Tests: {', '.join(scripts)}." if scripts else "MAAS's default tests run.",
        "It stays on with SSH open." if options.get("enable_ssh") else "It is what it was before then, if all pass.",
    )


def _losses(running: Sequence[Machine], destructive: Sequence[str]) -> tuple[str, ...]:
    losses = [
        f"{one.name}: {facts.system_of(one)} is shut down for the tests, and booted again after them"
        for one in running[:10]
    ]
    if len(running) > 10:
        losses.append(f"and the running systems of {len(running) - 10} more machines")
    if destructive:
        verb = "destroys" if len(destructive) == 1 else "destroy"
        losses.append(f"Everything on the disks: {', '.join(destructive)} {verb} it, and it can't be brought back.")
    return tuple(losses)


async def _warnings(region: RegionService, machines: Sequence[Machine], running: Sequence[Machine]) -> list[str]:
    warnings = []
    by_hand = [machine for machine in machines if not facts.switchable(machine)]
    if by_hand:
        warnings.append(
            f"MAAS can't restart {facts.named(by_hand)} (power type manual): somebody has to, once it says Testing."
        )
    others = facts.owned_by_others(machines, await facts.own_user(region)) if running else ""
    return [*warnings, others] if others else warnings
