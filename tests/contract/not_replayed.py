"""Recordings that the stand-in does not answer as recorded, each with the reason."""

ACCEPT_ANY = "the answer to Accept: */* depends on the worker process that took the call"
NO_TOOL = "the recorded rack controller lacked freeipmi-tools; the stand-in's has it"
CURTIN = "the stand-in renders no curtin configuration"
DATABASE = "the stand-in keeps no {}"
LAYOUTS = "the stand-in changes no storage layouts"
NO_ENGINE = "the recorded region ran without the workflow engine behind power actions"

NOT_REPLAYED: dict[str, dict[str, str]] = {
    "2.9": {
        "users_whoami_accept_any_0": ACCEPT_ANY,
        "users_whoami_accept_any_1": ACCEPT_ANY,
        "users_whoami_accept_any_3": ACCEPT_ANY,
        "initial_installation_results_list": "installation-results/ is deprecated and not in the stand-in",
        "machine_deploy_ready_without_allocate": "the recorded region lacked /etc/maas/drivers.yaml",
    },
    "3.4.10": {
        "device_create": DATABASE.format("devices"),
        "dhcp_snippet_create": "the recorded rack controller had no dhcpd to check the snippet with",
        "machine_details": "the stand-in has no lshw and lldp documents",
        "machine_get_curtin_config": CURTIN,
        "machine_get_curtin_config_deployed": CURTIN,
        "machine_get_curtin_config_deploying": CURTIN,
        "machine_power_off_soft_ipmi_unreachable": NO_TOOL,
        "machine_query_power_state_ipmi_unreachable": NO_TOOL,
        "machine_set_storage_layout_flat": LAYOUTS,
        "machine_set_storage_layout_lvm": LAYOUTS,
        "node_devices": "the stand-in lists no PCI and USB devices",
    },
    "3.7.3": {
        "device_create": DATABASE.format("devices"),
        "dhcp_snippet_create": DATABASE.format("DHCP snippets"),
        "dhcp_snippet_delete": DATABASE.format("DHCP snippets"),
        "dhcp_snippet_revert": DATABASE.format("DHCP snippets"),
        "dhcp_snippet_update": DATABASE.format("DHCP snippets"),
        "machine_details": "the stand-in has no lshw and lldp documents",
        "machine_get_curtin_config": CURTIN,
        "machine_get_curtin_config_deployed": CURTIN,
        "machine_get_curtin_config_deploying": CURTIN,
        "machine_power_off_soft_ipmi_unreachable": NO_TOOL,
        "machine_query_power_state": NO_ENGINE,
        "machine_query_power_state_ipmi_unreachable": NO_TOOL,
        "machine_rescue_mode": NO_ENGINE,
        "machine_set_storage_layout_flat": LAYOUTS,
        "machine_set_storage_layout_lvm": LAYOUTS,
        "node_devices": "the stand-in lists no PCI and USB devices",
    },
}
