"""One operation of each kind, with all that a test needs to watch it: a row for every kind that the bot knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.demo import World
from tests.chaos import prepared as was
from tests.network.wishes import KEY, WHOLE

_MIRROR = "http://mirror.lan/maas/"
#: What an image of one's own begins with, and more than two of the parts in which it is uploaded.
CONTENT = b"\x1f\x8b" + bytes(9_000_000)
_SETUP = f"setup ```{WHOLE}```"


def _nothing_more(world: World) -> bool:
    del world
    return True


@dataclass(frozen=True)
class Order:
    """The words that ask for it, how its thread ends, and what it does to the machine `name` if it is work on one.

    Attributes:
        words: `{first}` in them stands for the id of the operation that `first` is, `{image}` for the address of
            the file CONTENT.
        end: what its root message holds in the end.
        name: the machine.
        effects: how often each order is to have been given to it.
        lock: orders with the same one can't be under way together.
        world: plain, of the version of MAAS that it names, "fresh" as right after its installation, with a "host"
            that runs MAAS, with a "bare" one, or with one whose key is "unpinned".
        prepare: makes the world as the order needs it.
        first: words that are to be carried out before.
        seen: words that read, and what they tell once the bot has noticed what was was.
        times: calls that MAAS takes more often than once, as "METHOD PATH OP", each with how often.
        happens: what happens in the world once it has died there, by the moment.
        so: what has to be so in the world in the end.
        fill: what is entered in the form for power settings, if it is one that the words ask for.
    """

    words: str
    end: tuple[str, ...]
    name: str = ""
    effects: Mapping[str, int] = field(default_factory=dict)
    lock: str = ""
    world: str = "plain"
    prepare: Callable[[World], None] = was.nothing
    first: str = ""
    unseen: str = ""
    times: Mapping[str, int] = field(default_factory=dict)
    happens: Mapping[str, Callable[[World], None]] = field(default_factory=dict)
    so: Callable[[World], object] = _nothing_more
    fill: Mapping[str, str] = field(default_factory=dict)


def _of_machine(
    words: str, end: str, state: str, prepare: Callable[[World], None] = was.nothing, **calls: int
) -> Order:
    name = words.split()[-1]
    return Order(words, (f"{end} {name}", f"(1 {state})"), name, calls, name, prepare=prepare)


def _of(
    name: str, words: str, *end: str, lock: str = "", prepare: Callable[[World], None] = was.nothing, **calls: int
) -> Order:
    return Order(words, end, name, calls, lock or name, prepare=prepare)


def _of_host(words: str, *end: str, world: str = "host", first: str = "") -> Order:
    return Order(words, end, lock="host", world=world, first=first)


#: By the kind's name. A kind without a row fails a test: add one here.
ORDERS: dict[str, Order] = {
    "commission": _of_machine("commission node-3", "Commissioned", "Ready", commission=1),
    "release": _of_machine("release node-1", "Released", "Ready", release=1),
    "delete": _of_machine("delete node-7", "Deleted", "Deleted", delete=1),
    "power-on": _of_machine("power on node-11", "Powered on", "on", was.off, power_on=1),
    "power-off": _of_machine("power off node-12", "Powered off", "off", was.on, power_off=1),
    "power-cycle": _of_machine("power cycle node-5", "Power cycled", "on", was.unlocked, power_off=1, power_on=1),
    "power-set": Order(
        "power set node-4", ("Set the power settings of node-4", "BMC answers"), "node-4", {"update": 1}, "node-4",
        prepare=was.with_bmc, fill={"power_pass": "pass-of-the-bmc"},
        so=lambda world: world.region.world.machine("node-4").power_parameters["power_pass"] == "pass-of-the-bmc",
    ),
    "accept": _of_machine("accept node-3", "Accepted", "Ready", commission=1),
    "test": _of_machine("test node-2", "Tested", "Ready", test=1),
    "abort": _of_machine("abort node-8", "Aborted", "Ready", was.under_test, test=1, abort=1),
    "deploy": _of("node-10", "deploy node-10 --series noble", "Deployed node-10", "(1 Deployed)", deploy=1),
    "rescue-on": _of_machine("rescue on node-2", "Put into rescue mode", "Rescue mode", rescue_mode=1),
    "rescue-off": _of_machine(
        "rescue off node-8", "Took out of rescue mode", "Ready", was.in_rescue, exit_rescue_mode=1
    ),
    "lock": _of_machine("lock node-11", "Locked", "Deployed, locked", lock=1),
    "unlock": _of_machine("unlock node-5", "Unlocked", "Deployed, unlocked", unlock=1),
    # These two ask MAAS for a machine by the same call, and what is asked twice is to be seen.
    "allocate": _of("node-9", "allocate node-9", "Allocated", lock="allocate", prepare=was.ready, allocate=1),
    "broken": _of("node-10", "broken node-10", "Marked broken", lock="allocate", allocate=1, mark_broken=1),
    "fixed": _of_machine("fixed node-6", "Marked fixed", "Ready", mark_fixed=1),
    "rename": _of("node-4", "rename node-4 db-4", "Renamed", "now db-4", update=1),
    "notes": _of("node-7", "notes node-7 --text later", "Changed the notes of", update=1),
    "tag": _of("node-1", "tag node-1 --name burn-in", "Tagged", "burn-in", tag=1),
    "untag": _of("node-6", "untag node-6 --name bigmem", "Untagged", prepare=was.tagged, tag=1),
    "pool": _of("node-4", "pool node-4 --to gpu", "Moved", "in pool gpu", prepare=was.here, update=1),
    "zone": _of("node-12", "zone node-12 --to rack-b", "Moved", "in zone rack-b", update=1),
    # Nothing in MAAS tells that it was done: killed between MAAS's answer and the note of it, it is asked for again,
    # which comes to the same. Never after that.
    "clone": Order(
        "clone node-10 --source node-2", ("Cloned to node-10", "(1 Ready)"), "node-10", {"clone": 2}, "allocate",
        times={"POST machines/ clone": 2},
    ),
    "add": Order("add db-77 --mac 52:54:00:aa:bb:77 --power manual", ("Added db-77",), lock="add"),
    "images-import": Order("images import", ("Imported",), lock="images"),
    "images-add": Order("images add bionic", ("Added",), lock="images"),
    "images-remove": Order("images remove bionic", ("Removed",), lock="images", first="images add bionic"),
    "images-source-add": Order(
        f"images source add {_MIRROR} --keyring /etc/mirror.gpg", (_MIRROR,), lock="images",
        so=lambda world: [one.url for one in world.region.world.images.sources].count(_MIRROR) == 1,
    ),
    "images-source-remove": Order(
        "images source remove 2 --reason old", ("deleted",), lock="images", prepare=was.another_source,
        so=lambda world: len(world.region.world.images.sources) == 1,
    ),
    "images-source-reset": Order(
        "images source reset --snap", ("Set the source of images",), lock="images", prepare=was.typing_error,
        so=lambda world: [one.keyring_filename[:6] for one in world.region.world.images.sources] == ["/snap/"],
    ),
    "images-stop": Order(
        "images stop", ("Stopped the import",), lock="images", prepare=was.slow_import,
        so=lambda world: not world.region.world.images.importing,
    ),
    # What is half there after the region's restart is only removed by the first import: it takes a second one.
    "images-recover": Order(
        "images recover", ("Recovered the import of images",), lock="images", prepare=was.stalled_import,
        unseen="nothing has to be recovered", happens={"free is intended": was.region_restarted},
        times={"POST boot-resources/ import": 2},
        so=lambda world: all(one.complete for one in world.region.world.images.of("bionic", "amd64")),
    ),
    # In three parts, each sent once.
    "images-upload": Order(
        "images upload golden {image} --type tgz", ("Uploaded custom/golden",), lock="images",
        times={"PUT boot-resources/*/upload/*": 3},
        so=lambda world: [one.complete for one in world.region.world.images.resources.values()
                          if one.kind == "Uploaded"] == [True],
    ),
    "dhcp-enable": Order("dhcp enable 10.99.0.0/24", ("Enabled DHCP on fabric-0 untagged",), lock="network"),
    "dhcp-disable": Order("dhcp disable lab-net", ("Disabled DHCP on lab untagged",), lock="network"),
    "ranges-add": Order("ranges add 10.99.0.0/24 10.99.0.120-10.99.0.130", ("Added",), lock="network"),
    "ranges-remove": Order("ranges remove 10.99.0.100-10.99.0.110", ("Removed",), lock="network", prepare=was.a_range),
    "routes-add": Order(
        "routes add 10.99.0.0/24 lab-net 10.99.0.1", ("Added route",), lock="network",
        so=lambda world: len(world.region.world.routes) == 2,
    ),
    "routes-remove": Order(
        "routes remove 1", ("Removed route",), lock="network", so=lambda world: not world.region.world.routes
    ),
    "dns-add": Order(
        "dns add mirror.maas 10.98.0.6", ("Added mirror.maas",), lock="network",
        so=lambda world: [one["fqdn"] for one in world.region.world.dns_names].count("mirror.maas") == 1,
    ),
    "dns-remove": Order(
        "dns remove registry.maas --reason moved", ("Removed registry.maas",), lock="network",
        so=lambda world: not world.region.world.dns_names,
    ),
    "reserved-add": Order(
        "reserved add 10.98.0.9 52:54:00:aa:00:01", ("10.98.0.9",), lock="network", world="3.7.3",
        so=lambda world: [one.ip for one in world.region.world.network.reserved.values()].count("10.98.0.9") == 1,
    ),
    "reserved-remove": Order(
        "reserved remove 10.98.0.8", ("10.98.0.8",), lock="network", world="3.7.3", prepare=was.reserved,
        so=lambda world: "10.98.0.8" not in [one.ip for one in world.region.world.network.reserved.values()],
    ),
    # Its settings are one call each, to the same address.
    "setup": Order(
        _SETUP, ("Set up region default", "all 14 steps done"), lock="network", world="fresh",
        times={"POST maas/ set_config": 5},
        so=lambda world: (len(world.region.world.sshkeys), len(world.region.world.network.ranges)) == (2, 1),
    ),
    "config-set": Order("config set upstream_dns 8.8.8.8", ("upstream_dns",), lock="settings"),
    "sshkeys-add": Order(f"sshkeys add {KEY}", ("Added SSH key",), lock="keys"),
    "sshkeys-import": Order("sshkeys import lp:olga", ("Imported SSH keys",), lock="keys", prepare=was.keys_elsewhere),
    "sshkeys-remove": Order("sshkeys remove olga@laptop", ("Removed SSH key",), lock="keys", prepare=was.a_key),
    "notifications-dismiss": Order("notifications dismiss all", ("Dismissed notice",), lock="notices"),
    "host-enrol": Order(
        "host enrol", ("Pinned the key of",), lock="host", world="unpinned",
        so=lambda world: len(was.pinned(world).read_text(encoding="utf-8").splitlines()) == 1,
    ),
    "install": _of_host("install --database test", "Installed the host", "steps done", world="bare"),
    "reset": _of_host("reset", "Reset the host"),
    "upgrade": _of_host("upgrade --channel 3.7/stable", "Upgraded"),
    "host-restart": _of_host("host restart", "Restarted"),
    "backup": _of_host("backup", "Backed up"),
    "restore": _of_host("restore {first}", "Restored", first="backup"),
    "admin-create": _of_host("admin create olga", "olga"),
}  # fmt: skip


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
