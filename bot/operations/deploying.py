"""Deploying: MAAS installs an operating system on a machine, or runs one from its memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from bot.maas.errors import BadRequest, MaasError, NotFound
from bot.maas.images import ImageName
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import image_readiness as readiness
from bot.operations import images
from bot.operations import machine_facts as facts
from bot.operations.images import Wanted
from bot.operations.kinds import End, MachineKind, abort_while
from bot.operations.plan import LeftOut, Plan, Target
from bot.policy import Risk

_STARTED = frozenset({"User starting deployment", "Deploying"})
#: Machines whose interfaces are read at one time, before they are deployed.
_READS = 6


class Deploying(MachineKind):
    """The kind `deploy`. Its options are `ids`, `osystem`, `series`, `kernel`, `in_memory`, `when_ready`, `comment`.

    cloud-init's data is sealed as `cloud_init`; the option `cloud_init_is` is what may be told of it.

    The plan fills in what the person left open, as MAAS's settings have it: it is asked for in so many words, so that
    a setting changed meanwhile does not change what was agreed to.
    """

    name = "deploy"
    verb, participle, past = "Deploy", "Deploying", "Deployed"
    looks_first = True
    user = ""

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with the user who gets the machines."""
        del target
        made = copy(self)
        made.user = str(options.get("user") or "")
        return made

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each machine anew, at its network and at the images, and leave out those that MAAS would refuse."""
        wanted = await _wanted(region, options)
        user = await facts.own_user(region)
        machines, left_out = await facts.sort_out(region, list(options["ids"]), lambda one: _reason_against(one, user))
        machines, unknown = await _with_image(region, machines, wanted)
        machines, unlinked = await _with_network(region, machines)
        needed = await readiness.deploy_images(region, machines, wanted.osystem, wanted.series)
        able, without, lacking = await readiness.without_image(region, machines, needed)
        if options.get("when_ready"):
            able, without = machines, []
        machines = able
        resolved = {
            **options,
            "user": user,
            "osystem": wanted.osystem,
            "series": wanted.series,
            "kernel": wanted.kernel,
        }
        system = wanted.name + (f" ({wanted.kernel})" if wanted.kernel else "")
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Deploy {wanted.name} to {facts.subject(machines)}",
            targets=facts.targets_of(machines, lambda one: _facts(one, system, options)),
            steps=_steps(system, options),
            losses=_losses(machines, options),
            warnings=(*(f"Not ready yet: {one}." for one in lacking if machines), *_warnings(region, machines)),
            left_out=(*left_out, *unknown, *unlinked, *without),
            options=resolved,
        )

    async def held_up(self, region: RegionService, key: str, options: Mapping[str, Any]) -> str:
        """With `when_ready` the image that is deployed is waited for."""
        machine = region.fleet.get(key)
        if not options.get("when_ready") or machine is None:
            return ""
        needed = await readiness.deploy_images(region, [machine], str(options["osystem"]), str(options["series"]))
        return await readiness.waits_for(region, needed)

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Ask MAAS to deploy one machine."""
        try:
            await region.api.deploy(
                key,
                osystem=str(options["osystem"]),
                distro_series=str(options["series"]),
                hwe_kernel=str(options.get("kernel") or ""),
                user_data=options.get("cloud_init"),
                ephemeral=bool(options.get("in_memory")),
                comment=str(options.get("comment") or ""),
            )
        except BadRequest as error:
            if "is unavailable" not in error.problem.lower():
                raise
            # MAAS's whole answer both when no rack is connected and when none of them has the image.
            remedy = "No rack controller is connected, or it does not have the image yet: see /maas status."
            raise BadRequest(error.problem, remedy, endpoint=error.endpoint) from None

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is being deployed, or its log says since the intent that somebody started that."""
        at_it = machine is not None and machine.status is MachineStatus.DEPLOYING
        return at_it or any(event.type in _STARTED for event in events)

    def end(self, machine: Machine) -> End | None:
        """Deployed is good; any other end is not."""
        if machine.status is MachineStatus.DEPLOYING:
            return None
        label = machine.status_name
        if machine.status is MachineStatus.DEPLOYED:
            addresses = ", ".join(machine.ip_addresses)
            return End(good=True, label=label, detail=f"{facts.system_of(machine)} {addresses}".strip())
        if machine.status is MachineStatus.FAILED_DEPLOYMENT:
            return End(good=False, label=label)
        if machine.status is MachineStatus.ALLOCATED:
            return End(good=False, label=label, detail="The deployment was aborted; the machine is Allocated.")
        return End(good=False, label=label, detail=f"Somebody changed it meanwhile: it is {label} now.")

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or another system on it is another machine; that MAAS has allocated it to us already is not.

        A region that has no time for the power allocates a Ready machine nevertheless before it says so.
        """
        ours = machine is not None and machine.status is MachineStatus.ALLOCATED and machine.owner == self.user
        if ours and target.state == "Ready" and machine is not None and not machine.locked:
            return ""
        return facts.changed_since(machine, target)

    async def stop(self, region: RegionService, key: str) -> None:
        """Abort the deployment in MAAS; a machine that has ended meanwhile is left as it is."""
        await abort_while(region, key, {MachineStatus.DEPLOYING})


async def _wanted(region: RegionService, options: Mapping[str, Any]) -> Wanted:
    """What is to be installed, with MAAS's own settings for what was left open. Raises MaasError."""
    series, osystem = str(options.get("series") or ""), str(options.get("osystem") or "")
    if "/" in series:
        osystem, _, series = series.partition("/")
    if not osystem:
        osystem = str(await region.api.get_config("default_osystem") or "ubuntu")
    if not series:
        series = str(await region.api.get_config("default_distro_series") or "")
    return Wanted(osystem, series.partition("/")[2] or series, str(options.get("kernel") or ""))


def _reason_against(machine: Machine, user: str) -> str | None:
    if machine.locked:
        return "it is locked; unlock it first"
    if machine.status is MachineStatus.NEW or machine.status is MachineStatus.FAILED_COMMISSIONING:
        return f"it is {machine.status_name}; commission it first, MAAS does not know its hardware"
    if machine.status is MachineStatus.ALLOCATED and machine.owner and user and machine.owner != user:
        return f"it is Allocated to {machine.owner}"
    if machine.status not in {MachineStatus.READY, MachineStatus.ALLOCATED}:
        owner = f", {machine.owner}'s" if machine.owner else ""
        held = {MachineStatus.DEPLOYED, MachineStatus.FAILED_DEPLOYMENT}
        after = "; release it first" if machine.status in held else ""
        return f"it is {machine.status_name}{owner}; MAAS deploys machines that are Ready or Allocated{after}"
    return None


async def _with_image(
    region: RegionService, machines: Sequence[Machine], wanted: Wanted
) -> tuple[list[Machine], list[LeftOut]]:
    """Those for whose architecture the region has such an image and kernel, and the others."""
    if not machines:
        return [], []
    architectures = {machine.system_id: machine.architecture.partition("/")[0] for machine in machines}
    reasons = await images.unknown(region.api, wanted, list(architectures.values()))
    names = [ImageName(wanted.osystem, wanted.series, architecture) for architecture in reasons]
    for name in await readiness.expected(region, names):
        del reasons[name.arch]  # it comes with the next import: how far that is, is told, and can be waited for
    kept = [machine for machine in machines if architectures[machine.system_id] not in reasons]
    left_out = [
        LeftOut(machine.name, reasons[architectures[machine.system_id]])
        for machine in machines
        if architectures[machine.system_id] in reasons
    ]
    return kept, left_out


async def _with_network(region: RegionService, machines: Sequence[Machine]) -> tuple[list[Machine], list[LeftOut]]:
    """Those with an interface that is linked to a subnet, as MAAS wants it, and the others."""
    slots = asyncio.Semaphore(_READS)

    async def reason(machine: Machine) -> str:
        async with slots:
            try:
                interfaces = await region.api.interfaces(machine.system_id)
            except NotFound:
                return "it is not in MAAS"
        if any(one.usable for one in interfaces):
            return ""
        return "none of its network interfaces is linked to a subnet; MAAS deploys no machine without a network"

    reasons = await asyncio.gather(*(reason(machine) for machine in machines))
    kept = [machine for machine, why in zip(machines, reasons, strict=True) if not why]
    left_out = [LeftOut(machine.name, why) for machine, why in zip(machines, reasons, strict=True) if why]
    return kept, left_out


def _facts(machine: Machine, system: str, options: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "owner": machine.owner or "nobody",
        "deployed": facts.system_of(machine),
        "gets": system,
        "power": machine.power_type or "none",
        "pool": machine.pool or "none",
        "zone": machine.zone or "none",
        "tags": ", ".join(sorted(machine.tags)) or "none",
    }
    if options.get("cloud_init_is"):
        found["cloud-init"] = str(options["cloud_init_is"])
    return found


def _steps(system: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    comment = [f"Comment in MAAS's log: {options['comment']}"] if options.get("comment") else []
    data = [f"cloud-init gets {options['cloud_init_is']}."] if options.get("cloud_init_is") else []
    if options.get("in_memory"):
        how = f"It boots over the network (PXE) and runs {system} from memory; what it writes is gone when it is off."
    else:
        how = f"It boots over the network (PXE), {system} is installed on its disks, and it boots from them."
    waiting = ["It waits until the image is there."] if options.get("when_ready") else []
    return (
        *waiting,
        "MAAS gives the machine to the bot's own user, if nobody has it, and switches it on.",
        how,
        *data,
        "It is Deployed when that system has reported to MAAS that it runs.",
        *comment,
    )


def _losses(machines: Sequence[Machine], options: Mapping[str, Any]) -> tuple[str, ...]:
    if options.get("in_memory") or not machines:
        return ()
    whose = "its disks" if len(machines) == 1 else "their disks"
    return (f"What a former owner left on {whose} is overwritten.",)


def _warnings(region: RegionService, machines: Sequence[Machine]) -> list[str]:
    warnings = []
    racks = region.watcher.snapshot.racks.value
    if racks is not None and not any(rack.connected for rack in racks):
        warnings.append("No rack controller is connected: machines can't be switched on or booted before one is.")
    by_hand = [machine for machine in machines if not facts.switchable(machine)]
    if by_hand:
        warnings.append(
            f"MAAS can't switch {facts.named(by_hand)} on (power type manual): somebody has to, once it says Deploying."
        )
    return warnings


async def newer_than(region: RegionService, release: tuple[int, ...]) -> bool:
    """Whether the region runs this release of MAAS or a later one; False when it does not say."""
    try:
        return (await region.api.version()).release >= release
    except MaasError:
        return False
