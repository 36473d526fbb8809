"""Deploy, release, power, lock, broken, rescue: what they do and when they are refused."""

from __future__ import annotations

import asyncio


async def test_deploy_ends_deployed_with_an_address_and_release_gives_it_back(call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-2')}/?op=deploy", {"distro_series": "jammy"})
    assert answer.json["status_name"] == "Deploying"
    shown = await call.until("node-2", "Deployed")
    assert (shown["owner"], shown["osystem"], shown["distro_series"]) == ("admin", "ubuntu", "jammy")
    assert len(shown["ip_addresses"]) == 1
    assert shown["power_state"] == "on"
    released = await call("POST", f"machines/{machine('node-2')}/?op=release", {"comment": "done"})
    assert released.json["status_name"] == "Releasing"
    shown = await call.until("node-2", "Ready")
    assert (shown["owner"], shown["ip_addresses"], shown["power_state"]) == (None, [], "off")
    assert ("User releasing node", "(admin) - done") in await call.events("node-2")


async def test_release_with_erase_passes_through_disk_erasing(call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-1')}/?op=release", {"erase": "true"})
    assert answer.json["status_name"] == "Disk erasing"
    await call.until("node-1", "Ready")


async def test_a_failing_deployment(region, call, machine) -> None:
    region.world.alter("node-2", fail_deploy=True)
    await call("POST", f"machines/{machine('node-2')}/?op=deploy")
    await call.until("node-2", "Failed deployment")
    log = await call("GET", f"nodes/{machine('node-2')}/results/current-installation/?op=download")
    assert "curtin: Installation failed" in log.text


async def test_a_locked_machine_refuses_with_an_empty_403(call, machine) -> None:
    node = machine("node-5")
    for op in ("release", "power_off", "commission", "deploy"):
        answer = await call("POST", f"machines/{node}/?op={op}")
        assert (answer.status, answer.text) == (403, ""), op
    assert (await call("DELETE", f"machines/{node}/")).status == 403
    assert (await call("PUT", f"machines/{node}/", {"hostname": "x"})).status == 403
    assert (await call("POST", f"machines/{node}/?op=unlock")).json["locked"] is False


async def test_power_lags_behind_the_answer(region, call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-1')}/?op=power_off")
    assert answer.json["power_state"] == "on"
    for _ in range(200):
        if (await call("GET", f"machines/{machine('node-1')}/")).json["power_state"] == "off":
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("the power stayed on")
    region.world.alter("node-1", power_type="manual")
    assert (await call("POST", f"machines/{machine('node-1')}/?op=power_off")).json is None


async def test_mark_broken_needs_the_owner(call, machine) -> None:
    node = machine("node-2")
    assert (await call("POST", f"machines/{node}/?op=mark_broken", {"comment": "fan"})).status == 403
    await call("POST", "machines/?op=allocate", {"system_id": node})
    answer = await call("POST", f"machines/{node}/?op=mark_broken", {"comment": "fan"})
    assert answer.json["status_name"] == "Broken"
    assert ("User marking node broken", "(admin) - fan") in await call.events("node-2")
    assert (await call("POST", f"machines/{node}/?op=mark_fixed")).json["status_name"] == "Ready"


async def test_rescue_mode_in_and_out(call, machine) -> None:
    await call("POST", f"machines/{machine('node-2')}/?op=rescue_mode")
    await call.until("node-2", "Rescue mode")
    await call("POST", f"machines/{machine('node-2')}/?op=exit_rescue_mode")
    await call.until("node-2", "Ready")


async def test_bulk_release_skips_what_cannot_be_released(call, machine) -> None:
    data = [("machines", machine("node-1")), ("machines", machine("node-3")), ("machines", machine("node-5"))]
    answer = await call("POST", "machines/?op=release", data)
    assert answer.json == [machine("node-1")]
    unknown = await call("POST", "machines/?op=release", [("machines", "zzzzzz")])
    assert (unknown.status, unknown.text) == (400, "Unknown machine(s): zzzzzz.")


async def test_an_image_that_is_not_there_is_refused_with_the_ones_that_are(call, machine) -> None:
    answer = await call("POST", f"machines/{machine('node-2')}/?op=deploy", {"distro_series": "warty"})
    assert answer.json == {
        "distro_series": [
            "'warty' is not a valid distro_series.  It should be one of: '', 'ubuntu/focal', 'ubuntu/jammy',"
            " 'ubuntu/noble'."
        ]
    }


async def test_a_plain_user_sees_own_and_free_machines_only(region, call) -> None:
    key = region.operator_api_key
    seen = (await call("GET", "machines/", key=key)).json
    assert {m["owner"] for m in seen} <= {"operator", None}
    assert 0 < len(seen) < 12
    other = next(m for m in region.world.machines.values() if m.owner == "admin")
    assert (await call("POST", f"machines/{other.system_id}/?op=commission", key=key)).status == 403
    assert (await call("GET", "boot-sources/", key=key)).text == "User is not allowed access to this API."
