"""Entering a machine by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_address

from pydantic import SecretStr

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.sheet import Blank, Sheet, SheetWanted
from bot.maas.errors import clean
from bot.message import Code, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for
from commands.values import NOTES, hostname, names, one_of
from commands.values import mac as mac_of

#: What each power type needs to know, by MAAS's names: those that are asked for.
_POWER: Mapping[str, tuple[str, ...]] = {
    "ipmi": ("power_address", "power_user", "power_pass"),
    "redfish": ("power_address", "power_user", "power_pass"),
    "amt": ("power_address", "power_pass"),
    "apc": ("power_address", "node_outlet"),
    "manual": (),
}
_LABELS = {
    "power_address": "Address of the BMC",
    "power_user": "User at the BMC",
    "power_pass": "Password at the BMC",
    "node_outlet": "Outlet of the power strip",
}
_OPTIONAL = frozenset({"power_user", "power_pass"})
_ARCHITECTURES = ("amd64", "arm64", "ppc64el", "s390x")


def _faults(values: Mapping[str, str]) -> dict[str, str]:
    address = values.get("power_address", "").strip()
    if any(ord(letter) < 33 for letter in address):
        return {"power_address": "An address has no blanks."}
    if address and not any(letter.isalpha() for letter in address):
        try:
            ip_address(address)
        except ValueError:
            return {"power_address": "That is no IP address; write it like 10.0.0.7, or a host name."}
    return {}


@command("add", risk=Risk.CHANGE, example="/maas add db-1 --mac 52:54:00:12:34:56 --power ipmi", faults=_faults)
async def add(
    ctx: Context,
    name: str = "",
    /,
    *,
    mac: str = "",
    power: str = "",
    arch: str = "amd64",
    pool: str = "",
    zone: str = "",
    notes: str = "",
) -> Plan:
    """Enter a machine into MAAS by hand, by its MAC address and the way to its power.

    A machine that boots over the network enlists itself, and `accept` takes it in; this is for one that can't. The
    power's address, user and password are asked for in a form: they belong into no channel.

    Args:
        mac: of the interface that it boots from; several with commas
        power: ipmi, redfish, amt, apc or manual
        arch: amd64, arm64, ppc64el or s390x
        pool: name of the resource pool
        zone: name of the zone
        notes: for MAAS's notes of it
    """
    wanted = hostname(name) if name else ""
    macs = list(dict.fromkeys(mac_of(one) for one in names(mac)))
    if not macs or not power:
        missing = "its MAC address (--mac)" if not macs else "how it is switched (--power)"
        raise RefusalError(say(f"A machine is known by {missing}. For example: ", Code(_EXAMPLE)))
    kind = one_of("power type", power.strip().lower(), _POWER)
    architecture = one_of("architecture", arch.strip().lower().partition("/")[0], _ARCHITECTURES)
    options: dict[str, object] = {
        "ids": [macs[0]],
        "macs": macs,
        "hostname": wanted,
        "architecture": architecture,
        "power_type": kind,
        "pool": one_of("pool", pool, {one.name for one in await ctx.region.api.pools()}) if pool else "",
        "zone": one_of("zone", zone, {one.name for one in await ctx.region.api.zones()}) if zone else "",
        "description": clean(notes, NOTES),
    }
    if _POWER[kind]:
        values = _power(ctx, kind, wanted or macs[0])
        options["address"] = values["power_address"]
        options["sealed"] = {"power_parameters": await ctx.operations.seal(SecretStr(json.dumps(values)))}
    return await plan_for(ctx, "add", options, "added")


_EXAMPLE = "/maas add db-1 --mac 52:54:00:12:34:56 --power ipmi"


def _power(ctx: Context, kind: str, name: str) -> dict[str, str]:
    """The power parameters from the sheet; without one, the sheet is asked for."""
    wanted = _POWER[kind]
    if not all(field in ctx.given.filled for field in wanted):
        blanks = [
            Blank(field, _LABELS[field], most=100, optional=field in _OPTIONAL, hint=_hint(field)) for field in wanted
        ]
        why = f"How does MAAS reach the power of {name} ({kind})? Fill it in here, not in the channel."
        raise SheetWanted(Sheet("Fill in the power", why, blanks))
    values = {field: ctx.given.filled[field].get_secret_value().strip() for field in wanted}
    return {field: value for field, value in values.items() if value}


def _hint(field: str) -> str:
    return "I keep it encrypted until MAAS has it, for three days at most." if field == "power_pass" else ""
