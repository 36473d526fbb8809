"""Ranges of subnets, and addresses reserved for one machine: made and removed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from bot.maas.addresses import Block, parse_range, usable
from bot.maas.errors import NotFound
from bot.maas.models_network import AddressInUse, IpRange
from bot.maas.network_picture import network_in, read_network, subnet_name
from bot.maas.service import RegionService
from bot.operations.dhcp_choice import NoDhcp, check_new_range
from bot.operations.network_steps import (
    DYNAMIC,
    LOCKS,
    MakeRange,
    RemoveRange,
    ends_of,
    needed_by_dhcp,
    told_range,
)
from bot.operations.plan import Plan
from bot.operations.step_plans import PlannedStep, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepKind
from bot.policy import Risk

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class RangeAdding(StepKind):
    """The kind `ranges-add`. Its options are `subnet` (its id), `range`, `type` and `comment`."""

    name = "ranges-add"
    verb, participle, past = "Add", "Adding", "Added"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (MakeRange(options["subnet"], parse_range(options["range"]), options["type"], options["comment"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether the range can be had."""
        picture = await read_network(region.api)
        wanted = parse_range(options["range"])
        subject = f"{options['type']} range {wanted}"
        subnet = next((one for one in picture.subnets if one.id == options["subnet"]), None)
        if subnet is None:
            return plan_nothing(self, region.name, options, subject, "its subnet is no longer in MAAS", LOCKS)
        dynamic = options["type"] == DYNAMIC
        if any(ends_of(one) == wanted for one in picture.ranges_in(subnet, options["type"])):
            return plan_nothing(self, region.name, options, subject, "it is there already", LOCKS)
        try:
            warnings = await check_new_range(region.api, subnet, wanted, dynamic=dynamic)
        except NoDhcp as reason:
            return plan_nothing(self, region.name, options, subject, str(reason), LOCKS)
        vlan = picture.vlan(subnet.vlan.id) if subnet.vlan is not None else None
        happens = "MAAS gives no address from it to anybody; what is in use stays as it is."
        if dynamic and vlan is not None:
            happens = (
                "DHCP gives addresses from it at once." if vlan.dhcp_on else "DHCP is off there: nothing uses it yet."
            )
        step = PlannedStep(self.steps(options)[0], "none", told_range(wanted), {"in": subnet_name(subnet)})
        return plan_steps(
            self,
            region.name,
            options,
            [step],
            title=f"Add {subject}",
            subject=subject,
            locks=LOCKS,
            happens=(happens,),
            warnings=warnings,
        )


class RangeRemoving(StepKind):
    """The kind `ranges-remove`. Its options are `id` and `told`, the range in words."""

    name = "ranges-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (RemoveRange(options["id"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether DHCP needs it, and who has an address from it."""
        picture = await read_network(region.api)
        subject = f"range {options['told']}"
        found = next((one for one in picture.ranges if one.id == options["id"]), None)
        if found is None:
            return plan_nothing(self, region.name, options, subject, "it is no longer in MAAS", LOCKS)
        if (reason := needed_by_dhcp(picture, found.id)) is not None:
            hint = "disable DHCP there first"
            return plan_nothing(self, region.name, options, subject, f"{reason}; {hint}", LOCKS)
        inside = await _leased_from(region, found)
        told = ", ".join(f"{one.hostname or 'an unknown device'} ({one.ip})" for one in inside[:6])
        more = f" and {len(inside) - 6} more" if len(inside) > 6 else ""
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], found.type, "removed", {"in": found.subnet, "note": found.comment})],
            title=f"Remove {subject}",
            subject=subject,
            locks=LOCKS,
            risk=Risk.DESTRUCTIVE if inside else Risk.CHANGE,
            losses=(f"Addresses given from it, which end with their lease: {told}{more}",) if inside else (),
            happens=("MAAS may give its addresses to machines as static ones afterwards.",),
        )


class Reserve(OperationStep):
    """An address that DHCP keeps for one MAC address."""

    key, title = "reserved", "Reserved address"

    def __init__(self, ip: str, mac: str, comment: str) -> None:
        self._ip, self._mac, self._comment = ip, mac, comment

    async def check(self, context: StepContext) -> str | None:
        """It is reserved for that MAC address."""
        reserved = await context.region.api.reserved_ips() or []
        mine = [one for one in reserved if one.ip == self._ip and one.mac_address.lower() == self._mac]
        return f"{self._ip} for {self._mac}" if mine else None

    async def apply(self, context: StepContext) -> None:
        """Reserve it."""
        await context.region.api.reserve_ip(self._ip, self._mac, self._comment)


class GiveBack(OperationStep):
    """A reserved address that is free again."""

    key, title = "reserved", "Reserved address"

    def __init__(self, reserved_id: int) -> None:
        self._id = reserved_id

    async def check(self, context: StepContext) -> str | None:
        """It is not there."""
        reserved = await context.region.api.reserved_ips() or []
        return None if any(one.id == self._id for one in reserved) else "given back"

    async def apply(self, context: StepContext) -> None:
        """Give it back."""
        try:
            await context.region.api.delete_reserved_ip(self._id)
        except NotFound:
            return


class Reserving(StepKind):
    """The kind `reserved-add`. Its options are `ip`, `mac`, `comment`."""

    name = "reserved-add"
    verb, participle, past = "Reserve", "Reserving", "Reserved"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (Reserve(options["ip"], options["mac"], options["comment"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether the address is free."""
        subject = f"{options['ip']} for {options['mac']}"
        reserved = await region.api.reserved_ips()
        reason, warning = "", ""
        if reserved is None:
            reason = "reserved addresses came with MAAS 3.6, and this region is older"
        for one in reserved or ():
            if one.ip == options["ip"]:
                reason = f"it is reserved already, for {one.mac_address}"
            elif one.mac_address.lower() == options["mac"]:
                reason = f"that MAC address has {one.ip} reserved already"
        if not reason:
            reason, warning = await _look_at_address(region, options["ip"])
        if reason:
            return plan_nothing(self, region.name, options, subject, reason, LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], "free", f"for {options['mac']}")],
            title=f"Reserve {subject}",
            subject=subject,
            locks=LOCKS,
            happens=("DHCP gives this address to that MAC address, and to nobody else.",),
            warnings=(warning,) if warning else (),
        )


class ReservationRemoving(StepKind):
    """The kind `reserved-remove`. Its options are `id`, `ip` and `mac`."""

    name = "reserved-remove"
    verb, participle, past = "Give back", "Giving back", "Gave back"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (GiveBack(options["id"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it is still there."""
        reserved = await region.api.reserved_ips() or []
        subject = f"{options['ip']} of {options['mac']}"
        if not any(one.id == options["id"] and one.ip == options["ip"] for one in reserved):
            return plan_nothing(self, region.name, options, subject, "it is no longer reserved", LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], f"for {options['mac']}", "free")],
            title=f"Give back {subject}",
            subject=subject,
            locks=LOCKS,
            losses=(f"{options['mac']} may get another address when its lease ends.",),
        )


async def _look_at_address(region: RegionService, ip: str) -> tuple[str, str]:
    """Why an address can't be reserved, and what to warn of."""
    picture = await read_network(region.api)
    try:
        subnet = picture.subnet(ip)
    except LookupError as unclear:
        return str(unclear), ""
    if ip == subnet.gateway_ip:
        return f"it is the gateway of {subnet_name(subnet)}", ""
    network = network_in(subnet)
    span = usable(network) if network is not None else None
    if span is not None and not _inside(span, ip):
        return f"no machine can have it: usable in {subnet.cidr} are {span}", ""
    for one in picture.ranges_in(subnet, DYNAMIC):
        if (ends := ends_of(one)) is not None and _inside(ends, ip):
            return f"it is inside the dynamic range {ends}: MAAS keeps only addresses outside of one", ""
    holder = next((one for one in await region.api.addresses_in_use(subnet.id) if one.ip == ip), None)
    who = (holder.hostname or holder.user) if holder is not None else ""
    return "", f"{who} has this address now: reserve it only if the MAC address is that one's." if who else ""


async def _leased_from(region: RegionService, found: IpRange) -> list[AddressInUse]:
    ends = ends_of(found)
    if ends is None or found.type != DYNAMIC:
        return []
    addresses = await region.api.addresses_in_use(found.subnet_id)
    return [one for one in addresses if one.leased and _inside(ends, one.ip)]


def _inside(ends: Block, ip: str) -> bool:
    try:
        return ends.holds(ip_address(ip))
    except ValueError:
        return False
