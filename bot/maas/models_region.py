"""Controllers, images, network, notifications and script results, as the API gives them."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasPath, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas.decoding import LENIENT, Bool, Dropped, Int, Or, Text, Texts
from bot.maas.errors import clean
from bot.maas.models_images import BootFile

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, config=LENIENT)
class Service:
    """A service of a controller: `status` is running, degraded, dead, off or unknown."""

    name: Text = ""
    status: Text = ""
    status_info: Text = ""


@dataclass(frozen=True, slots=True, config=LENIENT)
class RackController:
    """A rack controller, with the services that it reports."""

    system_id: str
    hostname: Text = ""
    fqdn: Text = ""
    #: "" on 2.9
    version: Text = ""
    node_type_name: Text = ""
    services: Annotated[tuple[Service, ...], Or(())] = Field(default=(), validation_alias="service_set")
    ip_addresses: Texts = ()
    zone: Text = Field(default="", validation_alias=AliasPath("zone", "name"))

    def service(self, name: str) -> Service | None:
        """The service called `name` ("rackd", "dhcpd", ...), None when the rack does not report it."""
        return next((service for service in self.services if service.name == name), None)

    @property
    def connected(self) -> bool:
        """Its rackd speaks with the region: without it no machine of this rack boots or changes its power."""
        rackd = self.service("rackd")
        return rackd is not None and rackd.status in {"running", "degraded"}


@dataclass(frozen=True, slots=True, config=LENIENT)
class RegionController:
    """A region controller. Its services are listed with its rack's when both run on one host."""

    system_id: str
    hostname: Text = ""
    fqdn: Text = ""
    version: Text = ""
    node_type_name: Text = ""
    services: Annotated[tuple[Service, ...], Or(())] = Field(default=(), validation_alias="service_set")
    ip_addresses: Texts = ()
    zone: Text = Field(default="", validation_alias=AliasPath("zone", "name"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class BootSet:
    """One version of an image's files. `progress` is percent while it is incomplete; `size` is in bytes."""

    version: Text = ""
    label: Text = ""
    size: Int = 0
    complete: Bool = False
    progress: Annotated[float | None, Or(None)] = None
    files: Annotated[dict[str, BootFile], Or({})] = Field(default_factory=dict)

    @property
    def percent(self) -> float:
        """How much of it the region has, 0 to 100."""
        return 100.0 if self.complete else min(self.progress or 0.0, 100.0)


@dataclass(frozen=True, slots=True, config=LENIENT)
class BootResource:
    """An image for one operating system, release and architecture. Lists come without sets."""

    id: int
    name: Text = ""
    type: Text = ""
    architecture: Text = ""
    subarches: Text = ""
    title: Text = ""
    sets: Annotated[dict[str, BootSet], Or({})] = Field(default_factory=dict)

    @property
    def newest(self) -> BootSet | None:
        """The latest version, complete or not; None in lists and for an image without files."""
        return self.sets[max(self.sets)] if self.sets else None

    @property
    def complete(self) -> bool:
        """Some version can be served to machines."""
        return any(one.complete for one in self.sets.values())


@dataclass(frozen=True, slots=True, config=LENIENT)
class Vlan:
    """A VLAN of a fabric."""

    id: int
    vid: Int = 0
    name: Text = ""
    fabric: Text = ""
    fabric_id: Int = 0
    mtu: Int = 0
    dhcp_on: Bool = False
    external_dhcp: Text = ""
    primary_rack: Text = ""
    secondary_rack: Text = ""
    space: Text = ""
    #: DHCP is relayed from this VLAN, if any.
    relay_vlan_id: Annotated[int | None, Or(None)] = Field(default=None, validation_alias=AliasPath("relay_vlan", "id"))


@dataclass(frozen=True, slots=True, config=LENIENT)
class Fabric:
    """A fabric with its VLANs: the API lists VLANs in no other place."""

    id: int
    name: Text = ""
    vlans: Annotated[tuple[Vlan, ...], Or(())] = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class Subnet:
    """A subnet and the VLAN that it lies on."""

    id: int
    name: Text = ""
    cidr: Text = ""
    gateway_ip: Text = ""
    dns_servers: Texts = ()
    managed: Bool = True
    vlan: Annotated[Vlan | None, Or(None)] = None


@dataclass(frozen=True, slots=True, config=LENIENT)
class Notification:
    """A notice of MAAS's own pages. `category` is error, warning, success or info."""

    id: int
    ident: Text = ""
    category: Text = ""
    message: Text = ""
    context: Annotated[dict[str, Any], Or({})] = Field(default_factory=dict)
    admins: Bool = False
    users: Bool = False
    dismissable: Bool = True

    @property
    def text(self) -> str:
        """The message with its context filled in and without HTML, in one line."""
        message = self.message
        for name, value in self.context.items():
            message = message.replace(f"{{{name}}}", str(value))
        return clean(html.unescape(_TAG.sub(" ", message)))


@dataclass(frozen=True, slots=True, config=LENIENT)
class ScriptResult:
    """One script's run. The texts are filled only when the output was asked for; they come base64-encoded."""

    id: int
    name: Text = ""
    status: Int = -1
    status_name: Text = ""
    exit_status: Annotated[int | None, Or(None)] = None
    started: Text = ""
    ended: Text = ""
    runtime: Text = ""
    suppressed: Bool = False
    #: The disk or interface that it ran on, "" for scripts that run once.
    storage: Text = Field(default="", validation_alias=AliasPath("parameters", "storage", "value", "name"))
    interface: Text = Field(default="", validation_alias=AliasPath("parameters", "interface", "value", "name"))
    output: Text = Field(default="", repr=False)
    stdout: Text = Field(default="", repr=False)
    stderr: Text = Field(default="", repr=False)

    @property
    def label(self) -> str:
        """As MAAS's events name it: "smartctl-validate on sda"."""
        device = self.storage or self.interface
        return f"{self.name} on {device}" if device else self.name

    def decoded(self, stream: str) -> str:
        """The text of `stream` ("output", "stdout" or "stderr"), with marks where the bytes were no UTF-8."""
        try:
            data = base64.b64decode(getattr(self, stream), validate=False)
        except (binascii.Error, ValueError):
            return ""
        return data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, config=LENIENT)
class ScriptResultSet:
    """The scripts of one commissioning, testing or installation run."""

    id: int
    system_id: Text = ""
    type_name: Text = ""
    status: Int = -1
    status_name: Text = ""
    started: Text = ""
    ended: Text = ""
    #: The last time that the machine reported anything; "" when it never did.
    last_ping: Text = ""
    results: Annotated[tuple[ScriptResult, ...], Or(())] = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class PowerAnswer:
    """What a BMC said when it was asked: on, off, unknown or error."""

    state: Text = "unknown"


RACKS = TypeAdapter(list[RackController])
REGION_CONTROLLERS = TypeAdapter(list[RegionController])
BOOT_RESOURCE = TypeAdapter(BootResource)
BOOT_RESOURCES = TypeAdapter(list[BootResource])
FABRICS = TypeAdapter(list[Fabric])
SUBNETS = TypeAdapter(list[Subnet])
NOTIFICATIONS = TypeAdapter(list[Notification])
SCRIPT_RESULT_SET = TypeAdapter(ScriptResultSet)
POWER_ANSWER = TypeAdapter(PowerAnswer)
BARE_BOOL = TypeAdapter(bool)
BARE_VALUE: TypeAdapter[Any] = TypeAdapter(Any)
#: The keys of an answer whose values are secrets.
KEYS_ONLY = TypeAdapter(Mapping[str, Dropped])
