"""One operation of each kind, with all that a test needs to watch it: a row for every kind that the bot knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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


def _locked(world: World) -> None:
    machine(world, "node-21").locked = True


def _another_zone(world: World) -> None:
    zones = world.region.world.zones
    zones[9] = dataclasses.replace(next(iter(zones.values())), id=9, name="rack-b")


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
        effects: how often each order is to have been given to it; without it, none more than once.
        lock: orders with the same one can't be under way together.
        world: plain, with a "host" that runs MAAS, or with a "bare" one.
        prepare: makes the world as the order needs it.
        first: words that are to be carried out before.
    """

    words: str
    end: tuple[str, ...]
    name: str = ""
    effects: Mapping[str, int] | None = None
    lock: str = ""
    world: str = "plain"
    prepare: Callable[[World], None] = nothing
    first: str = ""


def _of_machine(words: str, end: str, state: str, prepare: Callable[[World], None] = nothing, **calls: int) -> Order:
    name = words.split()[-1]
    return Order(words, (f"{end} {name}", f"(1 {state})"), name, calls, name, prepare=prepare)


def _change(words: str, prepare: Callable[[World], None] = nothing, first: str = "") -> Order:
    name = next(word for word in words.split() if word.startswith("node-"))
    return Order(words, ("1 of 1 done",), name, lock=name, prepare=prepare, first=first)


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
    "accept": _change("accept node-16"),
    "test": _change("test node-14"),
    "allocate": _change("allocate node-15"),
    "deploy": _change("deploy node-18 --series jammy"),
    "rescue-on": _change("rescue on node-13"),
    "rescue-off": _change("rescue off node-17", first="rescue on node-17"),
    "lock": _change("lock node-20"),
    "unlock": _change("unlock node-21", _locked),
    "broken": _change("broken node-24"),
    "fixed": _change("fixed node-6"),
    "rename": _change("rename node-26 db-1"),
    "notes": _change("notes node-25 --text replaced"),
    "tag": _change("tag node-28 --name gpu"),
    "untag": _change("untag node-34 --name old", first="tag node-34 --name old"),
    "pool": _change("pool node-35 --to ci"),
    "zone": _change("zone node-36 --to rack-b", _another_zone),
    "clone": _change("clone node-10 --source node-2"),
    "images-import": Order("images import", ("Imported",), lock="images"),
    "images-add": Order("images add bionic", ("Added",), lock="images"),
    "images-remove": Order("images remove bionic", ("Removed",), lock="images", first="images add bionic"),
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
    "upgrade": _of_host("upgrade --channel 3.7/stable", "Upgraded"),
    "host-restart": _of_host("host restart", "Restarted"),
    "backup": _of_host("backup", "Backed up"),
    "restore": _of_host("restore {first}", "Restored", first="backup"),
    "admin-create": _of_host("admin create olga", "olga"),
}  # fmt: skip

#: Kinds that can't be killed here, each with the reason.
LEFT_OUT = {
    "reserved-add": "needs MAAS 3.6, which the stand-in does not play",
    "reserved-remove": "needs MAAS 3.6, which the stand-in does not play",
    "abort": "what it aborts would be over long before all the kills",
    "images-stop": "what it stops would be over long before all the kills",
    "images-recover": "needs a stalled import all the while; tests/images watch it",
    "images-upload": "needs a server of files; tests/images/test_upload.py watches it",
    "images-source-add": "no row yet; tests/images/test_operations.py watches it",
    "images-source-reset": "no row yet; tests/images/test_operations.py watches it",
    "images-source-remove": "no row yet; tests/images/test_operations.py watches it",
    "add": "no row yet; its targets are machines that are not there before",
    "setup": "no row yet; it is made of steps of the kinds above",
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
