from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.maas import RegionStandIn
from tests.sandbox_maas.caller import Caller


@pytest.fixture(params=["2.9.3", "3.4.10"])
async def region(request: pytest.FixtureRequest) -> AsyncIterator[RegionStandIn]:
    """A region of either version with the usual twelve machines, a hundred times as fast."""
    region = RegionStandIn(version=request.param, speed=100)
    await region.start()
    yield region
    await region.stop()


@pytest.fixture
async def call(region: RegionStandIn) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(region, session)


@pytest.fixture
def machine(region: RegionStandIn) -> Any:
    """The system id of a machine by name."""
    return lambda name: region.world.machine(name).system_id
