"""The typed calls, against the recordings and against a region that acts."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.maas.errors import BadRequest, Conflict, Forbidden, NotFound
from bot.maas.models import MachineStatus
from bot.maas.region import Region
from bot.maas.transport import Transport
from tests.maas.recordings import recorded
from tests.maas.wire import Reply


async def test_reading_everything(live, standin):
    assert (await live.version()).release[0] in {2, 3}
    assert (await live.whoami()).is_superuser
    ids = await live.machine_ids()
    assert len(ids) == 30
    machines = await live.machines(ids=sorted(ids)[:3])
    assert sorted(machine.system_id for machine in machines) == sorted(ids)[:3]
    machine = await live.machine(machines[0].system_id)
    assert machine == machines[0]
    assert [one.system_id for one in await live.machines(hostnames=[machine.hostname])] == [machine.system_id]
    assert all(one.status is MachineStatus.DEPLOYED for one in await live.machines(filters={"status": "deployed"}))
    assert all(rack.connected for rack in await live.racks())
    assert await live.region_controllers()
    images = await live.boot_resources()
    assert (await live.boot_resource(images[0].id)).complete
    assert await live.is_importing() is False
    assert any(vlan.dhcp_on for vlan in await live.vlans())
    assert await live.subnets()
    assert isinstance(await live.notifications(), list)
    assert await live.get_config("maas_name")
    assert await live.events(limit=5)


async def test_nothing_asked_nothing_sent(live, standin):
    await live.version()
    before = len(standin.log)
    assert await live.machines(ids=[]) == []
    assert await live.machines(hostnames=()) == []
    assert len(standin.log) == before


async def test_the_nonce_is_never_reused(live, standin):
    for _ in range(30):
        await live.whoami()
    assert {call.status for call in standin.log} == {200}


async def test_commission_and_abort(live, standin):
    new = (await live.machines(filters={"status": "new"}))[0]
    machine = await live.commission(new.system_id)
    assert machine.status is MachineStatus.COMMISSIONING
    assert standin.effects["commission", new.system_id] == 1
    await live.abort(new.system_id, "enough")
    # Abort answers with the state from before; it changes a little later.
    while (await live.machine(new.system_id)).status.busy:
        await asyncio.sleep(0.02)
    with pytest.raises(Conflict, match="Cannot abort in current state"):
        await live.abort(new.system_id)


async def test_what_the_region_refuses(live, standin):
    deployed = (await live.machines(filters={"status": "deployed"}))[0]
    with pytest.raises((BadRequest, Forbidden)):
        await live.commission(deployed.system_id)
    with pytest.raises(NotFound):
        await live.machine("zzzzzz")
    with pytest.raises(NotFound):
        await live.machine(deployed.system_id.upper())
    with pytest.raises(BadRequest) as caught:
        await live.machines(filters={"limit": "3"})
    assert caught.value.fields == {"limit": ["No such constraint."]}
    with pytest.raises(BadRequest):
        await live.get_config("no_such_setting")


async def test_ids_for_a_key_without_rights(live, standin):
    transport = Transport(standin.url, SecretStr(standin.operator_api_key))
    region = Region(transport)
    assert not (await region.whoami()).is_superuser
    ids = await region.machine_ids()
    assert ids
    assert ids < await live.machine_ids()
    await transport.close()


async def test_events_go_forward_from_an_id(live):
    newest = (await live.events(limit=1))[0].id
    page = await live.events(after=newest - 3)
    assert sorted(event.id for event in page) == [newest - 2, newest - 1, newest]
    machine = (await live.machines(filters={"status": "new"}))[0]
    assert await live.events(id=machine.system_id, after=newest) == []
    await live.commission(machine.system_id)
    types = {event.type for event in await live.events(id=machine.system_id, after=newest)}
    assert "Node changed status" in types


@pytest.mark.parametrize(
    "answer",
    [recorded("2.9", "node_results_current_installation_400"), Reply(404, "Not Found", "text/plain")],
)
async def test_no_script_results_yet_is_no_error(wire, region, answer):
    wire.on("GET", "nodes/y8k8f7/results/current-installation/", answer)
    assert await region.script_results("y8k8f7", "current-installation") is None


async def test_script_results_of_one_script(wire, region):
    wire.on(
        "GET",
        "nodes/y8k8f7/results/current-commissioning/",
        recorded("2.9", "node_results_current_commissioning"),
    )
    run = await region.script_results("y8k8f7", include_output=True, script="maas-lshw")
    assert run is not None
    assert run.status_name == "Passed"
    assert wire.seen[-1].query == [("include_output", "true"), ("filters", "maas-lshw")]
