"""A machine's network and storage, as the API gives them: read with the machine, kept nowhere.

The fleet view does without them: for thousands of machines they would be most of its memory.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasPath, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas import models
from bot.maas.decoding import LENIENT, Bool, Int, Or, Text, Texts, decode
from bot.maas.models import Machine
from bot.maas.transport import Transport


@dataclass(frozen=True, slots=True, config=LENIENT)
class Link:
    """How an interface is on a subnet: `mode` is auto, dhcp, static or link_up."""

    mode: Text = ""
    ip_address: Text = ""
    cidr: Text = Field(default="", validation_alias=AliasPath("subnet", "cidr"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class Interface:
    """One network interface."""

    name: Text = ""
    mac_address: Text = ""
    type: Text = ""
    enabled: Bool = True
    #: False where MAAS saw no cable in it; 2.9 and later say so.
    link_connected: Bool = True
    #: Mbit/s, 0 where it is not known
    link_speed: Int = 0
    fabric: Text = Field(default="", validation_alias=AliasPath("vlan", "fabric"))
    vlan: Text = Field(default="", validation_alias=AliasPath("vlan", "name"))
    links: Annotated[tuple[Link, ...], Or(())] = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class Disk:
    """One disk. `size` is in bytes."""

    name: Text = ""
    type: Text = ""
    model: Text = ""
    serial: Text = ""
    size: Int = 0
    used_for: Text = ""
    tags: Texts = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class MachineDetail:
    """What one machine is connected to, and what it stores on."""

    interfaces: Annotated[tuple[Interface, ...], Or(())] = Field(default=(), validation_alias="interface_set")
    disks: Annotated[tuple[Disk, ...], Or(())] = Field(default=(), validation_alias="physicalblockdevice_set")
    hwe_kernel: Text = ""

    @property
    def linked(self) -> bool:
        """Some interface is on a subnet: without that MAAS deploys nothing."""
        return any(interface.links for interface in self.interfaces)


MACHINE_DETAIL = TypeAdapter(MachineDetail)


class DetailCalls:
    """The part of a region's API that tells more of a machine than the fleet view keeps."""

    _transport: Transport

    async def machine_with_detail(self, system_id: str) -> tuple[Machine, MachineDetail]:
        """One machine as it is now, with its network and storage; one call. Raises MaasError."""
        answer = await self._transport.call(
            "Machine", "read", params={"system_id": system_id}, subject=f"machine {system_id}"
        )
        machine = decode(models.MACHINE, answer.body, endpoint="Machine.read")
        return machine, decode(MACHINE_DETAIL, answer.body, endpoint="Machine.read")
