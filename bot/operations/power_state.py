"""Asking a BMC how a machine's power is, and not believing it too early."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.maas.errors import GatewayTimeout, MaasError, RegionBusy
from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts

#: Seconds that a BMC takes, at most, from MAAS's answer to the act; 4 to 8 were measured.
_LAG = 10.0
#: Seconds between two looks at a BMC that is about to act.
_PACE = 1.0
#: Seconds after which an order without an end in the log is no longer under way; the clocks may be that far apart too.
_OLD = 300.0

#: Orders to a BMC with the state to which each leads, and their ends, as MAAS logs them.
BEGUN = {"Powering on": "on", "Powering off": "off", "Power cycling": "on"}
ENDED = frozenset({"Node powered on", "Node powered off"})
_QUERY_FAILED = "Failed to query node's BMC"


@dataclass(frozen=True, slots=True)
class PowerState:
    """What is known of one machine's power. `state` is on, off or "" when it is not known; `said` says why, or more."""

    machine: Machine
    state: str
    said: str = ""


async def power_state(region: RegionService, machine: Machine) -> PowerState:
    """Ask the machine's BMC now; what goes wrong is told in `said`.

    Takes up to 60 s, and 10 s more while an order to the BMC is under way.
    """
    if not facts.switchable(machine):
        return PowerState(machine, "", "MAAS can't ask it: its power type is manual")
    try:
        state = await region.api.query_power_state(machine.system_id)
        if state in {"on", "off"}:
            return await _settled(region, machine, state)
        said = await _why(region, machine) if state == "error" else "its BMC gives no state"
    except GatewayTimeout:
        said = "its BMC did not answer; MAAS gave up after 60 s"
    except RegionBusy as error:
        said = "no rack controller reaches its BMC" if "no rack" in error.problem.lower() else error.problem.rstrip(".")
    except MaasError as error:
        said = error.problem.rstrip(".")
    return PowerState(machine, "", said)


async def _settled(region: RegionService, machine: Machine, state: str) -> PowerState:
    """Ask again while an order is under way: between MAAS's answer and the BMC's act, the old state is still true."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _LAG
    while (coming := await _coming(region, machine)) not in {"", state}:
        if loop.time() >= until:
            return PowerState(machine, state, f"it was told to go {coming}, and has not obeyed so far")
        await asyncio.sleep(_PACE)
        state = await region.api.query_power_state(machine.system_id)
    return PowerState(machine, state)


async def _coming(region: RegionService, machine: Machine) -> str:
    """The state to which an order that is under way leads, or ""."""
    events = await region.api.events(id=machine.system_id, level="DEBUG", limit=50)
    for event in events:  # newest first
        if event.type in ENDED or event.type.startswith("Failed to power"):
            return ""
        if event.type in BEGUN:
            return BEGUN[event.type] if _age(event) < _OLD else ""
    return ""


async def _why(region: RegionService, machine: Machine) -> str:
    events = await region.api.events(id=machine.system_id, level="WARNING", limit=10)
    said = next((event.description for event in events if event.type == _QUERY_FAILED), "")
    return f"its BMC refuses: {said.rstrip('.')}" if said else "its BMC answers with an error"


def _age(event: Event) -> float:
    return abs((datetime.now(UTC) - event.at).total_seconds()) if event.at is not None else 0.0
