"""Lost connections: what is repeated, what never is, and what is in doubt."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from pydantic import SecretStr

from bot.maas.errors import (
    MaasError,
    RegionBusy,
    RegionTimeout,
    RegionUnreachable,
)
from bot.maas.region import Region
from bot.maas.transport import Transport
from tests.maas.conftest import RETRIES
from tests.maas.recordings import recorded
from tests.maas.transport_kit import MACHINE, fails
from tests.maas.wire import API_KEY, DROP, HANG, TRUNCATE, Reply, transport_to


async def test_refused(unused_tcp_port_here):
    async with transport_to(f"http://127.0.0.1:{unused_tcp_port_here}/MAAS", retries=RETRIES) as transport:
        error = await fails(Region(transport).version(), RegionUnreachable)
    assert "refused" in error.problem.lower() or "connect" in error.problem.lower()
    assert "MAAS_URL" in error.remedy


@pytest.fixture
def unused_tcp_port_here():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def test_unknown_host():
    async with transport_to("http://no-such-host.invalid/MAAS", retries=RETRIES) as transport:
        assert "no-such-host.invalid" in (await fails(Region(transport).version(), RegionUnreachable)).problem


async def test_reads_are_repeated_with_a_new_nonce(wire, region):
    wire.on("GET", MACHINE, DROP, Reply(503, "busy", "text/plain"), recorded("2.9", "machine_read"))
    assert (await region.machine("br3aen")).system_id == "br3aen"
    nonces = [call.nonce for call in wire.calls(MACHINE)]
    assert len(nonces) == 3
    assert len(set(nonces)) == 3


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_reads_are_repeated_a_bounded_number_of_times(wire, region, status):
    wire.on("GET", MACHINE, Reply(status, "", "text/plain"))
    with pytest.raises(MaasError):
        await region.machine("br3aen")
    assert len(wire.calls(MACHINE)) == RETRIES.attempts


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
async def test_refusals_are_not_repeated(wire, region, status):
    wire.on("GET", MACHINE, Reply(status, "no", "text/plain"))
    with pytest.raises(MaasError):
        await region.machine("br3aen")
    assert len(wire.calls(MACHINE)) == 1


async def test_a_wait_longer_than_the_deadline_is_not_waited(wire, region):
    wire.on("GET", MACHINE, Reply(503, "", "text/plain", {"Retry-After": "3600"}))
    began = time.monotonic()
    error = await fails(region.machine("br3aen"), RegionBusy)
    assert error.retry_after == 3600
    assert time.monotonic() - began < 2
    assert len(wire.calls(MACHINE)) == 1


@pytest.mark.parametrize("answer", [DROP, TRUNCATE])
async def test_a_change_whose_connection_drops_is_in_doubt_and_not_repeated(wire, region, answer):
    wire.on("POST", MACHINE, answer, op="commission")
    error = await fails(region.commission("br3aen"), RegionUnreachable)
    assert error.outcome_unknown
    assert len(wire.calls(MACHINE, "POST")) == 1


@pytest.mark.parametrize(("method", "action"), [("PUT", "update"), ("DELETE", "delete")])
async def test_not_even_the_http_library_repeats_a_change(wire, transport, method, action):
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    await transport.call("Machine", "read", params={"system_id": "br3aen"})
    wire.on(method, MACHINE, DROP)
    error = await fails(transport.call("Machine", action, params={"system_id": "br3aen"}), RegionUnreachable)
    assert error.outcome_unknown
    assert len(wire.calls(MACHINE, method)) == 1


async def test_a_change_that_could_not_be_sent_is_not_in_doubt(url, wire, unused_tcp_port_here, tmp_path):
    async with transport_to(url, tmp_path) as transport:
        await Region(transport).version()
    async with transport_to(url, tmp_path) as transport:
        await transport._description()
        transport._api = None
        moved = Transport(f"http://127.0.0.1:{unused_tcp_port_here}/MAAS", SecretStr(API_KEY), cache_dir=tmp_path)
        moved._seen_hash = transport._api_hash
        error = await fails(moved.call("Machine", "abort", params={"system_id": "x"}), RegionUnreachable)
        await moved.close()
    assert not error.outcome_unknown


async def test_a_read_that_breaks_off_is_repeated(wire, region):
    wire.on("GET", MACHINE, TRUNCATE, recorded("2.9", "machine_read"))
    assert (await region.machine("br3aen")).system_id == "br3aen"


async def test_time_outs(wire, region):
    wire.on("GET", MACHINE, HANG)
    began = time.monotonic()
    error = await fails(region.machine("br3aen"), RegionTimeout)
    assert not error.outcome_unknown
    assert time.monotonic() - began < 4
    assert len(wire.calls(MACHINE)) == 1, "a slow region is not made slower"
    wire.on("POST", MACHINE, HANG, op="commission")
    assert (await fails(region.commission("br3aen"), RegionTimeout)).outcome_unknown


async def test_closing_ends_calls_under_way(wire, url):
    wire.on("GET", MACHINE, HANG)
    async with transport_to(url, retries=RETRIES) as transport:
        call = asyncio.ensure_future(Region(transport).machine("br3aen"))
        while not wire.calls(MACHINE):
            await asyncio.sleep(0.01)
        await transport.close()
        await fails(call, RegionUnreachable)
        await fails(Region(transport).version(), RegionUnreachable)
