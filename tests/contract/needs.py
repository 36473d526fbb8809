"""Ways to change the lab for single recordings."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.maas import RegionStandIn
from sandbox.maas import machine as states
from sandbox.maas.results import COMMISSIONING_SET, TESTING_SET
from sandbox.maas.world import Named

Need = Callable[[RegionStandIn], object]


def status(system_id: str, name: str, **fields: object) -> Need:
    """The machine is in this state, with these fields."""

    def need(region: RegionStandIn) -> None:
        from tests.contract.lab import put_into

        put_into(region, region.world.machines[system_id], name)
        region.world.alter(system_id, **fields)

    return need


def gone(system_id: str) -> Need:
    return lambda region: region.world.machines.pop(system_id)


def busy(system_id: str) -> Need:
    return lambda region: region.world.power_busy.add(system_id)


def no_rack(region: RegionStandIn) -> None:
    region.faults.set("dead-rack")


def dynamic_range(region: RegionStandIn) -> None:
    if region.world.old:
        region.world.network.add_range("dynamic", "10.77.0.100", "10.77.0.150", 1)
    else:
        region.world.network.add_range("dynamic", "10.98.200.1", "10.98.200.200", 2)
        region.world.network.add_range("dynamic", "10.99.0.100", "10.99.0.200", 1)


def second_subnet(region: RegionStandIn) -> None:
    network = region.world.network
    network.add_subnet("192.168.50.0/24", 5004, "net50", gateway_ip="192.168.50.1", dns_servers=["192.168.50.1"])


def v100_range(region: RegionStandIn) -> None:
    second_subnet(region)
    region.world.network.add_range("dynamic", "192.168.50.100", "192.168.50.150", 2)


def no_images(region: RegionStandIn) -> None:
    region.world.images.resources.clear()


def source_4(region: RegionStandIn) -> None:
    images = region.world.images
    while images.next_ids["source"] <= 5:
        images.add_source(f"http://127.0.0.1:8099/{images.next_ids['source']}/", "/usr/share/keyrings/mirror.gpg")


def source_4_focal(region: RegionStandIn) -> None:
    source_4(region)
    images = region.world.images
    images.select(images.sources[1], "focal")


def source_same_url(region: RegionStandIn) -> None:
    region.world.images.add_source("http://127.0.0.1:8099/ephemeral-v3/stable/", "x")


def selection_5(region: RegionStandIn) -> None:
    source_4(region)
    images = region.world.images
    images.next_ids["selection"] = 5
    images.select(images.sources[1], "bionic")


def no_source_3(region: RegionStandIn) -> None:
    region.world.images.sources.clear()


def second_source(region: RegionStandIn) -> None:
    region.world.images.add_source("http://10.99.0.2:8098/other/", "x")


def noble_selected(region: RegionStandIn) -> None:
    images = region.world.images
    images.select(images.sources[0], "noble")


def resource(number: int) -> Need:
    def need(region: RegionStandIn) -> None:
        made = region.world.images.add_ubuntu("jammy")[0]
        del region.world.images.resources[made.id]
        made.id = number
        region.world.images.resources[number] = made

    return need


def importing(region: RegionStandIn) -> None:
    region.world.images.importing = True


def setting(name: str, value: object) -> Need:
    return lambda region: region.world.settings.__setitem__(name, value)


def domain(name: str) -> Need:
    row = {"id": 1, "name": name, "authoritative": True, "ttl": None}
    return lambda region: region.world.domains.append(row)


def reservation(region: RegionStandIn) -> None:
    region.world.network.reserve("10.98.201.5", "52:54:00:aa:00:01", 2, "printer")


def dns_name(fqdn: str, address: str) -> Need:
    def need(region: RegionStandIn) -> None:
        region.world.add_dns_name(fqdn, [address])

    return need


def pool1(region: RegionStandIn) -> None:
    region.world.pools[1] = Named(1, "pool1", "d")


def pool3(region: RegionStandIn) -> None:
    region.world.pools[3] = Named(3, "tmp", "x")


def zone(name: str) -> Need:
    def need(region: RegionStandIn) -> None:
        region.world.zones[name] = Named(9, name, "d")

    return need


def tag(name: str) -> Need:
    return lambda region: region.world.tags.__setitem__(name, Named(7, name, "c"))


def ssh_key(region: RegionStandIn) -> None:
    keys = {
        True: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC893NR3iCuA924tilDvZRjieTt6nLcaf2FYl01YWgaS bot@test\n",
        False: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test",
    }
    key = {"id": 1, "key": keys[region.world.old], "user": "admin"}
    region.world.sshkeys.append(key)


def user(name: str) -> Need:
    def need(region: RegionStandIn) -> None:
        from sandbox.maas.users import User

        region.world.users.append(User(name, f"{name}@example.com", False))

    return need


def operator_is_joe(region: RegionStandIn) -> None:
    next(u for u in region.world.users if u.username == "operator").email = "joe@example.com"


def repository(region: RegionStandIn) -> None:
    rows = region.world.repositories
    rows.append({**rows[0], "id": 3, "name": "extra"})


def notification(number: int, dismissable: bool) -> Need:
    def need(region: RegionStandIn) -> None:
        row = {**region.world.notifications[0], "id": number, "ident": "bot-test", "dismissable": dismissable}
        region.world.notifications.append(row)

    return need


def script(region: RegionStandIn) -> None:
    region.world.scripts.append(
        {
            **region.world.scripts[0],
            "name": "hello-test",
            "id": 99,
            "default": False,
            "type": 2,
            "packages": {},
        }
    )


def results(system_id: str) -> Need:
    """Runs of commissioning and testing that passed, with the ids of the recordings."""

    def need(region: RegionStandIn) -> None:
        world = region.world
        machine = world.machines[system_id]
        world.next_ids["script_set"] = 4
        names = [s["name"] for s in world.scripts_of(0)]
        for kind, scripts in ((COMMISSIONING_SET, names), (TESTING_SET, ["smartctl-validate"])):
            made = world.new_set(machine, kind, scripts)
            for result in made.results:
                if world.old:
                    result.status, result.exit_status = 2, 0
                    result.started, result.ended = 1_795_336_677.7, 1_795_336_679.8
                    result.stdout = "ok\n"
            if kind == COMMISSIONING_SET:
                machine.commissioning_set = made.id
            else:
                machine.testing_set = made.id
        machine.installation_set = None

    return need


def linked(system_id: str) -> Need:
    return lambda region: region.world.alter(system_id, subnet=1)


def some_events(region: RegionStandIn) -> None:
    world = region.world
    for machine in world.machines.values():
        if machine.status != states.NEW:
            world.node_event(machine, "INFO", "Commissioning")
    world.region_event("ERROR", "Rack import error", "Unable to find a copy of bootx64.efi.")
    world.audit(world.admin, "Settings", "Updated configuration setting 'boot_images_auto_import' to 'False'.")


def fabric_2(region: RegionStandIn) -> None:
    region.world.network.add_fabric("tmpfab")


def space_1(region: RegionStandIn) -> None:
    from sandbox.maas.network import Space

    region.world.network.spaces[1] = Space(1, "internal")


def chunked(number: int) -> Need:
    from sandbox.maas.images import BootFile, BootResource

    made = BootResource(
        number, "Uploaded", "chunked", "amd64/generic", "generic", "20261122",
        [BootFile("root-dd.gz", "0" * 64, 10_000_000)], "uploaded", "Chunked",
    )  # fmt: skip
    return lambda region: region.world.images.resources.__setitem__(number, made)


def rename_fabric(region: RegionStandIn, number: int, name: str) -> None:
    region.world.network.fabrics[number].name = name


def third_range(region: RegionStandIn) -> None:
    region.world.network.add_range("dynamic", "10.98.210.1", "10.98.210.9", 2)


def give_ipmi(region: RegionStandIn, system_id: str) -> None:
    parameters = region.world.ipmi_parameters("10.98.250.77", "admin")
    region.world.alter(system_id, power_type="ipmi", power_parameters=parameters)


def index_unread(region: RegionStandIn, number: int) -> None:
    for source in region.world.images.sources:
        source.index_read = source.id != number


def mirror_without(region: RegionStandIn, release: str) -> None:
    region.world.images.mirror.discard(release)
