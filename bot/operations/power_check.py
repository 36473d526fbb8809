"""The truth about a machine's power: what answers, what does not, and what MAAS can't do with it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.maas.errors import MaasError
from bot.maas.models import Machine
from bot.maas.models_region import RackController
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.power_state import PowerState, power_state

#: Why Wake-on-LAN is no power type of MAAS; people ask for it again and again.
WAKE_ON_LAN = (
    "Wake-on-LAN can only switch a machine on. MAAS has to switch it off, too, and to ask whether it is on, so it has "
    "no such power type."
)
BY_HAND = (
    "Its power type is manual: MAAS can neither switch it nor ask whether it is on. Somebody presses its button each "
    "time that MAAS waits for it to boot, and switches it off where MAAS would."
)
#: What people call it.
_WOL = frozenset({"wol", "wakeonlan", "wake-on-lan", "wake_on_lan", "ether_wake", "etherwake"})


@dataclass(frozen=True, slots=True)
class PowerTruth:
    """What was found out of one machine's power.

    Attributes:
        power: what its BMC said now.
        answers: its BMC answered with a state.
        racks: "" where all racks are connected; else how many are, since a missing rack may be the reason.
        advice: what to do next, in sentences; "" when all is well.
    """

    machine: Machine
    power: PowerState
    answers: bool
    racks: str = ""
    advice: str = ""


def is_wake_on_lan(power_type: str) -> bool:
    """Whether a person means Wake-on-LAN."""
    return power_type.casefold().replace(" ", "-") in _WOL


async def power_truth(region: RegionService, machine: Machine) -> PowerTruth:
    """Ask the BMC now, through MAAS, and say what the answer means. Takes up to a minute where nothing answers."""
    power = await power_state(region, machine)
    if not facts.switchable(machine):
        other = f"If it has a BMC (IPMI, Redfish, Intel AMT), enter it with power set {machine.name}."
        return PowerTruth(machine, power, answers=False, advice=f"{BY_HAND} {WAKE_ON_LAN} {other}")
    if power.state:
        advice = ""
        if machine.power_state in {"on", "off"} and machine.power_state != power.state and not power.said:
            advice = f"MAAS still has it as {machine.power_state}; that follows within minutes."
        return PowerTruth(machine, power, answers=True, advice=advice)
    racks = await _racks(region)
    return PowerTruth(machine, power, answers=False, racks=racks, advice=_advice(power, machine, racks))


async def _racks(region: RegionService) -> str:
    try:
        racks: Sequence[RackController] = await region.api.racks()
    except MaasError:
        return ""
    connected = [one for one in racks if one.connected]
    if racks and len(connected) == len(racks):
        return ""
    missing = ", ".join(one.hostname for one in racks if not one.connected) or "there is none"
    return f"{len(connected)} of {len(racks)} rack controllers are connected (not: {missing})"


def _advice(power: PowerState, machine: Machine, racks: str) -> str:
    said = power.said.casefold()
    if "no rack" in said:
        return "A rack controller in the BMC's network has to be connected: see status, and rackd on the rack."
    if "refuses" in said or "password" in said or "authenticat" in said:
        return (
            f"Something answers at the BMC's address, and does not accept MAAS's user and password: power set "
            f"{machine.name} enters them anew."
        )
    if "did not answer" in said or "timed out" in said or "timeout" in said:
        first = (
            "Connect the missing rack first. " if racks else "The racks are connected, so it is the way to the BMC. "
        )
        return f"{first}Check the BMC's address (power set {machine.name}), its cable and its VLAN."
    return "Try again in a minute; regiond.log on the region has the details."
