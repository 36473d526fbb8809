"""One operation of each kind, with all that a test needs to watch it: a row for every kind that the bot knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.demo import World
from sandbox.maas import machine as states
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


def _ready(world: World) -> None:
    world.region.world.alter("node-9", status=states.READY)


def _under_test(world: World) -> None:
    one = machine(world, "node-8")
    one.manners.bmc, one.manners.never_boots = "ok", True
    world.region.world.settings["node_timeout"] = 3000  # minutes: it must not end by itself before it is aborted
    world.region.lifecycle.test(one, world.region.world.admin, None, enable_ssh=False)


def _in_rescue(world: World) -> None:
    world.region.world.alter("node-8", status=states.RESCUE_MODE, return_to=states.READY, bmc="ok")


def _tagged(world: World) -> None:
    world.region.world.alter("node-6", tags=["bigmem"])


def _here(world: World) -> None:
    world.region.world.alter("node-4", pool=0, zone="default")


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


def _of(
    name: str, words: str, *end: str, lock: str = "", prepare: Callable[[World], None] = nothing, **calls: int
) -> Order:
    return Order(words, end, name, calls, lock or name, prepare=prepare)


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
    "accept": _of_machine("accept node-3", "Accepted", "Ready", commission=1),
    "test": _of_machine("test node-2", "Tested", "Ready", test=1),
    "abort": _of_machine("abort node-8", "Aborted", "Ready", _under_test, test=1, abort=1),
    "deploy": _of("node-10", "deploy node-10 --series noble", "Deployed node-10", "(1 Deployed)", deploy=1),
    "rescue-on": _of_machine("rescue on node-2", "Put into rescue mode", "Rescue mode", rescue_mode=1),
    "rescue-off": _of_machine("rescue off node-8", "Took out of rescue mode", "Ready", _in_rescue, exit_rescue_mode=1),
    "lock": _of_machine("lock node-11", "Locked", "Deployed, locked", lock=1),
    "unlock": _of_machine("unlock node-5", "Unlocked", "Deployed, unlocked", unlock=1),
    # These two ask MAAS for a machine by the same call, and what is asked twice is to be seen.
    "allocate": _of("node-9", "allocate node-9", "Allocated", lock="allocate", prepare=_ready, allocate=1),
    "broken": _of("node-10", "broken node-10", "Marked broken", lock="allocate", allocate=1, mark_broken=1),
    "fixed": _of_machine("fixed node-6", "Marked fixed", "Ready", mark_fixed=1),
    "rename": _of("node-4", "rename node-4 db-4", "Renamed", "now db-4", update=1),
    "notes": _of("node-7", "notes node-7 --text later", "Changed the notes of", update=1),
    "tag": _of("node-1", "tag node-1 --name burn-in", "Tagged", "burn-in", tag=1),
    "untag": _of("node-6", "untag node-6 --name bigmem", "Untagged", prepare=_tagged, tag=1),
    "pool": _of("node-4", "pool node-4 --to gpu", "Moved", "in pool gpu", prepare=_here, update=1),
    "zone": _of("node-12", "zone node-12 --to rack-b", "Moved", "in zone rack-b", update=1),
    "add": Order("add db-77 --mac 52:54:00:aa:bb:77 --power manual", ("Added db-77",), lock="add"),
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
    "clone": "nothing in MAAS tells that it was done, so it is asked for twice, which comes to the same",
    "images-stop": "what it stops would be over long before all the kills",
    "images-recover": "needs an import that stalls all the while; tests/images watch it",
    "images-upload": "needs a server of files; tests/images/test_upload.py watches it",
    "images-source-add": "no row yet; tests/images/test_operations.py watches it",
    "images-source-reset": "no row yet; tests/images/test_operations.py watches it",
    "images-source-remove": "no row yet; tests/images/test_operations.py watches it",
    **dict.fromkeys(
        ("routes-add", "routes-remove", "dns-add", "dns-remove"),
        "no row yet; tests/network/test_record_changes.py loses their answers and requests",
    ),
    "setup": "no row yet; its steps are those of the kinds above",
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
