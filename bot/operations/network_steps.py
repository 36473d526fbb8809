"""Steps that change the network: a range made or removed, DHCP of a VLAN on or off. Each looks, acts, looks again."""

from __future__ import annotations

import time

from bot.maas.addresses import Block, block
from bot.maas.errors import BadRequest, NotFound
from bot.maas.models_network import IpRange
from bot.maas.network_picture import NetworkPicture, read_network
from bot.operations.steps import OperationStep, StepContext, StepFailedError

#: What all work on the network locks.
LOCKS = ("network",)
DYNAMIC, RESERVED = "dynamic", "reserved"
#: What a rack says of its DHCP server while all is well.
_RUNNING = frozenset({"running", "degraded"})


class MakeRange(OperationStep):
    """A range of a subnet that is there afterwards."""

    key = "range"

    def __init__(self, subnet_id: int, wanted: Block, kind: str, comment: str = "") -> None:
        self._subnet_id = subnet_id
        self._wanted = wanted
        self._kind = kind
        self._comment = comment
        self.title = "Dynamic range" if kind == DYNAMIC else "Reserved range"

    async def check(self, context: StepContext) -> str | None:
        """It is there with these very ends."""
        for one in await context.region.api.ip_ranges():
            if one.subnet_id == self._subnet_id and one.type == self._kind and ends_of(one) == self._wanted:
                return told_range(self._wanted)
        return None

    async def apply(self, context: StepContext) -> None:
        """Make it."""
        try:
            await context.region.api.create_ip_range(
                self._kind, str(self._wanted.first), str(self._wanted.last), self._subnet_id, self._comment
            )
        except BadRequest as error:
            if await self.check(context) is not None:
                return  # the answer to an earlier request was lost
            raise StepFailedError(
                f"MAAS does not make the range {self._wanted}: {error.problem}",
                "Nothing was changed by this step. Look at the subnet for what is free, and ask again.",
            ) from None


class RemoveRange(OperationStep):
    """A range that is gone afterwards; never the last one that running DHCP gives addresses from."""

    key, title = "range", "Range"

    def __init__(self, range_id: int) -> None:
        self._range_id = range_id

    async def check(self, context: StepContext) -> str | None:
        """It is not there."""
        ranges = await context.region.api.ip_ranges()
        return None if any(one.id == self._range_id for one in ranges) else "removed"

    async def apply(self, context: StepContext) -> None:
        """Look once more whether DHCP runs on it, then remove it: MAAS itself would do so without a word."""
        picture = await read_network(context.region.api)
        if (reason := needed_by_dhcp(picture, self._range_id)) is not None:
            raise StepFailedError(f"The range was left as it is: {reason}.", "Disable DHCP first, then remove it.")
        try:
            await context.region.api.delete_ip_range(self._range_id)
        except NotFound:
            return


class SwitchDhcp(OperationStep):
    """DHCP of a VLAN on, served by one rack, or off."""

    key = "dhcp"
    look_every, patience = 3.0, 180.0

    def __init__(self, fabric_id: int, vid: int, vlan: str, rack_id: str, rack: str, *, on: bool) -> None:
        self._fabric_id = fabric_id
        self._vid = vid
        self._rack_id = rack_id
        self._rack = rack
        self._on = on
        self.title = f"DHCP on {vlan}"

    async def check(self, context: StepContext) -> str | None:
        """MAAS has it so, and when it is on, the rack says that its DHCP server runs."""
        vlan = await context.region.api.vlan(self._fabric_id, self._vid)
        if not self._on:
            return None if vlan.dhcp_on else "off"
        if not vlan.dhcp_on or vlan.primary_rack != self._rack_id:
            return None
        status, _ = await self._server(context)
        return f"on, served by {self._rack}" if status in {*_RUNNING, ""} else None

    async def apply(self, context: StepContext) -> None:
        """Switch it."""
        rack = self._rack_id if self._on else ""
        try:
            await context.region.api.set_dhcp(self._fabric_id, self._vid, on=self._on, rack=rack)
        except BadRequest as error:
            what = "on" if self._on else "off"
            raise StepFailedError(
                f"MAAS does not switch DHCP {what}: {error.problem}",
                "A range that was made for it stays; look with /maas dhcp, and ask again.",
            ) from None

    async def verify(self, context: StepContext) -> str:
        """Look until MAAS and the rack say that it is so."""
        until = time.monotonic() + self.patience * context.pause
        while True:
            label = await self.check(context)
            if label is not None:
                return label
            if time.monotonic() >= until:
                raise StepFailedError(*await self._what_is_wrong(context))
            if self._on:
                context.note(f"DHCP is on in MAAS; waiting for the DHCP server on {self._rack}")
            await context.sleep(self.look_every)

    async def _what_is_wrong(self, context: StepContext) -> tuple[str, str]:
        vlan = await context.region.api.vlan(self._fabric_id, self._vid)
        if vlan.dhcp_on != self._on:
            return (
                f"{self.title}: MAAS took the order, and it is still {'on' if vlan.dhcp_on else 'off'}.",
                "Try again.",
            )
        status, info = await self._server(context)
        why = f" ({info})" if info else ""
        return (
            f"DHCP is on in MAAS, but the DHCP server on rack {self._rack} is {status}{why} after "
            f"{self.patience:g} s: no machine gets an address.",
            f"Look at rackd.log and dhcpd on {self._rack}. DHCP was left on; /maas racks shows when it runs.",
        )

    async def _server(self, context: StepContext) -> tuple[str, str]:
        """What the rack says of its DHCP server: its state, and a word about it. Empty where it says nothing."""
        rack = next((one for one in await context.region.api.racks() if one.system_id == self._rack_id), None)
        if rack is None:
            return "gone", "MAAS has no such rack any more"
        service = rack.service("dhcpd")
        return (service.status, service.status_info) if service is not None else ("", "")


def ends_of(one: IpRange) -> Block | None:
    """The range as a block; None where MAAS gives no addresses that can be read."""
    try:
        return block(one.start_ip, one.end_ip)
    except ValueError:
        return None


def told_range(wanted: Block) -> str:
    """`10.0.0.10 - 10.0.0.20 (11 addresses)`."""
    return f"{wanted} ({wanted.size} address{'es' if wanted.size > 1 else ''})"


def needed_by_dhcp(picture: NetworkPicture, range_id: int) -> str | None:
    """Why a range must stay: DHCP runs on its VLAN and has no other range. None when it may go."""
    one = next((one for one in picture.ranges if one.id == range_id), None)
    subnet = next((subnet for subnet in picture.subnets if one is not None and subnet.id == one.subnet_id), None)
    if one is None or subnet is None or subnet.vlan is None or one.type != DYNAMIC:
        return None
    vlan = picture.vlan(subnet.vlan.id)
    if vlan is None or not vlan.dhcp_on or len(picture.dynamic_on(vlan)) > 1:
        return None
    return (
        f"DHCP on {vlan.fabric} {vlan.name} gives addresses from it and has no other range; "
        "MAAS would leave DHCP on with nothing to give"
    )
