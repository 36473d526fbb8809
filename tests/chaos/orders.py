"""One operation of each kind, with all that a test needs to watch it: a row for every kind that the bot knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.demo import World
from tests.kinds.steps import machine

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"
_OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC893NR3iCuA924tilDvZRjieTt6nLcaf2FYl01YWgaS olga@laptop"


def nothing(world: World) -> None:
    """Leave the world as it is."""
    del world


def _off(world: World) -> None:
    machine(world, "node-11").power_state = "off"


def _on(world: World) -> None:
    machine(world, "node-12").power_state = "on"


def _unlocked(world: World) -> None:
    machine(world, "node-5").locked = False


def _a_range(world: World) -> None:
    network = world.region.world.network
    office = next(one for one in network.subnets.values() if one.cidr == "10.99.0.0/24")
    network.add_range("reserved", "10.99.0.100", "10.99.0.110", office.id)


def _a_key(world: World) -> None:
    world.region.world.sshkeys.append({"id": 1, "key": _OTHER, "keysource": "", "user": "admin"})


def _keys_elsewhere(world: World) -> None:
    world.region.world.key_sources = {"lp:olga": [_OTHER]}


@dataclass(frozen=True)
class Order:
    """The words that ask for it, how its thread ends, and what it does to the machine `name` if it is work on one.

    Attributes:
        words: `{first}` in them stands for the id of the operation that `first` is.
        end: what its root message holds in the end.
        name: the machine.
        effects: how often each order is to have been given to it.
        lock: orders with the same one can't be under way together.
        world: plain, with a "host" that runs MAAS, or with a "bare" one.
        prepare: makes the world as the order needs it.
        first: words that are to be carried out before.
    """

    words: str
    end: tuple[str, ...]
    name: str = ""
    effects: Mapping[str, int] = field(default_factory=dict)
    lock: str = ""
    world: str = "plain"
    prepare: Callable[[World], None] = nothing
    first: str = ""


def _of_machine(words: str, end: str, state: str, prepare: Callable[[World], None] = nothing, **calls: int) -> Order:
    name = words.split()[-1]
    return Order(words, (f"{end} {name}", f"(1 {state})"), name, calls, name, prepare=prepare)


def _of_host(words: str, *end: str, world: str = "host", first: str = "") -> Order:
    return Order(words, end, lock="host", world=world, first=first)


#: By the kind's name. A kind without a row fails a test: add one here.
ORDERS: dict[str, Order] = {
    "commission": _of_machine("commission node-3", "Commissioned", "Ready", commission=1),
    "release": _of_machine("release node-1", "Released", "Ready", release=1),
    "delete": _of_machine("delete node-7", "Deleted", "Deleted", delete=1),
    "power-on": _of_machine("power on node-11", "Powered on", "on", _off, power_on=1),
    "power-off": _of_machine("power off node-12", "Powered off", "off", _on, power_off=1),
    "power-cycle": _of_machine("power cycle node-5", "Power cycled", "on", _unlocked, power_off=1, power_on=1),
    "dhcp-enable": Order("dhcp enable 10.99.0.0/24", ("Enabled DHCP on fabric-0 untagged",), lock="network"),
    "dhcp-disable": Order("dhcp disable lab-net", ("Disabled DHCP on lab untagged",), lock="network"),
    "ranges-add": Order("ranges add 10.99.0.0/24 10.99.0.120-10.99.0.130", ("Added",), lock="network"),
    "ranges-remove": Order(
        "ranges remove 10.99.0.100-10.99.0.110", ("Removed",), lock="network", prepare=_a_range
    ),
    "config-set": Order("config set upstream_dns 8.8.8.8", ("upstream_dns",), lock="settings"),
    "sshkeys-add": Order(f"sshkeys add {_KEY}", ("Added SSH key",), lock="keys"),
    "sshkeys-import": Order("sshkeys import lp:olga", ("Imported SSH keys",), lock="keys", prepare=_keys_elsewhere),
    "sshkeys-remove": Order("sshkeys remove olga@laptop", ("Removed SSH key",), lock="keys", prepare=_a_key),
    "notifications-dismiss": Order("notifications dismiss all", ("Dismissed notice",), lock="notices"),
    "install": _of_host("install --database test", "Installed the host", "steps done", world="bare"),
    "reset": _of_host("reset", "Reset the host"),
    "upgrade": _of_host("upgrade --channel 3.5/stable", "Upgraded"),
    "host-restart": _of_host("host restart", "Restarted"),
    "backup": _of_host("backup", "Backed up"),
    "restore": _of_host("restore {first}", "Restored", first="backup"),
    "admin-create": _of_host("admin create olga", "olga"),
}  # fmt: skip

#: Kinds that can't be killed here, each with the reason.
LEFT_OUT = {
    "reserved-add": "needs MAAS 3.6, which the stand-in does not play",
    "reserved-remove": "needs MAAS 3.6, which the stand-in does not play",
    "host-enrol": "writes one file of the bot's own machine; what it protects is in tests/host/test_connection.py",
}


def batches() -> Iterator[list[str]]:
    """Kinds that can be under way together, in as few batches as their locks allow."""
    made: list[list[str]] = []
    for kind, order in ORDERS.items():
        for batch in made:
            others = [ORDERS[one] for one in batch]
            if all(one.world == order.world and one.lock != order.lock for one in others):
                batch.append(kind)
                break
        else:
            made.append([kind])
    return iter(made)
