"""Machines, events, versions and users, as the API gives them: slim, frozen, alike for MAAS 2.9, 3.4 and 3.7.

The other answers are in `models_region`. Dataclasses with slots, not BaseModel: a fleet view holds thousands.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Annotated

from pydantic import AliasPath, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas.decoding import LENIENT, Bool, Float, Int, Or, Text, Texts, moment


class MachineStatus(IntEnum):
    """MAAS's node status numbers (NODE_STATUS in maasserver/enum.py); a number from the future is UNKNOWN."""

    UNKNOWN = -1
    NEW = 0
    COMMISSIONING = 1
    FAILED_COMMISSIONING = 2
    MISSING = 3
    READY = 4
    RESERVED = 5
    DEPLOYED = 6
    RETIRED = 7
    BROKEN = 8
    DEPLOYING = 9
    ALLOCATED = 10
    FAILED_DEPLOYMENT = 11
    RELEASING = 12
    FAILED_RELEASING = 13
    DISK_ERASING = 14
    FAILED_DISK_ERASING = 15
    RESCUE_MODE = 16
    ENTERING_RESCUE_MODE = 17
    FAILED_ENTERING_RESCUE_MODE = 18
    EXITING_RESCUE_MODE = 19
    FAILED_EXITING_RESCUE_MODE = 20
    TESTING = 21
    FAILED_TESTING = 22

    @classmethod
    def _missing_(cls, _value: object) -> MachineStatus:
        return cls.UNKNOWN

    @property
    def failed(self) -> bool:
        """MAAS waits for a person to look at it."""
        return self.name.startswith("FAILED_") or self is MachineStatus.BROKEN

    @property
    def busy(self) -> bool:
        """MAAS is doing something to the machine and will end it by itself."""
        return self in _BUSY


def lasts(word: str) -> bool:
    """Whether a state, in MAAS's word, is one that a machine stays in: MAAS does not end it by itself."""
    found = MachineStatus.__members__.get(word.upper().replace(" ", "_"))
    return found is None or not found.busy


_BUSY = frozenset(
    {
        MachineStatus.COMMISSIONING,
        MachineStatus.DEPLOYING,
        MachineStatus.RELEASING,
        MachineStatus.DISK_ERASING,
        MachineStatus.ENTERING_RESCUE_MODE,
        MachineStatus.EXITING_RESCUE_MODE,
        MachineStatus.TESTING,
    }
)


@dataclass(frozen=True, slots=True, config=LENIENT)
class Machine:
    """One machine. Texts are "" and numbers 0 where the region says nothing."""

    system_id: str
    hostname: Text = ""
    fqdn: Text = ""
    status: Annotated[MachineStatus, Or(MachineStatus.UNKNOWN)] = MachineStatus.UNKNOWN
    status_name: Text = ""
    #: The latest event of level INFO or above, as MAAS's own pages show it.
    status_message: Text = ""
    #: 3.7 and later; "" before.
    error_description: Text = ""
    power_state: Text = "unknown"
    power_type: Text = ""
    owner: Text = ""
    pool: Text = Field(default="", validation_alias=AliasPath("pool", "name"))
    zone: Text = Field(default="", validation_alias=AliasPath("zone", "name"))
    domain: Text = Field(default="", validation_alias=AliasPath("domain", "name"))
    tags: Texts = Field(default=(), validation_alias="tag_names")
    architecture: Text = ""
    cpu_count: Int = 0
    #: MiB
    memory: Int = 0
    #: MB (10^6 bytes), the sum of all disks
    storage: Float = 0.0
    osystem: Text = ""
    distro_series: Text = ""
    locked: Bool = False
    netboot: Bool = False
    ip_addresses: Texts = ()
    boot_mac: Text = Field(default="", validation_alias=AliasPath("boot_interface", "mac_address"))
    description: Text = ""
    commissioning_status_name: Text = ""
    testing_status_name: Text = ""
    bios_boot_method: Text = ""
    vendor: Text = Field(default="", validation_alias=AliasPath("hardware_info", "system_vendor"))
    product: Text = Field(default="", validation_alias=AliasPath("hardware_info", "system_product"))
    serial: Text = Field(default="", validation_alias=AliasPath("hardware_info", "system_serial"))
    cpu_model: Text = Field(default="", validation_alias=AliasPath("hardware_info", "cpu_model"))

    @property
    def name(self) -> str:
        """What people call it: the host name, or the system id of a machine without one."""
        return self.hostname or self.system_id


@dataclass(frozen=True, slots=True, config=LENIENT)
class Event:
    """One line of the region's event log."""

    id: int
    #: The system id of the machine or controller that it is about; "" when it is about none.
    node: Text = ""
    hostname: Text = ""
    level: Text = ""
    created: Text = ""
    type: Text = ""
    description: Text = ""
    username: Text = ""

    @property
    def at(self) -> datetime | None:
        """When it was written, in UTC; MAAS gives whole seconds."""
        return moment(self.created)

    @property
    def text(self) -> str:
        """Type and description as MAAS's own pages join them."""
        return f"{self.type} - {self.description}" if self.description else self.type


@dataclass(frozen=True, slots=True, config=LENIENT)
class EventPage:
    """One page of the event log, newest first."""

    events: tuple[Event, ...] = ()
    count: Int = 0


@dataclass(frozen=True, slots=True, config=LENIENT)
class Version:
    """What the region says it is."""

    version: Text = ""
    subversion: Text = ""
    capabilities: Texts = ()

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers at the front: (2, 9, 3) of "2.9.3 from source"; empty when there are none."""
        numbers: list[int] = []
        for part in self.version.split(" ")[0].split("."):
            digits = part[: len(part) - len(part.lstrip("0123456789"))]
            if not digits:
                break
            numbers.append(int(digits))
        return tuple(numbers)


@dataclass(frozen=True, slots=True, config=LENIENT)
class User:
    """A user of the region."""

    username: str
    email: Text = ""
    is_superuser: Bool = False
    is_local: Bool = False


@dataclass(frozen=True, slots=True, config=LENIENT)
class SystemId:
    """Only the id of a machine, for lists of which nothing else is wanted."""

    system_id: str


MACHINE = TypeAdapter(Machine)
MACHINES = TypeAdapter(list[Machine])
MAYBE_MACHINE = TypeAdapter(Machine | None)
SYSTEM_IDS = TypeAdapter(list[SystemId])
EVENT_PAGE = TypeAdapter(EventPage)
VERSION = TypeAdapter(Version)
USER = TypeAdapter(User)
