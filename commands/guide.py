"""Guides: what to do by hand, step by step, where MAAS can't do it."""

from __future__ import annotations

import secrets
import time

from bot.audit import Entry
from bot.command.context import Context
from bot.command.declaration import command
from bot.maas.service import RegionService
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, Text
from bot.policy import Risk
from bot.watches.records import Watch, What

#: How long the next machine is waited for, in seconds.
_WAITS = 24 * 3600.0

#: What is done by hand, under its title, in order.
_STEPS = {
    "Cable": ("Its first network port goes to MAAS's own network, not to the router's.",),
    "In its BIOS (UEFI) set-up": (
        "Network boot (PXE) on, for that port.",
        "Boot order: network first, before any disk.",
        "A BMC (IPMI, Redfish, Intel AMT), if it has one: on, with an address of its own. MAAS then switches it alone.",
        "Wake-on-LAN: leave it off. It can't switch off nor tell the state, so MAAS does not use it.",
        "ErP, EuP and deep sleep off: they take the power from the network port.",
        "Save, and restart.",
    ),
    "What its screen shows": (
        "The disk's own system does not start. It gets an address by DHCP and loads a kernel from MAAS.",
        "An Ubuntu starts from the network, up to a login prompt. Leave it alone: nobody logs in there.",
        "After some minutes it switches itself off. That is right: MAAS knows it now.",
        "If the disk's system starts after all, PXE is not first.",
        "If it stops at DHCP or TFTP, it is the cable, the VLAN, DHCP or the images.",
    ),
}


@command("guide pxe", risk=Risk.READ, example="/maas guide pxe")
async def guide_pxe(ctx: Context) -> Message:
    """Bring in a new machine: what to set in its BIOS, what it will show, and a word here when it appears."""
    region = ctx.region
    waits = await _wait_for_it(ctx)
    where = "in this thread" if ctx.origin.thread else "here" if ctx.origin.channel else "to you"
    before = _not_ready(region)
    parts: list[Part] = [Paragraph([Bold("Bring in a new machine over the network (PXE)")])]
    if before:
        parts += [Paragraph([Mark.WARN, " First, or it will not boot:"]), Bullets(before)]
    else:
        parts.append(Paragraph([Mark.OK, f" Region {region.name} is ready: rack connected, DHCP on, images there."]))
    for title, lines in _STEPS.items():
        parts += [Paragraph([Bold(title)]), Bullets([[line] for line in lines])]
    told = f" {waits} I'll say so {where} when it appears, with buttons to name and commission it."
    parts.append(Paragraph([Mark.BUSY, told]))
    parts.append(
        Note(["The boot order stays so: MAAS decides at each start what the machine boots. ", Code("/maas status"),
              " shows whether DHCP and images are well."])
    )  # fmt: skip
    return Message(f"How to bring in a new machine. I'll say so {where} when it appears.", tuple(parts))


def _not_ready(region: RegionService) -> list[Text]:
    """What keeps any machine of this region from booting over the network, as far as it is known."""
    snapshot = region.watcher.snapshot
    found: list[Text] = []
    racks = snapshot.racks.value
    if racks is not None and not any(rack.connected for rack in racks):
        found.append(["No rack controller is connected: see ", Code("/maas status"), "."])
    vlans = snapshot.vlans.value
    if vlans is not None and not any(vlan.dhcp_on for vlan in vlans):
        found.append(["DHCP is off on every VLAN: it has to be on for the one that the machine is on."])
    images = snapshot.images.value
    if images is not None and not any(one.complete for one in images.resources):
        found.append(["No image is complete: machines boot from them. ", Code("/maas status"), " shows the import."])
    if racks is None or vlans is None or images is None:
        found.append(["I have not read all of ", f"the region {region.name} yet: look at ", Code("/maas status"), "."])
    return found


async def _wait_for_it(ctx: Context) -> str:
    """Remember to tell, across restarts; on App Home there is no place, so the person is told."""
    person = ctx.person
    made = Watch(
        id=f"w-{secrets.token_hex(4)}",
        team_id=person.team_id,
        channel=ctx.origin.channel or person.user_id,
        thread=ctx.origin.thread or "",
        what=What.GUIDE,
        region=ctx.region.name,
        quiet="",
        person_id=person.user_id,
        person_name=person.name,
        created_at=time.time(),
        until=time.time() + _WAITS,
    )
    entry = Entry(
        kind="watch.set",
        person_id=person.user_id,
        person_name=person.name,
        team_id=person.team_id,
        channel=made.channel,
        region=made.region,
        words=ctx.words,
        details={"what": made.what.value, "hours": _WAITS / 3600},
    )
    await ctx.watches.store.add(made, entry)
    return "For the next 24 hours I look out for it."
