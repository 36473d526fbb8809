"""DHCP of a VLAN: enabling it with a range and a rack, disabling it with a word on who loses an address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.addresses import parse_range
from bot.maas.models_network import AddressInUse
from bot.maas.models_region import Subnet, Vlan
from bot.maas.network_picture import NetworkPicture, read_network, subnet_name, vlan_name
from bot.maas.service import RegionService
from bot.operations.dhcp_choice import DhcpChoice, NoDhcp, choose_dhcp
from bot.operations.network_steps import DYNAMIC, LOCKS, MakeRange, SwitchDhcp, told_range
from bot.operations.plan import Plan
from bot.operations.step_plans import PlannedStep, no_administrator, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepKind
from bot.policy import Risk

#: States in which a machine has to reach its rack over the network to get on.
_ON_THE_WAY = ("Commissioning", "Testing", "Deploying", "Entering rescue mode", "Disk erasing")
#: Names in one sentence.
_NAMED = 8


def choice_options(choice: DhcpChoice) -> dict[str, Any]:
    """What a choice comes to, as options: a proposal is fixed by them, so that what was shown is what is done."""
    return {
        "subnet": choice.subnet.id,
        "range": f"{choice.range.first}-{choice.range.last}",
        "rack": choice.rack.system_id,
        "rack_name": choice.rack.hostname,
        "fabric": choice.vlan.fabric_id,
        "vid": choice.vlan.vid,
        "vlan": vlan_name(choice.vlan),
    }


def dhcp_steps(options: Mapping[str, Any]) -> tuple[MakeRange, SwitchDhcp]:
    """The two steps, the range first: MAAS switches DHCP on only where there is one."""
    switch = SwitchDhcp(
        options["fabric"], options["vid"], options["vlan"], options["rack"], options["rack_name"], on=True
    )
    return MakeRange(options["subnet"], parse_range(options["range"]), DYNAMIC, "DHCP"), switch


def planned_dhcp(choice: DhcpChoice, options: Mapping[str, Any]) -> list[PlannedStep]:
    """Those of the two steps that have something to do."""
    make, switch = dhcp_steps(options)
    planned = []
    if not choice.made:
        planned.append(PlannedStep(make, "none", told_range(choice.range)))
    if not choice.on or choice.vlan.primary_rack != choice.rack.system_id:
        today = "on, by another rack" if choice.on else "off"
        planned.append(PlannedStep(switch, today, f"on, served by {choice.rack.hostname}"))
    return planned


class DhcpEnabling(StepKind):
    """The kind `dhcp-enable`. Its options are those of `choice_options`."""

    name = "dhcp-enable"
    verb, participle, past = "Enable", "Enabling", "Enabled"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Range, then DHCP."""
        return dhcp_steps(options)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether range and rack can still be had, and leave out what is so already."""
        picture = await read_network(region.api)
        subnet = next((one for one in picture.subnets if one.id == options["subnet"]), None)
        subject = f"DHCP on {options['vlan']}"
        if (why := await no_administrator(region)) is not None:
            return plan_nothing(self, region.name, options, subject, why, LOCKS)
        if subnet is None:
            return plan_nothing(self, region.name, options, subject, "its subnet is no longer in MAAS", LOCKS)
        try:
            choice = await choose_dhcp(region.api, picture, subnet, options["range"], options["rack"])
        except NoDhcp as reason:
            return plan_nothing(self, region.name, options, subject, str(reason), LOCKS)
        planned = planned_dhcp(choice, options)
        if not planned:
            so = f"it is on, served by {choice.rack.hostname}, with {told_range(choice.range)}"
            return plan_nothing(self, region.name, options, subject, so, LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            planned,
            title=f"Enable DHCP for {subnet_name(subnet)}",
            subject=subject,
            locks=LOCKS,
            happens=(
                f"Machines on {options['vlan']} get an address from {choice.rack.hostname}, and boot over the network.",
            ),
            warnings=choice.warnings,
        )


class DhcpDisabling(StepKind):
    """The kind `dhcp-disable`. Its options are `fabric`, `vid`, `vlan`."""

    name = "dhcp-disable"
    verb, participle, past = "Disable", "Disabling", "Disabled"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (SwitchDhcp(options["fabric"], options["vid"], options["vlan"], "", "", on=False),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look who has an address from it."""
        picture = await read_network(region.api)
        vlan = next((one for one in picture.vlans if (one.fabric_id, one.vid) == _place(options)), None)
        subject = f"DHCP on {options['vlan']}"
        if (why := await no_administrator(region)) is not None:
            return plan_nothing(self, region.name, options, subject, why, LOCKS)
        if vlan is None:
            return plan_nothing(self, region.name, options, subject, "MAAS has no such VLAN any more", LOCKS)
        if not vlan.dhcp_on:
            return plan_nothing(self, region.name, options, subject, "it is off already", LOCKS)
        leases = await _leases(region, picture, vlan)
        busy = [one.name for one in region.fleet.machines().values() if one.status_name in _ON_THE_WAY]
        rack = picture.rack_name(vlan.primary_rack)
        facts = {"ranges": ", ".join(f"{one.start_ip} - {one.end_ip}" for one in picture.dynamic_on(vlan)) or "none"}
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], f"on, served by {rack}", "off", facts)],
            title=f"Disable DHCP on {options['vlan']}",
            subject=subject,
            locks=LOCKS,
            # Whoever loses an address had no say in it: another person looks.
            risk=Risk.DESTRUCTIVE if leases or busy else Risk.CHANGE,
            happens=("MAAS gives no more addresses there. The ranges stay, for when it is enabled again.",),
            losses=(*_leases_told(leases), "Nothing new on this network can boot over it, commission or deploy."),
            warnings=_busy_told(busy),
        )


async def _leases(region: RegionService, picture: NetworkPicture, vlan: Vlan) -> list[AddressInUse]:
    subnets: list[Subnet] = picture.subnets_on(vlan)
    found = await asyncio.gather(*(region.api.addresses_in_use(one.id) for one in subnets))
    return [one for addresses in found for one in addresses if one.leased]


def _leases_told(leases: Sequence[AddressInUse]) -> list[str]:
    if not leases:
        return ["MAAS knows of no address that it has given out there now."]
    named = ", ".join(f"{one.hostname or 'an unknown device'} ({one.ip})" for one in leases[:_NAMED])
    more = f" and {len(leases) - _NAMED} more" if len(leases) > _NAMED else ""
    return [f"Addresses given by it, which end with their lease: {named}{more}"]


def _busy_told(busy: Sequence[str]) -> list[str]:
    if not busy:
        return []
    named = ", ".join(sorted(busy)[:_NAMED]) + (f" and {len(busy) - _NAMED} more" if len(busy) > _NAMED else "")
    return [f"Being commissioned, tested or deployed right now: {named}. Those on this network will not get on."]


def _place(options: Mapping[str, Any]) -> tuple[int, int]:
    return options["fabric"], options["vid"]
