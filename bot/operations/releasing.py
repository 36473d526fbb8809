"""Releasing: a machine is taken from its owner, erased if asked for, switched off, and Ready (or New) again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.errors import BadRequest, Conflict, NotFound
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import Plan, Target
from bot.policy import Risk

# maasserver/enum.py, RELEASABLE_STATUSES; anything else is answered 409.
_RELEASABLE = frozenset(
    {
        MachineStatus.ALLOCATED,
        MachineStatus.RESERVED,
        MachineStatus.BROKEN,
        MachineStatus.DEPLOYING,
        MachineStatus.DEPLOYED,
        MachineStatus.FAILED_DEPLOYMENT,
        MachineStatus.FAILED_RELEASING,
        MachineStatus.FAILED_DISK_ERASING,
    }
)
_UNDER_WAY = frozenset({MachineStatus.RELEASING, MachineStatus.DISK_ERASING})
_FREE = frozenset({MachineStatus.READY, MachineStatus.NEW})
#: "User erasing disk" is logged instead of "User releasing node" when the disks are erased first.
_ORDERED = frozenset({"User releasing node", "User erasing disk", "Releasing"})
_RELEASED = "Released"

#: How disks are erased, by what is asked of the drives and what is done to those that can't do it.
_KEPT, _ZEROS = "kept", "overwritten with zeros"
_SECURE, _QUICK = "secure erase, else zeros", "quick erase"
_SECURE_QUICK = "secure erase, else quick"
_MODES = {(False, False): _ZEROS, (True, False): _SECURE, (False, True): _QUICK, (True, True): _SECURE_QUICK}
_HOW = {
    _ZEROS: "each disk is overwritten with zeros, which can take hours",
    _SECURE: "by the drives' own secure erase, and disks without one are overwritten with zeros, which can take hours",
    _QUICK: "the first and the last 2 MiB of each disk; the rest can still be read with the right tools",
    _SECURE_QUICK: "by the drives' own secure erase, and of disks without one the first and the last 2 MiB",
}


class Releasing(MachineKind):
    """The kind `release`. Its options are `ids`, `erase`, `secure_erase`, `quick_erase`, `comment`.

    The plan adds `disks`: what becomes of them, as MAAS's own settings have it where the person left it open. It is
    asked for in so many words, so that a setting changed meanwhile does not change what was approved.
    """

    name = "release"
    verb, participle, past = "Release", "Releasing", "Released"
    by_events = True
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew and leave out those that MAAS would refuse, or that are free already."""
        machines, left_out = await facts.sort_out(region, list(options["ids"]), _reason_against)
        since = await facts.deployed_since(region, machines)
        disks = await _disks(region, options)

        def facts_of(machine: Machine) -> dict[str, str]:
            return {**facts.facts_of(machine, since.get(machine.system_id, "")), "disks": disks}

        return Plan(
            kind=self.name,
            # Erased is erased: MAAS can't tell whether a disk holds anything, so every erasing release counts as if.
            risk=Risk.DESTRUCTIVE if disks == _KEPT else Risk.IRREVERSIBLE,
            region=region.name,
            title=_title(machines, disks),
            targets=facts.targets_of(machines, facts_of),
            steps=_steps(disks, str(options.get("comment") or "")),
            losses=_losses(machines, disks),
            warnings=tuple(await _warnings(region, machines, disks)),
            left_out=tuple(left_out),
            options={**options, "disks": disks},
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to release one machine."""
        disks = options.get("disks", _KEPT)
        comment = str(options.get("comment") or "")
        if disks == _KEPT:
            await region.api.release(key, comment=comment)
            return
        secure, quick = next(mode for mode, name in _MODES.items() if name == disks)
        await region.api.release(key, comment=comment, erase=True, secure_erase=secure, quick_erase=quick)

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """The machine is being released, or its log says since the intent that somebody ordered it."""
        at_it = machine is not None and machine.status in _UNDER_WAY
        return at_it or any(event.type in _ORDERED for event in events)

    def end(self, machine: Machine) -> End | None:
        """Ready or New is good. Any other state is one that lags, unless it is a failure."""
        label = machine.status_name
        if machine.status is MachineStatus.READY:
            return End(good=True, label=label)
        if machine.status is MachineStatus.NEW:
            return End(good=True, label=label, detail="New and not Ready: it never passed commissioning")
        if machine.status is MachineStatus.FAILED_DISK_ERASING:
            said = machine.error_description or machine.status_message or "MAAS does not say why"
            detail = f"The disks were not erased, or only in part ({said}). It is still {machine.owner or 'nobody'}'s."
            return End(good=False, label=label, detail=detail)
        if machine.status is MachineStatus.FAILED_RELEASING:
            said = machine.error_description or machine.status_message or "MAAS does not say why"
            return End(good=False, label=label, detail=f"MAAS could not finish it: {said}")
        return None

    def outcome(self, machine: Machine, events: Sequence[Event]) -> End | None:
        """As `end`; and a machine that was released and taken by somebody else at once was released."""
        released = any(event.type == _RELEASED for event in events)
        if released and machine.status not in _UNDER_WAY | _FREE:
            taken = f"it is {machine.status_name} again" + (f", owned by {machine.owner}" if machine.owner else "")
            return End(good=True, label=_RELEASED, detail=f"Released; {taken} by now")
        ended = self.end(machine)
        if ended is not None and not ended.good and not self.taken(None, events):
            return None  # the failure of an earlier release, read before this one showed
        return ended

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine."""
        return facts.changed_since(machine, target)

    async def stop(self, region: RegionService, key: str) -> None:
        """Abort the erasing of disks. A release itself can't be stopped: MAAS has let go of the machine already."""
        try:
            machine = await region.api.machine(key)
            if machine.status is MachineStatus.DISK_ERASING:
                await region.api.abort(key, comment="cancelled from Slack")
        except (NotFound, Conflict):
            return


def _reason_against(machine: Machine) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status in _FREE and not (machine.status is MachineStatus.READY and machine.owner):
        return f"it is {machine.status_name}: there is nothing to release"
    if machine.status is MachineStatus.READY:
        # A power action that MAAS refused while commissioning began leaves its asker as the owner of a Ready machine,
        # and a release of a Ready machine does nothing. Commissioning sets it right.
        return f"it is Ready, though {machine.owner} is still its owner; MAAS releases no Ready machine, commission it"
    if machine.status in _UNDER_WAY:
        return f"it is {machine.status_name}: it is being released already"
    if machine.status not in _RELEASABLE:
        return (
            f"it is {machine.status_name}; MAAS releases machines that are Allocated, Deployed, Deploying or Broken, "
            "and those that failed to deploy or to be released"
        )
    return None


def _title(machines: Sequence[Machine], disks: str) -> str:
    whose = "its" if len(machines) == 1 else "their"
    return f"Release {facts.subject(machines)}" + ("" if disks == _KEPT else f" and erase {whose} disks")


async def _disks(region: RegionService, options: Mapping[str, Any]) -> str:
    """What becomes of the disks, from the options and, where they leave it open, from MAAS's own settings."""
    secure, quick = bool(options.get("secure_erase")), bool(options.get("quick_erase"))
    erase = bool(options.get("erase")) or secure or quick
    if not erase and not await _setting(region, "enable_disk_erasing_on_release"):
        return _KEPT
    if not secure and not quick:
        secure = await _setting(region, "disk_erase_with_secure_erase")
        quick = await _setting(region, "disk_erase_with_quick_erase")
    return _MODES[secure, quick]


async def _setting(region: RegionService, name: str) -> bool:
    try:
        return bool(await region.api.get_config(name))
    except BadRequest:  # a version of MAAS without this setting
        return False


def _steps(disks: str, comment: str) -> tuple[str, ...]:
    steps = []
    if disks != _KEPT:
        steps.append(f"MAAS boots the machine over the network and erases its disks: {_HOW[disks]}.")
    steps.append("MAAS takes it from its owner and switches it off.")
    steps.append("It is Ready for others then; New if it never passed commissioning.")
    if comment:
        steps.append(f"Comment in MAAS's log: {comment}")
    return tuple(steps)


def _losses(machines: Sequence[Machine], disks: str) -> tuple[str, ...]:
    deployed = [machine for machine in machines if machine.osystem]
    losses = [f"{one.name}: {facts.system_of(one)} stops running and leaves MAAS's records" for one in deployed[:10]]
    if len(deployed) > 10:
        losses.append(f"and the systems of {len(deployed) - 10} more machines")
    if disks == _KEPT:
        losses.append("What is on the disks stays on the disks, not erased: the next owner could read it.")
    elif disks in {_QUICK, _SECURE_QUICK}:
        some = "the disks" if disks == _QUICK else "disks without a secure erase"
        losses.append(f"Everything on the disks can no longer be used, though {some} are not erased in full.")
    else:
        losses.append("Everything on the disks is erased and can't be brought back.")
    return tuple(losses)


async def _warnings(region: RegionService, machines: Sequence[Machine], disks: str) -> list[str]:
    warnings = []
    by_hand = [machine for machine in machines if not facts.switchable(machine)]
    if by_hand:
        name = facts.named(by_hand)
        if disks == _KEPT:
            warnings.append(f"MAAS can't switch {name} off (power type manual): it keeps running until somebody does.")
        else:
            warnings.append(
                f"MAAS can't restart {name} for the erasing (power type manual): somebody has to, once it says Disk "
                "erasing, and has to switch it off at the end."
            )
    busy = [machine for machine in machines if machine.status is MachineStatus.DEPLOYING]
    if busy:
        warnings.append(f"{facts.named(busy)}: a deployment is under way, and is broken off.")
    trouble = [machine for machine in machines if machine.power_state == "error" and facts.switchable(machine)]
    if trouble:
        warnings.append(f"MAAS has trouble with the BMC of {facts.named(trouble)}; the release may stop half-way.")
    others = facts.owned_by_others(machines, await facts.own_user(region))
    return [*warnings, others] if others else warnings
