"""What single recordings need beyond the lab: (pattern of the name, what to do to the region)."""

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
    network.add_subnet(
        "192.168.50.0/24", 5004, "net50", gateway_ip="192.168.50.1", dns_servers=["192.168.50.1"]
    )


def v100_range(region: RegionStandIn) -> None:
    second_subnet(region)
    region.world.network.add_range("dynamic", "192.168.50.100", "192.168.50.150", 2)


def no_images(region: RegionStandIn) -> None:
    region.world.images.resources.clear()


def source_4(region: RegionStandIn) -> None:
    images = region.world.images
    while images.next_ids["source"] <= 5:
        images.add_source(
            f"http://127.0.0.1:8099/{images.next_ids['source']}/", "/usr/share/keyrings/mirror.gpg"
        )


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


def notification(dismissable: bool) -> Need:
    def need(region: RegionStandIn) -> None:
        row = {**region.world.notifications[0], "id": 6, "ident": "bot-test", "dismissable": dismissable}
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
    world.audit(
        world.admin, "Settings", "Updated configuration setting 'boot_images_auto_import' to 'False'."
    )


def fabric_2(region: RegionStandIn) -> None:
    region.world.network.add_fabric("tmpfab")


def space_1(region: RegionStandIn) -> None:
    from sandbox.maas.network import Space

    region.world.network.spaces[1] = Space(1, "internal")


def chunked(region: RegionStandIn) -> None:
    from sandbox.maas.images import BootFile, BootResource

    region.world.images.resources[6] = BootResource(
        6, "Uploaded", "chunked", "amd64/generic", "generic", "20261122",
        [BootFile("root-dd.gz", "0" * 64, 10_000_000)], "uploaded", "Chunked",
    )  # fmt: skip


LOCKED = status("y8k8f7", "Deployed", locked=True)
DEPLOYED = status("y8k8f7", "Deployed")
LOCKED_34 = status("8fc3ah", "Deployed", locked=True)


def _rename_fabric(region: RegionStandIn, number: int, name: str) -> None:
    region.world.network.fabrics[number].name = name


def _third_range(region: RegionStandIn) -> None:
    region.world.network.add_range("dynamic", "10.98.210.1", "10.98.210.9", 2)


def _give_ipmi(region: RegionStandIn, system_id: str) -> None:
    from sandbox.maas.world import ipmi_parameters

    region.world.alter(
        system_id, power_type="ipmi", power_parameters=ipmi_parameters(False, "10.98.250.77", "admin")
    )


def _index_unread(region: RegionStandIn, number: int) -> None:
    for source in region.world.images.sources:
        source.index_read = source.id != number


def _mirror_without(region: RegionStandIn, release: str) -> None:
    region.world.images.mirror.discard(release)


NEEDS: dict[str, list[tuple[str, Need]]] = {
    "2.9": [
        ("machine_abort_after_409", status("4gmh7n", "Ready")),
        ("machine_abort_nothing_to_abort|machine_abort_with_comment", status("br3aen", "New")),
        ("machine_mark_fixed_not_broken|machine_unlock_new", status("br3aen", "New")),
        ("machine_commission_allocated", status("y8k8f7", "Allocated")),
        ("machine_power_on_allocated", status("y8k8f7", "Allocated", subnet=None)),
        ("machine_commission_deployed_400|machine_power_.*_deployed|machine_lock_ok", DEPLOYED),
        ("machine_release_ok", DEPLOYED),
        ("machine_commission_deploying|machine_deploy_again_409", status("y8k8f7", "Deploying")),
        ("machine_power_on_deploying", status("y8k8f7", "Deploying")),
        ("machine_.*_locked|machine_lock_again_409|machine_unlock_ok", LOCKED),
        ("machine_unlock_again_409", DEPLOYED),
        ("machine_commission_power_in_progress_503", busy("4gmh7n")),
        ("machine_delete_404", gone("tm4rhn")),
        ("machines_create_m-bmcslow", gone("sefcbn")),
        ("machines_create_m-bmctimeout", gone("tm4rhn")),
        ("machines_create_m-bmcauth", gone("7kcsxt")),
        ("machines_create_m-ipmi2", gone("y8k8f7")),
        ("machines_create_m-ipmi", gone("4gmh7n")),
        ("machines_create_m-manual", gone("br3aen")),
        (
            "machine_deploy_broken|machine_mark_broken_broken|machine_release_broken",
            status("y8k8f7", "Broken"),
        ),
        (
            "machine_deploy_ok|machine_mark_broken_allocated_ok|machine_release_a.*",
            status("y8k8f7", "Allocated"),
        ),
        ("machines_allocate_already_409", status("y8k8f7", "Allocated")),
        ("machines_allocate_none_409|machine_release_ready", status("y8k8f7", "Ready")),
        ("machines_allocate_dry_run", status("y8k8f7", "Allocated")),
        ("machine_mark_fixed_200", status("4gmh7n", "Broken")),
        ("machine_power_off_ready", status("y8k8f7", "Ready", power_state="on")),
        ("machine_query_power_state_.*", lambda region: None),
        ("machine_update_pool_zone", pool1),
        ("machine_update_pool_zone", zone("z1")),
        (
            "interface_link_subnet|interface_update_vlan_allocated|interfaces_list",
            status("y8k8f7", "Allocated"),
        ),
        ("node_results_.*", results("y8k8f7")),
        ("norack_.*", no_rack),
        ("norack_deploy", status("y8k8f7", "Allocated")),
        ("boot_resources_list_empty|config_set_.*(series|osystem).*", no_images),
        ("boot_resource_delete_while_hung", resource(7)),
        ("boot_source_(create_dup.*)", source_same_url),
        (
            "boot_source_(update|update_url_only)|boot_source_selection_create.*|boot_source_selections_.*",
            source_4,
        ),
        ("boot_source_selection_create_race_400", lambda region: _index_unread(region, 5)),
        ("boot_source_selection_create_unknown_release_400", lambda region: _mirror_without(region, "jammy")),
        ("boot_source_selection_create_dup", source_4_focal),
        ("boot_source_selection_(read|update)", source_4_focal),
        ("boot_source_selection_delete_204", selection_5),
        ("boot_source_selection_delete_404", source_4),
        ("boot_source_delete_again_404", no_source_3),
        ("config_get_completed_intro.*", setting("completed_intro", True)),
        ("config_get_upstream_dns_after", setting("upstream_dns", "8.8.8.8 1.1.1.1")),
        ("config_get_upstream_dns", setting("upstream_dns", None)),
        ("config_get_(default_distro_series|commissioning_distro_series)", lambda region: None),
        ("resourcepools_create_dup", pool1),
        ("zones_create_dup|zone_read|zone_update", zone("z1")),
        ("zone_delete_204", zone("tmpz")),
        ("tags_create_dup|tag_read|tag_machines", tag("tag1")),
        ("sshkeys_(create_dup.*|delete_204|list|read)", ssh_key),
        ("users_create_dup_409", user("joe")),
        ("users_delete_204", user("zed")),
        ("package_repository_create_dup_400", repository),
        ("subnet_(read|read_by_.*|read_spec|update|update_bad_400)|subnets_create_dup_400", second_subnet),
        ("ipranges_create_dynamic2", second_subnet),
        ("ipranges_create_overlap_400|iprange_delete_dhcp_in_use_204", dynamic_range),
        ("vlan_dhcp_on_ok", dynamic_range),
        ("vlan_dhcp_on_rack_not_connected_400", v100_range),
        ("vlans_create", lambda region: region.world.network.vlans.pop(5004)),
        ("fabrics_create", lambda region: _rename_fabric(region, 2, "other")),
        ("events_.*|initial_events_query", some_events),
    ],
    "3.4": [
        ("machine_abort_commissioning", status("kyccyw", "Commissioning")),
        ("machine_abort_commissioning_ready", status("qgmqcp", "Commissioning")),
        ("machine_abort_deploying|machine_deploy_again", status("bn7nah", "Deploying")),
        ("machine_release_deploying", status("bn7nah", "Deploying", power_state="off")),
        ("machine_abort_erase", status("8fc3ah", "Disk erasing")),
        ("machine_abort_testing", status("qgmqcp", "Testing")),
        ("machine_commission_while_commissioning", status("kyccyw", "Commissioning")),
        ("machine_.*_locked|machine_lock_again|machine_unlock", LOCKED_34),
        ("machine_delete_404", gone("kyccyw")),
        ("machine_deploy|machine_deploy_ephemeral|machine_.*_allocated", status("bn7nah", "Allocated")),
        ("machine_deploy_bad_series", status("bn7nah", "Allocated")),
        ("machine_exit_rescue_mode", status("qgmqcp", "Rescue mode")),
        ("machine_release_force", status("w66nny", "Deploying")),
        ("machine_mark_broken_again", status("qgmqcp", "Broken")),
        ("machines_allocate_again_409", status("bn7nah", "Allocated")),
        ("machine_create|machine_create_deployed", gone("kyccyw")),
        ("machine_power_parameters_ipmi", lambda region: _give_ipmi(region, "6n4n6k")),
        ("machine_power_on_ipmi_unreachable", lambda region: _give_ipmi(region, "6n4n6k")),
        ("machine_update_power_manual", lambda region: _give_ipmi(region, "6n4n6k")),
        ("machines_release_bulk_mixed", status("w4trw4", "Deployed")),
        ("node_results(_current-commissioning)?", results("6n4n6k")),
        ("node_results_(commissioning|current_commissioning|current_testing)", results("qgmqcp")),
        ("boot_resource_delete", resource(6)),
        ("boot_resource_delete_again", lambda region: region.world.images.resources.pop(6)),
        ("boot_resource_upload_chunk.", chunked),
        ("boot_resources_is_importing_poll.", importing),
        ("boot_source_delete", second_source),
        ("boot_source_selection_create_dup|boot_source_selection_read|.*selection_update", noble_selected),
        ("maas_get_config_upstream_dns", setting("upstream_dns", None)),
        ("fabric_delete|vlan_create", fabric_2),
        (
            "iprange_create_overlap|iprange_(read|update)|vlan_dhcp_on_(lab_with_range|rack_vlan)",
            dynamic_range,
        ),
        ("iprange_delete_in_use_by_dhcp", dynamic_range),
        ("iprange_delete_in_use_by_dhcp", _third_range),
        ("vlan_put_by_vlan_id", dynamic_range),
        ("vlan_set_space", space_1),
        ("pool_(delete|update)", pool3),
        ("zone_(delete|update)", zone("rack-b")),
        ("tag_(read|delete|update_nodes|update_nodes_unknown|create_dup)", tag("pxe-test")),
        ("tag_404", lambda region: None),
        ("tag_rebuild", tag("auto")),
        ("notification_(read|delete|update)", notification(dismissable=True)),
        ("notification_dismiss", notification(dismissable=False)),
        ("script_(add_tag|delete|download)", script),
        ("sshkey_create_dup|sshkeys_list", ssh_key),
        ("events_.*", some_events),
    ],
}
