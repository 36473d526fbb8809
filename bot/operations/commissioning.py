"""Commissioning: MAAS boots a machine over the network, takes stock of its hardware, and tests it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.errors import BadRequest
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import image_readiness as readiness
from bot.operations.kinds import End, MachineKind, abort_while
from bot.operations.machine_facts import facts_of, sort_out, subject, targets_of
from bot.operations.plan import Plan
from bot.policy import Risk

#: States in which MAAS refuses to commission; the others it may take, and if it does not, its own words are shown.
_REFUSED = frozenset(
    {
        MachineStatus.COMMISSIONING,
        MachineStatus.TESTING,
        MachineStatus.ALLOCATED,
        MachineStatus.DEPLOYED,
        MachineStatus.DEPLOYING,
        MachineStatus.RELEASING,
        MachineStatus.DISK_ERASING,
        MachineStatus.RESCUE_MODE,
        MachineStatus.ENTERING_RESCUE_MODE,
        MachineStatus.EXITING_RESCUE_MODE,
        MachineStatus.RETIRED,
    }
)
_UNDER_WAY = frozenset({MachineStatus.COMMISSIONING, MachineStatus.TESTING})
_ABORTED = frozenset({"Aborted commissioning", "Aborted testing"})
_STARTED = frozenset({"User starting node commissioning", "Commissioning"})


class Commissioning(MachineKind):
    """The kind `commission`. Its options are `ids`, and MAAS's own under MAAS's names."""

    name = "commission"
    verb, participle, past = "Commission", "Commissioning", "Commissioned"
    may_look_done = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would refuse."""
        machines, left_out = await sort_out(region, options["ids"], _reason_against)
        needed = await readiness.commissioning_images(region, machines)
        able, without, lacking = await readiness.without_image(region, machines, needed)
        if not options.get("when_ready"):
            machines, left_out, lacking = able, [*left_out, *without], []
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Commission {subject(machines)}",
            targets=targets_of(machines, facts_of),
            steps=_steps(options),
            warnings=(*_rack_warning(region), *(f"It waits first: {one}." for one in lacking), *_warnings(machines)),
            left_out=tuple(left_out),
            options=dict(options),
        )

    async def held_up(self, region: RegionService, key: str, options: Mapping[str, Any]) -> str:
        """With `when_ready` the image that the machine boots is waited for."""
        machine = region.fleet.get(key)
        if not options.get("when_ready") or machine is None:
            return ""
        return await readiness.waits_for(region, await readiness.commissioning_images(region, [machine]))

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to commission one machine."""
        try:
            await self._commission(region, key, options)
        except BadRequest as error:
            if "ephemeral operating system" not in error.problem.lower():
                raise
            # MAAS's whole answer both when no rack is connected and when the image is missing.
            remedy = "No rack controller is connected, or the image that it boots was not imported: see /maas status."
            raise BadRequest(error.problem, remedy, endpoint=error.endpoint) from None

    async def _commission(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        tests = options.get("testing_scripts")
        await region.api.commission(
            key,
            enable_ssh=bool(options.get("enable_ssh")),
            skip_bmc_config=bool(options.get("skip_bmc_config")),
            skip_networking=bool(options.get("skip_networking")),
            skip_storage=bool(options.get("skip_storage")),
            commissioning_scripts=options.get("commissioning_scripts") or (),
            testing_scripts=[] if tests == ["none"] else tests or None,
            parameters=dict(options.get("parameters") or {}),
        )

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """The machine is at it, or its log says since the intent that somebody started it."""
        at_it = machine is not None and machine.status is MachineStatus.COMMISSIONING
        return at_it or any(event.type in _STARTED for event in events)

    def end(self, machine: Machine) -> End | None:
        """Ready is good; a failure is one; any other state means that somebody else took a hand."""
        if machine.status in _UNDER_WAY:
            return None
        label = machine.status_name
        if machine.status is MachineStatus.READY:
            return End(good=True, label=label)
        if machine.status is MachineStatus.NEW:
            return End(good=False, label=label, detail="Commissioning was aborted; the machine is New again.")
        if machine.status.failed:
            return End(good=False, label=label)
        return End(good=False, label=label, detail=f"Somebody changed it meanwhile: it is {label} now.")

    def aborted(self, events: Sequence[Event]) -> End | None:
        """MAAS puts a machine that was Ready before back to Ready when its commissioning is aborted."""
        telling = [event for event in events if event.type in {*_ABORTED, "Ready"}]
        newest = max(telling, key=lambda event: event.id, default=None)
        if newest is None or newest.type == "Ready":
            return None
        return End(good=False, label="Ready", detail="Commissioning was aborted; the machine is Ready, as before.")

    async def stop(self, region: RegionService, key: str) -> None:
        """Abort commissioning in MAAS; a machine that has ended meanwhile is left as it is."""
        await abort_while(region, key, _UNDER_WAY)


def _reason_against(machine: Machine) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status in _REFUSED:
        owner = f" by {machine.owner}" if machine.owner and machine.status is not MachineStatus.COMMISSIONING else ""
        return f"it is {machine.status_name}{owner}; MAAS commissions machines that are New, Ready, failed or Broken"
    return None


def _steps(options: Mapping[str, Any]) -> tuple[str, ...]:
    tests = options.get("testing_scripts")
    after = "no hardware tests" if tests == ["none"] else f"tests: {', '.join(tests)}" if tests else "the default tests"
    waiting = ["It waits until the image that the machine boots is there."] if options.get("when_ready") else []
    steps = [
        *waiting,
        "MAAS powers the machine on; it boots over the network (PXE), not from its disk.",
        f"Commissioning scripts take stock of the hardware, then {after}.",
        "The machine stays on with SSH open." if options.get("enable_ssh") else "MAAS powers it off at the end.",
    ]
    skipped = [name for name in ("skip_bmc_config", "skip_networking", "skip_storage") if options.get(name)]
    if skipped:
        kept = {"skip_bmc_config": "BMC", "skip_networking": "network", "skip_storage": "storage"}
        steps.append(f"Kept as configured: {', '.join(kept[name] for name in skipped)}.")
    return tuple(steps)


def _rack_warning(region: RegionService) -> list[str]:
    racks = region.watcher.snapshot.racks.value
    if racks is None or any(rack.connected for rack in racks):
        return []
    return ["No rack controller is connected: machines can't be switched on or booted before one is."]


def _warnings(machines: Sequence[Machine]) -> list[str]:
    warnings = []
    manual = [machine.name for machine in machines if machine.power_type in {"", "manual"}]
    if manual:
        some = ", ".join(manual[:5]) + ("…" if len(manual) > 5 else "")
        warnings.append(
            f"MAAS can't switch {some} on (power type manual): somebody has to, once it says Commissioning."
        )
    on = [machine.name for machine in machines if machine.power_state == "on" and machine.status is MachineStatus.READY]
    if on:
        warnings.append(f"{', '.join(on[:5])}{'…' if len(on) > 5 else ''}: powered on now, and will be restarted.")
    return warnings
