"""Answers of three versions become the same models, and odd ones do not fail the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.maas import models, models_region
from bot.maas.decoding import decode, decode_list, moment
from bot.maas.errors import UnexpectedAnswer
from bot.maas.models import Machine, MachineStatus, Version
from bot.maas.models_region import BootSet, Notification, RackController, Service
from tests.maas.recordings import recorded

VERSIONS = ["2.9", "3.4.10", "3.7.3"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_machine_of_every_version(version):
    raw = json.loads(recorded(version, "machine_read").body)
    machine = decode(models.MACHINE, recorded(version, "machine_read").body, endpoint="x")
    assert (machine.system_id, machine.hostname, machine.fqdn) == (
        raw["system_id"],
        raw["hostname"],
        raw["fqdn"],
    )
    assert machine.status == raw["status"]
    assert machine.status_name == raw["status_name"]
    assert (machine.pool, machine.zone) == (raw["pool"]["name"], raw["zone"]["name"])
    assert machine.tags == tuple(raw["tag_names"])
    assert machine.boot_mac == raw["boot_interface"]["mac_address"]
    assert machine.owner == (raw["owner"] or "")
    assert machine.memory == raw["memory"]
    assert machine.storage == raw["storage"]
    assert machine.vendor == raw["hardware_info"]["system_vendor"]
    assert machine.status_message == (raw["status_message"] or "")
    assert machine.error_description == raw.get("error_description", "")


@pytest.mark.parametrize("version", VERSIONS)
def test_lists_of_every_version(version):
    machines = decode(models.MACHINES, recorded(version, "machines_list").body, endpoint="x")
    assert len(machines) == len(json.loads(recorded(version, "machines_list").body))
    assert all(machine.system_id and machine.status is not MachineStatus.UNKNOWN for machine in machines)


def long_list(count, **layout):
    one = json.loads(recorded("2.9", "machines_list_fleet_one").body)[0]
    trap = 'see "/machines/x/"}, {'
    rows = [{**one, "system_id": f"n{number}", "description": trap} for number in range(count)]
    return json.dumps(rows, **layout).encode()


@pytest.mark.parametrize("layout", [{"indent": 4}, {"indent": 2}, {"separators": (",", ":")}, {"indent": "\t"}])
def test_long_lists_in_any_layout(layout):
    body = long_list(250, **layout)
    assert len(body) > 2 * 1024 * 1024
    machines = decode_list(models.MACHINES, body, endpoint="x")
    assert [machine.system_id for machine in machines] == [f"n{number}" for number in range(250)]
    assert machines == decode(models.MACHINES, body, endpoint="x")


@pytest.mark.parametrize("cut", [-1, -3, -7, 1_500_000])
def test_long_lists_that_break_off(cut):
    with pytest.raises(UnexpectedAnswer):
        decode_list(models.MACHINES, long_list(250, indent=4)[:cut], endpoint="x")


def test_models_survive_being_written_and_read():
    machines = decode(models.MACHINES, recorded("2.9", "machines_list").body, endpoint="x")
    assert machines
    assert models.MACHINES.validate_json(models.MACHINES.dump_json(machines)) == machines


def test_models_are_small_and_frozen():
    machine = Machine(system_id="x")
    assert not hasattr(machine, "__dict__")
    with pytest.raises((AttributeError, ValidationError)):
        machine.hostname = "y"  # type: ignore[misc]


def test_odd_fields_take_their_defaults():
    body = json.dumps(
        [
            {
                "system_id": "a",
                "pool": None,
                "zone": {"name": None},
                "tag_names": None,
                "memory": "much",
                "status": 99,
            },
            {
                "system_id": "b",
                "boot_interface": None,
                "ip_addresses": [None, "10.0.0.1"],
                "hardware_info": [1],
            },
            {"system_id": "c", "hostname": 5, "locked": "perhaps", "new_in_4_0": {"x": []}},
        ]
    ).encode()
    first, second, third = decode(models.MACHINES, body, endpoint="x")
    assert (first.pool, first.zone, first.tags, first.memory, first.status) == (
        "",
        "",
        (),
        0,
        MachineStatus.UNKNOWN,
    )
    assert second.ip_addresses == ("", "10.0.0.1")
    assert (third.hostname, third.locked, third.name) == ("5", False, "5")


def test_a_machine_without_an_id_is_no_machine():
    with pytest.raises(UnexpectedAnswer, match="system_id"):
        decode(models.MACHINES, b'[{"hostname": "secret-name"}]', endpoint="x")


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_are_an_unexpected_answer(body):
    try:
        decode(models.MACHINES, body, endpoint="Machines.read")
    except UnexpectedAnswer as error:
        assert error.problem.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = sorted(json.loads(recorded("2.9", "machine_read").body))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(fields), json_values, max_size=8))
def test_whatever_the_fields_hold_the_machine_is_there(values):
    body = json.dumps({**values, "system_id": "abc"}).encode()
    assert decode(models.MACHINE, body, endpoint="x").system_id == "abc"


def test_status_groups():
    assert {status for status in MachineStatus if status.failed} >= {
        MachineStatus.FAILED_COMMISSIONING, MachineStatus.FAILED_TESTING, MachineStatus.BROKEN,
    }  # fmt: skip
    assert MachineStatus.COMMISSIONING.busy
    assert not MachineStatus.READY.busy
    assert MachineStatus(4) is MachineStatus.READY


def test_events():
    page = decode(models.EVENT_PAGE, recorded("2.9", "events_machine_commissioning_debug").body, endpoint="x")
    event = page.events[0]
    assert (event.id, event.node, event.level) == (263, "y8k8f7", "DEBUG")
    assert event.text == "Node changed status - From 'Testing' to 'Ready'"
    assert event.at == datetime(2026, 11, 22, 8, 38, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "Sun, 99 Nov. 2026 99:99:99", "0:00:00", "\x00"])
def test_dates_that_are_none(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("2.9.3 from source", (2, 9, 3)),
        ("3.4.10", (3, 4, 10)),
        ("3.7.0~rc1", (3, 7, 0)),
        ("", ()),
        ("next", ()),
    ],
)
def test_releases(text, release):
    assert Version(version=text).release == release


@pytest.mark.parametrize(("version", "name"), [("2.9", "rack_controllers_list"), ("3.4.10", "rackcontrollers_list")])
def test_racks(version, name):
    rack = decode(models_region.RACKS, recorded(version, name).body, endpoint="x")[0]
    assert rack.connected
    assert rack.service("dhcpd") == Service("dhcpd", "off", "")
    assert rack.service("nothing") is None


def test_a_rack_whose_rackd_is_dead_is_not_connected():
    assert not RackController(system_id="x", services=(Service("rackd", "dead", "lost"),)).connected
    assert not RackController(system_id="x").connected


def test_images():
    image = decode(
        models_region.BOOT_RESOURCE,
        recorded("2.9", "import_normal_04_read_ubuntu-focal_amd64-ga-20.04").body,
        endpoint="x",
    )
    assert image.newest is not None
    assert not image.complete
    # Of the set, not of its files: theirs is upside down on 2.9.
    assert round(image.newest.percent) == 33
    assert BootSet(complete=True).percent == 100.0
    listed = decode(models_region.BOOT_RESOURCES, recorded("2.9", "boot_resources_list_synced").body, endpoint="x")
    assert (len(listed), listed[0].newest, listed[0].complete) == (5, None, False)


def test_notifications_are_plain_text():
    found = decode(models_region.NOTIFICATIONS, recorded("3.4.10", "notifications_list").body, endpoint="x")
    assert [one.text for one in found if one.ident == "bot-test"] == ["hello bot"]
    assert not any("<" in one.text or "\n" in one.text for one in found)
    assert Notification(id=1, message="a &lt;b&gt;\u202e{x}", context={"x": 1}).text == "a <b>1"


def test_values_of_power_parameters_are_never_kept():
    body = recorded("2.9", "machines_power_parameters").body
    assert b"power_pass" in body
    keys = decode(models_region.KEYS_ONLY, body, endpoint="x")
    assert "4gmh7n" in keys
    assert set(keys.values()) == {None}


def test_script_results():
    run = decode(models_region.SCRIPT_RESULT_SET, recorded("2.9", "node_results_current_testing").body, endpoint="x")
    assert [result.label for result in run.results] == [
        "smartctl-validate on sda",
        "smartctl-validate on sdb",
    ]
    assert run.results[0].decoded("stderr") == ""
    odd = models_region.ScriptResult(id=1, stderr="/w==", stdout="not base64 at all!")
    assert odd.decoded("stderr") == "\ufffd"
    assert isinstance(odd.decoded("stdout"), str)
