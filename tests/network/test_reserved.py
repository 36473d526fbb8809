"""Addresses kept for one MAC address, on MAAS 3.7, which alone of the versions here has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bot.maas.region import Region
from bot.operations.plan import Plan
from bot.operations.ranges import ReservationRemoving, Reserving
from bot.operations.steps import OperationStep, StepContext
from tests.maas.recordings import recorded
from tests.maas.wire import Reply, Wire, transport_to

SUBNET = {"id": 2, "name": "lab-net", "cidr": "10.98.0.0/16", "gateway_ip": "10.98.0.1", "vlan": None}
IN_USE = [{"ip": "10.98.10.11", "alloc_type": 6, "node_summary": {"hostname": "node-9"}}]


@pytest.fixture
async def wire() -> Wire:
    wire = Wire("3.7.3")
    for path in ("fabrics/", "ipranges/", "rackcontrollers/"):
        wire.on("GET", path, Reply(200, "[]"))
    wire.on("GET", "subnets/", Reply(200, json.dumps([SUBNET])))
    wire.on("GET", "subnets/2/", Reply(200, json.dumps(IN_USE)), op="ip_addresses")
    wire.on("GET", "reservedips/", recorded("3.7.3", "reservedips_list"))
    return wire


@pytest.fixture
async def region(wire: Wire) -> AsyncIterator[Any]:
    """As much of a region's service as these kinds use."""
    async with wire.running() as url, transport_to(url) as transport:
        yield SimpleNamespace(name="default", api=Region(transport))


def reason(plan: Plan) -> str:
    assert not plan.targets
    return plan.left_out[0].reason


async def carried_out(steps: Sequence[OperationStep], region: Any, options: dict[str, Any]) -> str:
    """Do the one step as its runner does: look, act, look again."""
    context = StepContext("op-test", "reserved", region, options, False, asyncio.Event(), lambda _text: None, 0.01)
    assert await steps[0].check(context) is None
    await steps[0].apply(context)
    return await steps[0].verify(context)


async def test_reserving(wire: Wire, region: Any) -> None:
    def options(ip: str, mac: str = "52:54:00:aa:00:02") -> dict[str, Any]:
        return {"ip": ip, "mac": mac, "comment": "printer"}

    kind = Reserving()
    assert "reserved already, for 52:54:00:aa:00:01" in reason(await kind.plan(region, options("10.98.201.5")))
    taken = options("10.98.201.6", "52:54:00:aa:00:01")
    assert "has 10.98.201.5 reserved already" in reason(await kind.plan(region, taken))
    assert "it is the gateway of lab-net" in reason(await kind.plan(region, options("10.98.0.1")))
    assert "there is no subnet 10.1.1.1" in reason(await kind.plan(region, options("10.1.1.1")))
    plan = await kind.plan(region, options("10.98.10.11"))
    assert plan.warnings == ("node-9 has this address now: reserve it only if the MAC address is that one's.",)
    plan = await kind.plan(region, options("10.98.201.6"))
    assert plan.title == "Reserve 10.98.201.6 for 52:54:00:aa:00:02" and not plan.warnings

    made = {"id": 2, "ip": "10.98.201.6", "mac_address": "52:54:00:AA:00:02", "comment": "printer", "subnet": SUBNET}
    wire.on("GET", "reservedips/", Reply(200, "[]"), Reply(200, json.dumps([made])))
    wire.on("POST", "reservedips/", Reply(200, json.dumps(made)))
    told = await carried_out(kind.steps(plan.options), region, dict(plan.options))
    assert told == "10.98.201.6 for 52:54:00:aa:00:02"
    assert len(wire.calls("reservedips/", "POST")) == 1


async def test_giving_back(wire: Wire, region: Any) -> None:
    kind, options = ReservationRemoving(), {"id": 1, "ip": "10.98.201.5", "mac": "52:54:00:aa:00:01"}
    assert "no longer reserved" in reason(await kind.plan(region, {**options, "id": 7}))
    plan = await kind.plan(region, options)
    assert "may get another address" in plan.losses[0]
    wire.on("GET", "reservedips/", recorded("3.7.3", "reservedips_list"), Reply(200, "[]"))
    wire.on("DELETE", "reservedips/1/", Reply(204, b"", "text/plain"))
    assert await carried_out(kind.steps(options), region, options) == "given back"
