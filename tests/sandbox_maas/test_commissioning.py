"""Commissioning and testing over time: states, events, results."""

from __future__ import annotations

import base64

import pytest


async def test_a_new_machine_becomes_ready_through_its_scripts_and_tests(region, call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-3')}/?op=commission")
    assert answer.json["status_name"] == "Commissioning"
    assert answer.json["owner"] == "admin"
    await call.until("node-3", "Testing")
    shown = await call.until("node-3", "Ready")
    assert shown["owner"] is None
    assert shown["cpu_count"] > 0
    assert shown["commissioning_status_name"] == shown["testing_status_name"] == "Passed"
    assert shown["status_message"] == "Ready"
    assert region.effects[("commission", machine("node-3"))] == 1
    events = await call.events("node-3")
    order = [
        ("User starting node commissioning", "(admin)"),
        ("Commissioning", ""),
        ("Node changed status", "From 'New' to 'Commissioning'"),
        ("Powering on", ""),
        ("Node powered on", ""),
        ("Script result", "50-maas-01-commissioning changed status from 'Pending' to 'Running'"),
        ("Script result", "50-maas-01-commissioning changed status from 'Running' to 'Passed'"),
        ("Node changed status", "From 'Commissioning' to 'Testing'"),
        ("Running test", "smartctl-validate on sda"),
        ("Ready", ""),
        ("Node changed status", "From 'Testing' to 'Ready'"),
    ]
    places = [events.index(e) for e in order]
    assert places == sorted(places)


async def test_a_second_commission_is_refused_while_the_first_runs(region, call, machine) -> None:
    path = f"machines/{machine('node-3')}/?op=commission"
    await call("POST", path)
    again = await call("POST", path)
    assert again.status == 400
    assert again.json == {"__all__": ["Commission is not available because of the current state of the node."]}
    assert region.effects[("commission", machine("node-3"))] == 1


async def test_testing_scripts_none_skips_testing(call, machine) -> None:
    await call("POST", f"machines/{machine('node-3')}/?op=commission", {"testing_scripts": "none"})
    await call.until("node-3", "Ready")
    assert not [e for e in await call.events("node-3") if "Testing" in e[1]]


async def test_an_unknown_script_is_refused_and_changes_nothing(call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-3')}/?op=commission", {"testing_scripts": "nope"})
    assert answer.status == 400
    assert answer.json == {"testing_scripts": ["Select a valid choice. nope is not one of the available choices."]}
    assert (await call("GET", f"machines/{machine('node-3')}/")).json["status_name"] == "New"


async def test_a_failing_script_tells_its_name_exit_status_and_stderr(call, machine) -> None:
    await call("POST", f"machines/{machine('node-7')}/?op=commission")
    shown = await call.until("node-7", "Failed commissioning")
    assert shown["commissioning_status_name"] == "Failed"
    assert ("Script", "50-maas-01-commissioning failed") in await call.events("node-7", "INFO")
    path = f"nodes/{machine('node-7')}/results/current-commissioning/?include_output=1"
    found = (await call("GET", path)).json
    failed = [r for r in found["results"] if r["status_name"] == "Failed"]
    assert [r["name"] for r in failed] == ["50-maas-01-commissioning"]
    assert failed[0]["exit_status"] == 1
    assert "non-zero exit status" in base64.b64decode(failed[0]["stderr"]).decode()


async def test_results_without_include_output_have_no_output(call, machine) -> None:
    found = (await call("GET", f"nodes/{machine('node-4')}/results/?type=commissioning")).json
    assert [s["type_name"] for s in found] == ["Commissioning"]
    failed = [r["name"] for r in found[0]["results"] if r["status_name"] == "Failed"]
    assert failed == ["maas-lshw"]
    assert "stderr" not in found[0]["results"][0]


async def test_a_failing_test_ends_in_failed_testing(call, machine) -> None:
    await call("POST", f"machines/{machine('node-9')}/?op=test")
    await call.until("node-9", "Testing")
    shown = await call.until("node-9", "Failed testing")
    assert shown["storage_test_status_name"] == "Failed"
    overridden = await call("POST", f"machines/{machine('node-9')}/?op=override_failed_testing")
    assert overridden.json["status_name"] == "Ready"


async def test_a_wrong_bmc_password_fails_commissioning_with_the_cause(call, machine) -> None:
    await call("POST", f"machines/{machine('node-8')}/?op=commission")
    await call.until("node-8", "Failed commissioning")
    texts = [d for t, d in await call.events("node-8", "INFO") if t == "Failed to power on node"]
    assert texts == [
        "Power on for the node failed: Could not authenticate to node's BMC: Incorrect password."
        "  Check BMC configuration and try again."
    ]
    state = await call("GET", f"machines/{machine('node-8')}/?op=query_power_state")
    assert state.json == {"state": "error"}


async def test_a_machine_that_never_boots_runs_into_the_time_out(region, call, machine) -> None:
    region.world.alter("node-3", never_boots=True)
    region.world.settings["node_timeout"] = 1
    await call("POST", f"machines/{machine('node-3')}/?op=commission")
    await call.until("node-3", "Failed commissioning")
    text = "Node operation 'Commissioning' timed out after 1 minutes."
    assert ("Marking node failed", text) in await call.events("node-3", "ERROR")


@pytest.mark.parametrize(("name", "back"), [("node-3", "New"), ("node-2", "Ready")])
async def test_abort_shows_the_old_state_first_and_leads_back(call, machine, name: str, back: str) -> None:
    await call("POST", f"machines/{machine(name)}/?op=commission")
    answer = await call("POST", f"machines/{machine(name)}/?op=abort", {"comment": "stop"})
    assert answer.json["status_name"] == "Commissioning"
    assert answer.json["status_message"] == "Aborted commissioning"
    shown = await call.until(name, back)
    assert shown["owner"] is None
    assert ("User aborting node commissioning", "(admin) - stop") in await call.events(name)
    idle = await call("POST", f"machines/{machine(name)}/?op=abort")
    assert (idle.status, idle.text) == (
        409,
        f"Cannot abort in current state: node {machine(name)} is in state {back}.",
    )


async def test_commission_while_power_is_changing_gets_503_and_leaves_the_owner(call, machine) -> None:
    assert (await call("POST", f"machines/{machine('node-2')}/?op=power_off")).status == 200
    answer = await call("POST", f"machines/{machine('node-2')}/?op=commission")
    assert answer.status == 503
    assert "another action is already in progress" in answer.text
    shown = (await call("GET", f"machines/{machine('node-2')}/")).json
    assert (shown["status_name"], shown["owner"]) == ("Ready", "admin")


async def test_create_by_an_administrator_starts_commissioning(call) -> None:
    data = {"architecture": "amd64/generic", "mac_addresses": "52:54:00:99:00:01", "power_type": "manual"}
    made = (await call("POST", "machines/", {**data, "hostname": "fresh"})).json
    assert made["status_name"] == "Commissioning"
    other = {**data, "mac_addresses": "52:54:00:99:00:02", "hostname": "fresh2", "commission": "false"}
    assert (await call("POST", "machines/", other)).json["status_name"] == "New"
    await call.until("fresh", "Ready")
