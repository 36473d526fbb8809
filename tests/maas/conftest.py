from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot.maas.exchange import Timeouts
from bot.maas.region import Region
from bot.maas.retries import Retries
from bot.maas.transport import Transport
from sandbox.maas.region import RegionStandIn
from tests.maas.wire import Wire, transport_to

#: Short enough for tests, long enough for a loaded machine.
TIMEOUTS = Timeouts(connect=1.0, read=1.0, list=1.5, power=1.0, write=1.0)
LIVE_TIMEOUTS = Timeouts(connect=2.0, read=5.0, list=10.0, power=5.0, write=5.0)
RETRIES = Retries(attempts=3, deadline=5.0, base=0.01, longest=0.05)


@pytest.fixture
def wire() -> Wire:
    return Wire("2.9")


@pytest.fixture
async def url(wire: Wire) -> AsyncIterator[str]:
    async with wire.running() as url:
        yield url


@pytest.fixture
async def transport(url: str) -> AsyncIterator[Transport]:
    async with transport_to(url, timeouts=TIMEOUTS, retries=RETRIES) as transport:
        yield transport


@pytest.fixture
def region(transport: Transport) -> Region:
    return Region(transport)


@pytest.fixture(params=["2.9.3", "3.4.10"])
async def standin(request: pytest.FixtureRequest) -> AsyncIterator[RegionStandIn]:
    standin = RegionStandIn(version=request.param, machines=30, seed=3, speed=50)
    await standin.start()
    try:
        yield standin
    finally:
        await standin.stop()


@pytest.fixture
async def live(standin: RegionStandIn) -> AsyncIterator[Region]:
    """The API of the stand-in, with an administrator's key."""
    transport = Transport(standin.url, SecretStr(standin.api_key), timeouts=LIVE_TIMEOUTS, retries=RETRIES)
    try:
        yield Region(transport)
    finally:
        await transport.close()
