"""Everything that the region knows: machines, network, images, settings, events, users.

Handlers and the life cycle change it; tests and the demo may, too: `machine`, `add_machine`, `alter`.
"""

from __future__ import annotations

import random
import string
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox.maas import data_files
from sandbox.maas.events import Event, EventLog
from sandbox.maas.history import passed_history
from sandbox.maas.images import ImageStore
from sandbox.maas.machine import Machine, Manners
from sandbox.maas.network import Network
from sandbox.maas.results import (
    COMMISSIONING_SET,
    INSTALLATION_SET,
    TESTING_SET,
    ScriptResult,
    ScriptSet,
)
from sandbox.maas.users import API, User, first_users

ID_LETTERS = "abcdefghkmnpqrstwxy34678"


@dataclass
class Named:
    """A zone, pool or tag."""

    id: int
    name: str
    description: str = ""
    definition: str = ""
    kernel_opts: str = ""


class World:
    """State of one region of `version`; `rng` makes ids and jitter the same for the same seed."""

    def __init__(self, version: str, seed: int = 1) -> None:
        self.version = version
        self.old = version.startswith("2.")
        #: 3.7, which answers a few things unlike 3.4.
        self.recent = version.startswith("3.7")
        self.rng = random.Random(seed)
        self.name = "maas-region"
        self.machines: dict[str, Machine] = {}
        self.events = EventLog()
        self.effects: Counter[tuple[str, str]] = Counter()
        self.users: list[User] = first_users(self.rng)
        self.rack_id = self.new_system_id()
        self.rack_alive = True
        self.network = Network(old=self.old, rack=self.rack_id, first_vlan=1 if version.startswith("3.4") else 5001)
        self.images = ImageStore(old=self.old, recent=self.recent)
        self.zones: dict[str, Named] = {"default": Named(1, "default")}
        self.pools: dict[int, Named] = {0: Named(0, "default", "Default pool")}
        self.tags: dict[str, Named] = {}
        self.settings: dict[str, Any] = dict(data_files.load(version, "settings"))
        self.scripts: list[dict[str, Any]] = data_files.load(version, "scripts")
        self.script_bodies: dict[str, str] = {}
        self.script_sets: dict[int, ScriptSet] = {}
        self.repositories: list[dict[str, Any]] = data_files.load(version, "package_repositories")
        self.notifications: list[dict[str, Any]] = []
        self.sshkeys: list[dict[str, Any]] = []
        self.domains: list[dict[str, Any]] = [{"id": 0, "name": "maas", "authoritative": True, "ttl": None}]
        self.dns_names: list[dict[str, Any]] = []
        self.routes: list[dict[str, Any]] = []
        #: What racks saw on the network: ip, mac_address, seen (seconds), and hostname and mac_organization if known.
        self.discoveries: list[dict[str, Any]] = []
        #: What Launchpad and GitHub have, "lp:olga" to keys; None is a region without a way to the internet.
        self.key_sources: dict[str, list[str]] | None = None
        self.rack_addresses: list[str] = ["10.99.0.2"]
        self.power_busy: set[str] = set()
        #: Kinds of BMC that the racks describe and the region's forms do not take.
        self.refused_power_types: set[str] = set()
        self.next_ids: dict[str, int] = {}
        self._stamp = 0

    @property
    def generation(self) -> int:
        """Changes when something changes that machines print besides their own fields."""
        return self.network.generation + self._stamp

    def groups_changed(self) -> None:
        self._stamp += 1

    @property
    def region_hostname(self) -> str:
        return self.name

    @property
    def admin(self) -> User:
        return next(u for u in self.users if u.is_superuser)

    def take_id(self, kind: str, first: int = 1) -> int:
        number = self.next_ids.get(kind, first)
        self.next_ids[kind] = number + 1
        return number

    def new_system_id(self) -> str:
        while True:
            made = "".join(self.rng.choices(ID_LETTERS, k=6))
            if made not in self.machines and any(c not in string.digits for c in made):
                return made

    def machine(self, name: str) -> Machine:
        """The machine with this system id or hostname.

        Raises:
            KeyError: there is none.
        """
        if name in self.machines:
            return self.machines[name]
        for machine in self.machines.values():
            if machine.hostname == name:
                return machine
        raise KeyError(name)

    def add_machine(self, hostname: str = "", **fields: Any) -> Machine:
        """A machine with `fields` of Machine; ids, MAC and power parameters are made up if not given."""
        number = self.take_id("machine")
        system_id = fields.pop("system_id", None) or self.new_system_id()
        macs = fields.pop("macs", None) or [mac_of(number)]
        power_type = fields.pop("power_type", "ipmi")
        parameters = fields.pop("power_parameters", None)
        if parameters is None:
            parameters = self.ipmi_parameters(f"10.98.{250 + number // 250}.{number % 250 + 1}")
            parameters = parameters if power_type == "ipmi" else {}
        machine = Machine(
            system_id,
            number,
            hostname or f"node-{number}",
            macs,
            power_type=power_type,
            power_parameters=parameters,
            **fields,
        )
        self.machines[system_id] = machine
        return machine

    def ipmi_parameters(self, address: str, user: str = "maas", password: str = "") -> dict[str, Any]:
        """Power parameters of an IPMI machine with the defaults that this version fills in."""
        made = ipmi_parameters(self.old, address, user, password)
        return {**made, "power_off_mode": "hard"} if self.recent else made

    def add_dns_name(self, fqdn: str, addresses: list[str]) -> dict[str, Any]:
        """A name in DNS that a person made."""
        row = {"id": self.take_id("dns"), "fqdn": fqdn, "ip_addresses": addresses, "created": time.time()}
        self.dns_names.append(row)
        return row

    def alter(self, name: str, **fields: Any) -> Machine:
        """Changes fields of a machine, and of its manners, by name."""
        machine = self.machine(name)
        for field, value in fields.items():
            target: Machine | Manners = machine if hasattr(machine, field) else machine.manners
            if not hasattr(target, field):
                raise AttributeError(field)
            setattr(target, field, value)
        return machine

    def node_event(
        self, machine: Machine, level: str, type_: str, description: str = "", username: str = "unknown"
    ) -> Event:
        """Logs an event of a machine; from INFO on it becomes the machine's status message."""
        if level != "DEBUG":
            machine.status_message = f"{type_} - {description}" if description else type_
            machine.status_action = ""
        return self.events.add(
            level, type_, description, node=machine.system_id, hostname=machine.hostname, username=username
        )

    def log_order(self, machine: Machine, type_: str, user: User, comment: str = "") -> None:
        """Logs that somebody ordered something of a machine; 2.9 does not say who in `username`."""
        text = f"({user.username})" + (f" - {comment}" if comment else "")
        self.node_event(machine, "DEBUG", type_, text, "unknown" if self.old else user.username)

    def region_event(self, level: str, type_: str, description: str) -> Event:
        return self.events.add(level, type_, description, node=self.rack_id, hostname=self.region_hostname)

    def importer_notice(self, text: str) -> None:
        """The one notice of the image importer, which the next good import takes away."""
        number = self.take_id("notification")
        self.notifications[:] = [n for n in self.notifications if n["ident"] != "Image importer"]
        self.notifications.append(
            {
                "ident": "Image importer",
                "user": None,
                "users": False,
                "admins": True,
                "message": text,
                "context": {},
                "category": "error",
                "dismissable": True,
                "id": number,
                "resource_uri": f"{API}/notifications/{number}/",
            }
        )

    def audit(self, user: User, type_: str, description: str) -> None:
        self.events.add("AUDIT", type_, description, username=user.username)

    def zone_json(self, zone: Named) -> dict[str, Any]:
        return {
            "name": zone.name,
            "description": zone.description,
            "id": zone.id,
            "resource_uri": f"{API}/zones/{zone.name}/",
        }

    def pool_json(self, pool: Named) -> dict[str, Any]:
        return {
            "name": pool.name,
            "description": pool.description,
            "id": pool.id,
            "resource_uri": f"{API}/resourcepool/{pool.id}/",
        }

    def script(self, name: str) -> dict[str, Any] | None:
        return next((s for s in self.scripts if s["name"] == name), None)

    def scripts_of(self, kind: int) -> list[dict[str, Any]]:
        return [s for s in self.scripts if s["type"] == kind]

    def new_set(self, machine: Machine, kind: int, names: list[str]) -> ScriptSet:
        """A run of `names` on the machine, all pending."""
        made = ScriptSet(self.take_id("script_set"), kind, machine.system_id)
        now = time.time()
        for name in names:
            script = self.script(name) or {"id": 0, "timeout": "0:00:00"}
            made.results.append(ScriptResult(self.take_id("result"), name, script["id"], now, script["timeout"]))
        self.script_sets[made.id] = made
        return made

    def sets_of(self, machine: Machine) -> list[ScriptSet]:
        """All runs on the machine, newest first; the history of a machine that came with one is made now."""
        for number, kind in (
            (machine.commissioning_set, COMMISSIONING_SET),
            (machine.testing_set, TESTING_SET),
            (machine.installation_set, INSTALLATION_SET),
        ):
            if number is not None and number not in self.script_sets:
                self.script_sets[number] = passed_history(self, machine, number, kind)
        return sorted((s for s in self.script_sets.values() if s.system_id == machine.system_id), key=lambda s: -s.id)


def mac_of(number: int) -> str:
    return f"52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def ipmi_parameters(old: bool, address: str, user: str = "maas", password: str = "") -> dict[str, Any]:
    """Power parameters of an IPMI machine with the defaults that MAAS fills in."""
    made: dict[str, Any] = {
        "power_driver": "LAN_2_0",
        "power_boot_type": "auto",
        "power_address": address,
        "power_user": user,
        "power_pass": password or "xZ8qLr3v",
        "k_g": "",
        "cipher_suite_id": "3",
        "privilege_level": "OPERATOR",
        "mac_address": "",
    }
    if not old:
        made["workaround_flags"] = ["opensesspriv"]
    return made
