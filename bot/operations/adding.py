"""Adding: a machine is enlisted by hand, by its MAC address and the way to its power."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from pydantic import SecretStr

from bot.maas.models import Event, Machine
from bot.maas.service import RegionService
from bot.operations.kinds import End, MachineKind
from bot.operations.plan import LeftOut, Plan, Target
from bot.policy import Risk


class Adding(MachineKind):
    """The kind `add`. Its options are `ids` (one: the boot interface's MAC address), `macs`, `hostname`,
    `architecture`, `power_type`, `address`, `description`, `pool`, `zone`; the power parameters are sealed as
    `power_parameters`, a JSON object by MAAS's names.

    The machine has no system id before MAAS makes one, so the target stands under its MAC address, and by that it is
    looked for after a crash.
    """

    name = "add"
    verb, participle, past = "Add", "Adding", "Added"
    logged = False
    target: Target | None = None

    def bound(self, options: Mapping[str, Any], target: Target | None) -> MachineKind:
        """This kind with what it is to be called."""
        del options
        made = copy(self)
        made.target = target
        return made

    async def find(self, region: RegionService, key: str) -> Machine | None:
        """The machine with that MAC address."""
        return await region.api.by_mac(key)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """See that nobody has the MAC address or the name."""
        mac = str(options["ids"][0])
        name = str(options.get("hostname") or mac)
        reason = await _reason_against(region, options)
        labels = {
            "MAC": ", ".join(options["macs"]),
            "architecture": str(options["architecture"]),
            "power": str(options["power_type"]),
            "BMC": str(options.get("address") or "none"),
            "pool": str(options.get("pool") or "default"),
            "zone": str(options.get("zone") or "default"),
        }
        return Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=f"Add {name}",
            targets=() if reason else (Target(mac, name, "not in MAAS", labels),),
            steps=_steps(options),
            warnings=_warnings(options),
            left_out=(LeftOut(name, reason),) if reason else (),
            options=dict(options),
        )

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the machine made."""
        del key
        sealed = options.get("power_parameters")
        parameters = json.loads(sealed.get_secret_value()) if sealed is not None else {}
        fields = ("hostname", "description", "pool", "zone")
        await region.api.create_machine(
            macs=list(options["macs"]),
            architecture=str(options["architecture"]),
            power_type=str(options["power_type"]),
            power_parameters={str(name): SecretStr(str(value)) for name, value in parameters.items()},
            **{name: str(options.get(name) or "") for name in fields},
        )

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """There is a machine with that MAC address."""
        del events
        return machine is not None

    def end(self, machine: Machine) -> End | None:
        """It is there."""
        return End(good=True, label=machine.status_name)

    def gone(self) -> End | None:
        """It has another key in MAAS than here, so this is how its end is always seen."""
        name = self.target.name if self.target is not None else "it"
        return End(good=True, label="New", detail=f"MAAS knows it now; next: /maas commission {name}")

    async def stop(self, region: RegionService, key: str) -> None:
        """Nothing: it is made in an instant."""


async def _reason_against(region: RegionService, options: Mapping[str, Any]) -> str:
    for mac in options["macs"]:
        known = await region.api.by_mac(str(mac))
        if known is not None:
            return f"the MAC address {mac} is that of {known.name} already"
    hostname = str(options.get("hostname") or "").casefold()
    if hostname and any(one.hostname.casefold() == hostname for one in region.fleet.machines().values()):
        return "another machine is called so already"
    return ""


def _steps(options: Mapping[str, Any]) -> tuple[str, ...]:
    name = "" if options.get("hostname") else " and gives it a name"
    return (
        f"MAAS enters it as New{name}. It is not switched on.",
        "What MAAS needs to know of its hardware, commissioning finds out: /maas commission, when it is there.",
    )


def _warnings(options: Mapping[str, Any]) -> tuple[str, ...]:
    if options["power_type"] == "manual":
        return ("MAAS can't switch it (power type manual): somebody presses the button each time.",)
    return ()
